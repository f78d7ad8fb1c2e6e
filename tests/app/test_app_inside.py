"""What only the inside of the app shows: its logs, its counts, its limits, what it does when
something breaks."""

import io
import json
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.contract import JSON, SEVEN, Api
from support.digits import DIGITS
from support.helpers import data_url
from test_http import HOSTILE, as_url

from digitvision import app as web
from digitvision.inference import Recognizer
from digitvision.preprocess import rasterize

APP = web.create_app()
API = Api(APP.test_client())


def test_every_route_is_documented_and_every_documented_route_is_there():
    routes = {
        (rule.rule, method.lower())
        for rule in APP.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    documented = {(path, method) for path, item in API.document["paths"].items() for method in item}
    assert documented == routes


def test_a_bug_is_a_500_that_tells_nothing_of_the_inside(monkeypatch, caplog):
    monkeypatch.setattr(web, "prepare", lambda *_: 1 / 0)
    response = API.predict(data_url(SEVEN))
    assert (response.status_code, response.json["error"]["code"]) == (500, "internal_error")
    assert "division" not in response.text
    assert "ZeroDivisionError" in caplog.text


def test_health_is_ready_only_if_a_digit_is_read_right(monkeypatch):
    three = Recognizer().predict(rasterize(DIGITS[3]))
    monkeypatch.setattr(Recognizer, "predict", lambda *_: three)
    response = API.get("/api/health")
    assert (response.status_code, API.check(response)["error"]["code"]) == (503, "not_ready")


def test_a_batch_runs_the_network_once(monkeypatch):
    runs = []
    original = Recognizer.predict_inputs
    monkeypatch.setattr(
        Recognizer, "predict_inputs", lambda self, x: runs.append(len(x)) or original(self, x)
    )
    assert len(API.check(API.batch([data_url(SEVEN)] * 64))["predictions"]) == 64
    assert runs == [64]


@pytest.mark.parametrize("kind", [JSON, "multipart/form-data", "application/x-www-form-urlencoded"])
def test_a_body_over_the_limit_is_refused_unread(kind):
    class Stream(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

    response = API.post(
        "/api/predict",
        content_type=f"{kind}; boundary=x",
        environ_overrides={"wsgi.input": Stream(), "CONTENT_LENGTH": str(2**21 + 1)},
    )
    code = "body_too_large" if kind == JSON else "not_json"
    assert API.check(response)["error"]["code"] == code


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_made_to_hurt_takes_little_memory(name):
    import resource  # Windows has none

    image = as_url(HOSTILE[name][0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    API.predict(image)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120_000  # KiB


def test_other_sites_may_call_only_when_they_are_named():
    client = web.create_app(cors_origins=["https://friend.example"]).test_client()
    for origin, allowed in (("https://friend.example", True), ("https://other.example", False)):
        for method in ("OPTIONS", "POST"):
            response = client.open("/api/predict", method=method, headers={"Origin": origin})
            given_origin = response.headers.get("Access-Control-Allow-Origin")
            assert given_origin == (origin if allowed else None)
            assert "Origin" in response.headers["Vary"]
    response = API.post("/api/predict", headers={"Origin": "https://friend.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_only_names_of_ours_are_answered_to():
    client = web.create_app(hosts=["example.org"]).test_client()
    assert client.get("/api/health", base_url="http://example.org").status_code == 200
    for path in ("/", "/api/health", "/nothing"):
        response = client.get(path, base_url="http://evil.example")
        assert (response.status_code, response.json["error"]["code"]) == (421, "wrong_host")


def sample(name: str, **labels) -> float:
    "A number of /metrics; 0 if it is not there yet."
    text = API.get("/metrics").text
    found = [
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    ]
    return sum(found)


def test_requests_are_counted_by_route_and_not_by_address():
    def count():
        return [
            sample("digitvision_requests_total", route="/api/predict", status="200"),
            sample("digitvision_requests_total", route="/api/predict", status="400"),
            sample("digitvision_requests_total", route="none", status="404"),
            sample("digitvision_request_seconds_count", route="/api/predict"),
        ]

    before = count()
    API.predict(data_url(SEVEN))
    API.predict("x")
    API.get("/made/up/address")
    assert [after - was for after, was in zip(count(), before, strict=True)] == [1, 1, 1, 2]
    assert "made/up" not in API.get("/metrics").text


def test_a_request_is_one_line_in_the_log_without_what_was_sent(caplog):
    caplog.set_level("INFO", "app.requests")
    API.predict(data_url(SEVEN), "?model=secret")
    API.predict(data_url(SEVEN))
    first, second = (json.loads(record.message) for record in caplog.records)
    assert (first["status"], second["status"]) == (404, 200)
    assert set(second) == {"time", "method", "route", "status", "ms", "bytes"}
    assert second["route"] == "/api/predict" and second["bytes"] > 1000
    assert "base64" not in caplog.text and "secret" not in caplog.text
