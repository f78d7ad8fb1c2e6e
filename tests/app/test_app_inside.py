"""What only a test inside the process sees: malicious files, limits, logs, failures."""

import io
import struct
import sys
import threading
import zlib
from typing import get_args

import pytest
from digitvision.app import errors, schemas
from PIL import Image
from support.contract import BODY, JSON, SEVEN, Api
from support.digits import DIGITS
from support.helpers import chunk, data_url, encode, png

from digitvision import app as web
from digitvision import replies
from digitvision.inference import PREPROCESS, Recognizer
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


def test_the_document_names_the_ways_to_preprocess():
    assert set(get_args(schemas.Preprocess)) == set(PREPROCESS)


def test_a_bug_is_a_500_that_does_not_show_the_inside(monkeypatch, caplog):
    monkeypatch.setattr(web, "list_models", lambda: 1 / 0)
    response = API.get("/api/models")
    assert (response.status_code, response.json["error"]["code"]) == (500, "internal_error")
    assert "division" not in response.text
    assert "ZeroDivisionError" in caplog.text


PARTS = ["pictures.Image.open", "inference.fit_mnist", "inference.Recognizer.predict_inputs"]


@pytest.mark.parametrize("broken", PARTS)
@pytest.mark.parametrize("path", ["predict", "explain"])
def test_a_picture_that_breaks_the_reader_is_a_400(monkeypatch, caplog, broken, path):
    monkeypatch.setattr(f"digitvision.{broken}", lambda *_, **__: 1 / 0)
    caplog.set_level("INFO")
    response = API.post(f"/api/{path}", data=BODY, content_type=JSON)
    assert API.refusal(response) == (400, "invalid_image")
    assert "ZeroDivisionError" in caplog.text


def test_a_picture_that_breaks_the_reader_does_not_spoil_its_batch(monkeypatch, caplog):
    real = replies.prepare

    monkeypatch.setattr(replies, "prepare", lambda one, *_: real(one) if one.width > 9 else 1 / 0)
    images = [data_url(SEVEN), data_url(Image.new("L", (9, 9)))]
    good, bad = API.check(API.batch(images))["predictions"]
    assert (good["digit"], bad["error"]["code"]) == (7, "invalid_image")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["predict", "predict/batch", "explain"])
def test_a_server_with_too_many_requests_says_when_to_come_back(monkeypatch, path):
    monkeypatch.setattr(errors, "MAX_REQUESTS", threading.Semaphore(0))
    body = {"images": []} if path == "predict/batch" else {"image": data_url(SEVEN)}
    response = API.post(f"/api/{path}", json=body)
    assert API.refusal(response) == (503, "overloaded")
    assert response.headers["Retry-After"] == "1"


def test_health_is_ready_only_if_a_digit_is_read_right(monkeypatch):
    three = Recognizer().predict(rasterize(DIGITS[3]))
    monkeypatch.setattr(Recognizer, "predict", lambda *_: three)
    assert API.refusal(API.get("/api/health")) == (503, "not_ready")


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
    stream = io.BytesIO(b"x")
    sent = {"wsgi.input": stream, "CONTENT_LENGTH": str(10**9)}
    kind = f"{kind}; boundary=x"
    response = API.post("/api/predict", content_type=kind, environ_overrides=sent)
    expected = (413, "body_too_large") if kind.startswith(JSON) else (415, "not_json")
    assert API.refusal(response) == expected
    assert stream.tell() == 0  # nothing was read


ZEROS = zlib.compress(bytes(100_000_000), 9)
BLACK = zlib.compress(bytes(4001 * 4000), 9)  # 4000×4000 pixels
FRAMES = chunk(b"acTL", struct.pack(">II", 10_000, 0))
MALICIOUS = {
    "zero size": (png(0, 0), 400),
    "zero height": (png(9, 0), 400),
    "2 billion pixels wide": (png(2**31 - 1, 1), 413),
    "more data than pixels": (png(9, 9, chunk(b"IDAT", ZEROS)), 422),
    "zTXt bomb": (png(9, 9, chunk(b"zTXt", b"x\0\0" + ZEROS), chunk(b"IDAT", b"")), 400),
    "iCCP bomb": (png(9, 9, chunk(b"iCCP", b"x\0\0" + ZEROS), chunk(b"IDAT", b"")), 400),
    "truncated": (png(2000, 2000, chunk(b"IDAT", zlib.compress(bytes(100)))), 400),
    "1-bit 9000×9000": (png(9000, 9000, chunk(b"IDAT", ZEROS), bits=1), 413),
    "APNG of 10,000 frames": (png(4000, 4000, FRAMES, chunk(b"IDAT", BLACK)), 422),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>', 400),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 400),
    "TIFF": (encode(SEVEN, "TIFF"), 400),
    "ICO": (encode(SEVEN, "ICO"), 400),
}


def peak_memory() -> int:  # KiB; other systems than Linux count it in other units
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(("data", "status"), MALICIOUS.values(), ids=MALICIOUS)
def test_a_malicious_file_is_refused_and_takes_little_memory(data, status):
    url, before = data_url(data), peak_memory()
    response = API.predict(url)
    assert peak_memory() - before < 120_000
    assert response.status_code == status
    API.check(response)


def test_text_after_a_picture_is_dropped():
    reply = API.check(API.predict(data_url(encode(SEVEN) + b"<script>alert(7)</script>PK\x03\x04")))
    assert reply["digit"] == 7
    assert reply["input"] == API.check(API.predict(data_url(SEVEN)))["input"]


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
