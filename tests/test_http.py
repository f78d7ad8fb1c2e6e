"""The HTTP contract (docs/api.md): every route, every error, and never a 500."""

import base64
import io
import json
import struct
import sys
import time
import zlib

import jsonschema
import numpy as np
import pytest
from digits import DIGITS, placed
from helpers import canvas_url, chunk, data_url
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from prometheus_client.parser import text_string_to_metric_families

import app as web
from digitvision.explain import activations
from digitvision.inference import MAX_PIXELS, Recognizer, decode_data_url
from digitvision.preprocess import rasterize

try:
    import resource
except ImportError:  # Windows
    resource = None

SEVEN = rasterize(DIGITS[7])
JSON = "application/json"
CLIENT = web.create_app().test_client()
OPENAPI = CLIENT.get("/api/openapi.json").json


def check(response):
    "The reply, which must be one that the OpenAPI document announces for its route and status."
    route = OPENAPI["paths"][response.request.path][response.request.method.lower()]
    announced = route["responses"][str(response.status_code)]["content"]
    schema = announced[response.mimetype]["schema"] | {"components": OPENAPI["components"]}
    jsonschema.Draft202012Validator(schema).validate(response.json)
    return response.json


def predict(image: str, query: str = "", **more):
    return CLIENT.post(f"/api/predict{query}", json={"image": image, **more})


def bomb(side: int = 9000) -> str:
    return data_url(Image.new("1", (side, side)))


# Every error


ERRORS = [
    (b'{"image": ', 400, "malformed_json"),
    (b"", 400, "malformed_json"),
    (b"\xff\xfe\x00", 400, "malformed_json"),
    (b"[" * 100_000, 400, "invalid_request"),
    (b'{"image": ' * 50_000, 400, "invalid_request"),
    (b'{"image": 1' + b"0" * 5_000 + b"}", 400, "invalid_request"),
    (b"[1]", 400, "invalid_request"),
    (b'"x"', 400, "invalid_request"),
    (b"null", 400, "invalid_request"),
    (b"NaN", 400, "malformed_json"),
    (b"{}", 400, "invalid_request"),
    (b'{"image": 7}', 400, "invalid_request"),
    (b'{"image": NaN}', 400, "malformed_json"),
    (b'{"image": "", "preproces": "resize"}', 400, "invalid_request"),
    (b'{"image": ["data:image/png;base64,"]}', 400, "invalid_request"),
    (b'{"image": "", "brush": NaN}', 400, "invalid_request"),
    (b'{"image": "/etc/passwd"}', 400, "invalid_image"),
    (b'{"image": "http://127.0.0.1/7.png"}', 400, "invalid_image"),
    (b'{"image": "data:text/plain;base64,Nw=="}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,"}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,!!!"}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,\\ud800"}', 400, "malformed_json"),
    (b'{"image": "data:image/png;base64,Nzc3"}', 400, "invalid_image"),
    (b'{"image": "' + data_url(SEVEN)[:400].encode() + b'"}', 400, "invalid_image"),
    (b'{"image": "' + canvas_url(SEVEN)[:4000].encode() + b'"}', 400, "invalid_image"),
    (b'{"image": "", "preprocess": "magic"}', 400, "invalid_request"),
    (b'{"image": "", "preprocess": []}', 400, "invalid_request"),
    (json.dumps({"image": bomb()}).encode(), 413, "image_too_large"),
    (b" " * (2 * 1024 * 1024 + 1), 413, "body_too_large"),
    (json.dumps({"image": data_url(Image.new("L", (280, 280)))}).encode(), 422, "blank_image"),
]


@pytest.mark.parametrize(("body", "status", "code"), ERRORS, ids=lambda value: str(value)[:40])
def test_what_cannot_be_read_is_refused_in_words(body, status, code):
    response = CLIENT.post("/api/predict", data=body, content_type=JSON)
    assert (response.status_code, check(response)["error"]["code"]) == (status, code)


def test_a_picture_that_lies_on_the_server_is_not_opened(tmp_path):
    path = tmp_path / "seven.png"
    SEVEN.save(path)
    for image in (str(path), path.as_uri()):
        response = predict(image)
        assert (response.status_code, check(response)["error"]["code"]) == (400, "invalid_image")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/jsonx"])
def test_a_body_that_is_not_announced_as_json_is_a_415(kind):
    response = CLIENT.post("/api/predict", data=b'{"image": ""}', content_type=kind)
    assert (response.status_code, check(response)["error"]["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("POST", "/api/nothing", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/static/../__init__.py", 404, "not_found"),
        ("GET", "/api/predict", 405, "method_not_allowed"),
        ("DELETE", "/api/model", 405, "method_not_allowed"),
        ("GET", "/api/model?model=nothing", 404, "model_not_found"),
        ("GET", "/api/model?model=../baseline", 404, "model_not_found"),
    ],
)
def test_addresses_that_do_not_answer_say_so_in_the_same_shape(method, path, status, code):
    response = CLIENT.open(path, method=method)
    jsonschema.validate(response.json, OPENAPI["components"]["schemas"]["Error"])
    assert (response.status_code, response.json["error"]["code"]) == (status, code)
    assert (status == 405) == ("Allow" in response.headers)


def test_a_model_that_is_not_there_is_a_404():
    response = predict(data_url(SEVEN), "?model=nothing")
    assert response.status_code == 404
    assert check(response)["error"]["code"] == "model_not_found"


def test_a_bug_is_a_500_that_tells_nothing_of_the_inside(monkeypatch, caplog):
    monkeypatch.setattr(web, "prepare", lambda *_: 1 / 0)
    response = predict(data_url(SEVEN))
    assert (response.status_code, response.json["error"]["code"]) == (500, "internal_error")
    assert "division" not in response.text
    assert "ZeroDivisionError" in caplog.text


# Every picture


def transparent(image: Image.Image) -> Image.Image:
    ink = Image.new("RGBA", image.size, "black")
    ink.putalpha(image)
    return ink


def animated() -> str:
    frames = [SEVEN, *(Image.new("L", SEVEN.size, grey) for grey in (40, 80))]
    return data_url(frames[0], "GIF", save_all=True, append_images=frames[1:])


PICTURES = {
    "grey": lambda: data_url(SEVEN),
    "RGB": lambda: data_url(SEVEN.convert("RGB")),
    "black on white": lambda: data_url(ImageOps.invert(SEVEN)),
    "a browser's canvas": lambda: canvas_url(SEVEN),
    "transparent": lambda: data_url(transparent(SEVEN)),
    "grey and alpha": lambda: data_url(transparent(SEVEN).convert("LA")),
    "palette": lambda: data_url(SEVEN.convert("P")),
    "1-bit": lambda: data_url(SEVEN.convert("1")),
    "16-bit": lambda: data_url(Image.fromarray(np.asarray(SEVEN).astype(np.uint16) * 257)),
    "JPEG": lambda: data_url(SEVEN, "JPEG"),
    "CMYK JPEG": lambda: data_url(SEVEN.convert("CMYK"), "JPEG"),
    "WebP": lambda: data_url(SEVEN.convert("RGB"), "WEBP"),
    "BMP": lambda: data_url(SEVEN, "BMP"),
    "animated GIF": animated,
    "large": lambda: data_url(SEVEN.resize((4096, 4096))),
    "wrong name": lambda: data_url(SEVEN, "JPEG").replace("jpeg", "png"),
    "capitals": lambda: data_url(SEVEN).replace("data:image/png", "DATA:IMAGE/PNG"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_picture_is_read(name):
    reply = check(predict(PICTURES[name]()))
    assert reply["digit"] == 7
    assert reply["confidence"] == max(reply["probabilities"]) == reply["probabilities"][7]
    assert sum(reply["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_the_reply_is_what_the_recogniser_says():
    prediction = Recognizer().predict(SEVEN)
    reply = check(predict(data_url(SEVEN)))
    assert reply["probabilities"] == pytest.approx(prediction.probabilities.tolist(), abs=1e-6)
    assert (reply["is_digit"], reply["model"]) == (prediction.is_digit, "digitvision")
    seen = np.asarray(decode_data_url(reply["input"]), np.float32) / 255
    assert np.array_equal(seen, prediction.input)


def test_preprocess_chooses_how_the_picture_is_framed():
    corner = data_url(rasterize(placed(DIGITS[7], 0.3, 0, 0), brush=8))
    framed, naive = (check(predict(corner, preprocess=name)) for name in ("mnist", "resize"))
    assert check(predict(corner)) == framed
    assert framed["input"] != naive["input"]
    assert framed["digit"] == 7


# The inside


def explain(**body):
    return CLIENT.post("/api/explain", json={"image": data_url(SEVEN)} | body)


def test_an_explanation_shows_what_the_library_says():
    reply = check(explain(strokes=DIGITS[7]))
    assert reply["digit"] == 7
    assert [layer["name"] for layer in reply["layers"]] == list(activations(SEVEN))
    for layer, maps in zip(reply["layers"], activations(SEVEN).values(), strict=True):
        assert tuple(layer["shape"]) == maps.maps.shape
        assert decode_data_url(layer["maps"]).size[0] >= 10
    assert decode_data_url(reply["saliency"]).size == (28, 28)
    assert [stage["name"] for stage in reply["stages"]] == ["grey", "ink", "crop", "box", "input"]
    growth = reply["timeline"]
    assert growth["points"] == list(range(1, 9))
    sent = predict(data_url(SEVEN)).json["probabilities"]
    assert growth["probabilities"][-1] == pytest.approx(sent, abs=1e-5)


def test_an_explanation_follows_the_framing_and_the_strokes_are_optional():
    reply = check(explain(preprocess="resize"))
    assert [stage["name"] for stage in reply["stages"]] == ["grey", "ink", "naive"]
    assert reply["timeline"] is None


def test_a_large_picture_is_explained_with_small_ones():
    large = rasterize(placed(DIGITS[7], 5, 0, 0), 1400, 90)
    reply = check(explain(image=data_url(large)))
    assert reply["stages"][0]["size"] == [1400, 1400]
    assert decode_data_url(reply["stages"][0]["picture"]).size == (280, 280)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strokes": 7},
        {"strokes": [7]},
        {"strokes": [["seven"]]},
        {"strokes": [[[1]]]},
        {"strokes": [[[1, 2]]]},  # one point has no time-line
        {"stroke": DIGITS[7]},
        {"strokes": [[[1, 2], [10**400, 3]]]},
        {"strokes": [[[1, 2], [3, 4]]] * 101},
        {"strokes": [[[1, 2]] * 100_001]},
        {"strokes": DIGITS[7], "brush": 0},
        {"strokes": DIGITS[7], "brush": 1e9},
        {"strokes": DIGITS[7], "brush": True},
        {"strokes": DIGITS[7], "brush": "18"},
        {"preprocess": "magic"},
        {"image": 7},
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_explained_is_refused(wrong):
    response = explain(**wrong)
    assert (response.status_code, check(response)["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "wrong", [{"strokes": []}, {"strokes": [[]]}, {"strokes": [[[-90, 9]] * 2]}]
)
def test_strokes_without_ink_are_blank(wrong):
    response = explain(**wrong)
    assert (response.status_code, check(response)["error"]["code"]) == (422, "blank_image")


# Files that are made to hurt


def png(width: int, height: int, *chunks: bytes, bits: int = 8) -> bytes:
    "A grey PNG of these chunks."
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def as_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


ZEROS = zlib.compress(bytes(100_000_000), 9)
HOSTILE = {
    "zero size": (png(0, 0), 400),
    "zero height": (png(9, 0), 400),
    "2 billion pixels wide": (png(2**31 - 1, 1), 413),
    "more data than pixels": (png(9, 9, chunk(b"IDAT", ZEROS)), 422),
    "zTXt bomb": (png(9, 9, chunk(b"zTXt", b"x\0\0" + ZEROS), chunk(b"IDAT", b"")), 400),
    "iCCP bomb": (png(9, 9, chunk(b"iCCP", b"x\0\0" + ZEROS), chunk(b"IDAT", b"")), 400),
    "truncated": (png(2000, 2000, chunk(b"IDAT", zlib.compress(bytes(100)))), 400),
    "1-bit 9000×9000": (png(9000, 9000, chunk(b"IDAT", ZEROS), bits=1), 413),
    "APNG of 10,000 frames": (
        png(
            4000,
            4000,
            chunk(b"acTL", struct.pack(">II", 10_000, 0)),
            chunk(b"IDAT", zlib.compress(bytes(4001 * 4000), 9)),
        ),
        422,
    ),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>', 400),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 400),
    "TIFF": (base64.b64decode(data_url(SEVEN, "TIFF").split(",")[1]), 400),
    "ICO": (base64.b64decode(data_url(SEVEN, "ICO").split(",")[1]), 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_made_to_hurt_costs_little(name):
    data, status = HOSTILE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if resource else 0
    start = time.perf_counter()
    response = predict(as_url(data))
    assert response.status_code == status
    check(response)
    assert time.perf_counter() - start < 2
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120_000  # KiB


def test_a_picture_that_is_also_something_else_is_only_a_picture():
    page = b"<script>alert(7)</script>PK\x03\x04"
    reply = check(predict(as_url(base64.b64decode(data_url(SEVEN).split(",")[1]) + page)))
    assert reply["digit"] == 7
    assert b"script" not in base64.b64decode(reply["input"].split(",")[1])


# The batch


def batch(images, **more):
    return CLIENT.post("/api/predict/batch", json={"images": images, **more})


def test_a_batch_gives_a_prediction_or_an_error_for_each():
    images = [data_url(rasterize(DIGITS[digit])) for digit in DIGITS]
    blank = data_url(Image.new("L", (9, 9)))
    replies = check(batch([*images, 7, "x", blank, bomb(), images[3]]))["predictions"]
    assert [reply["digit"] for reply in replies[:10]] == list(DIGITS)
    assert [reply["error"]["code"] for reply in replies[10:14]] == [
        "invalid_request",
        "invalid_image",
        "blank_image",
        "image_too_large",
    ]
    assert replies[14] == replies[3]
    assert check(batch([]))["predictions"] == []


def test_a_batch_runs_the_network_once(monkeypatch):
    runs = []
    original = Recognizer.predict_inputs
    monkeypatch.setattr(
        Recognizer, "predict_inputs", lambda self, x: runs.append(len(x)) or original(self, x)
    )
    assert len(check(batch([data_url(SEVEN)] * 64))["predictions"]) == 64
    assert runs == [64]


def test_a_batch_nested_too_deeply_is_malformed():
    response = CLIENT.post(
        "/api/predict/batch", data=b'{"images":' + b"[" * 100_000, content_type=JSON
    )
    assert (response.status_code, check(response)["error"]["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("images", [None, "x", {}, ["x"] * 65])
def test_a_batch_that_is_no_list_or_too_long_is_refused(images):
    response = batch(images)
    assert (response.status_code, check(response)["error"]["code"]) == (400, "invalid_request")


def test_small_files_with_large_pictures_do_not_add_up():
    side = 4096
    assert side * side == MAX_PIXELS
    image = Image.new("1", (side, side))
    image.paste(1, (2000, 1000, 2100, 3000))
    replies = check(batch([data_url(image)] * 64))["predictions"]
    codes = [reply.get("error", {}).get("code") for reply in replies]
    assert codes == [None] * 2 + ["image_too_large"] * 62


# The other routes, and headers


def test_the_card_the_health_and_the_document():
    assert check(CLIENT.get("/api/model")) == Recognizer.shared().card
    assert check(CLIENT.get("/api/model?model=baseline"))["name"] == "baseline"
    assert check(CLIENT.get("/api/health")) == {"status": "ok", "model": "digitvision"}
    models = check(CLIENT.get("/api/models"))
    assert models["model"] == "digitvision" and {"baseline", "digitvision"} <= set(models["models"])
    check(CLIENT.get("/api/openapi.json"))
    routes = {
        (rule.rule, method.lower())
        for rule in CLIENT.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    documented = {(path, method) for path, item in OPENAPI["paths"].items() for method in item}
    assert documented == routes


@pytest.mark.parametrize("path", ["/", "/static/js/app.js", "/api/health", "/api/nothing", "/x"])
def test_every_answer_has_the_security_headers(path):
    with CLIENT.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Set-Cookie" not in response.headers
    assert (response.headers.get("Cache-Control") == "no-store") == path.startswith("/api/")


def test_modules_are_sent_as_javascript():
    with CLIENT.get("/static/js/app.js") as response:
        assert response.mimetype == "text/javascript"


def test_other_sites_may_call_only_when_they_are_named():
    client = web.create_app(cors_origins=["https://friend.example"]).test_client()
    for origin, allowed in (("https://friend.example", True), ("https://other.example", False)):
        for method in ("OPTIONS", "POST"):
            response = client.open("/api/predict", method=method, headers={"Origin": origin})
            given_origin = response.headers.get("Access-Control-Allow-Origin")
            assert given_origin == (origin if allowed else None)
            assert "Origin" in response.headers["Vary"]
    response = CLIENT.post("/api/predict", headers={"Origin": "https://friend.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_only_names_of_ours_are_answered_to():
    client = web.create_app(hosts=["example.org"]).test_client()
    assert client.get("/api/health", base_url="http://example.org").status_code == 200
    for path in ("/", "/api/health", "/nothing"):
        response = client.get(path, base_url="http://evil.example")
        assert (response.status_code, response.json["error"]["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("kind", [JSON, "multipart/form-data", "application/x-www-form-urlencoded"])
def test_a_body_over_the_limit_is_refused_unread(kind):
    class Stream(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

    response = CLIENT.post(
        "/api/predict",
        content_type=f"{kind}; boundary=x",
        environ_overrides={"wsgi.input": Stream(), "CONTENT_LENGTH": str(2**21 + 1)},
    )
    code = "body_too_large" if kind == JSON else "not_json"
    assert check(response)["error"]["code"] == code


def test_health_is_ready_only_if_a_digit_is_read_right(monkeypatch):
    three = Recognizer().predict(rasterize(DIGITS[3]))
    monkeypatch.setattr(Recognizer, "predict", lambda *_: three)
    response = CLIENT.get("/api/health")
    assert (response.status_code, check(response)["error"]["code"]) == (503, "not_ready")


def sample(name: str, **labels) -> float:
    "A number of /metrics; 0 if it is not there yet."
    text = CLIENT.get("/metrics").text
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
    predict(data_url(SEVEN))
    predict("x")
    CLIENT.get("/made/up/address")
    assert [after - was for after, was in zip(count(), before, strict=True)] == [1, 1, 1, 2]
    assert "made/up" not in CLIENT.get("/metrics").text


def test_a_request_is_one_line_in_the_log_without_what_was_sent(caplog):
    caplog.set_level("INFO", "app.requests")
    predict(data_url(SEVEN), "?model=secret")
    predict(data_url(SEVEN))
    first, second = (json.loads(record.message) for record in caplog.records)
    assert (first["status"], second["status"]) == (404, 200)
    assert set(second) == {"time", "method", "route", "status", "ms", "bytes"}
    assert second["route"] == "/api/predict" and second["bytes"] > 1000
    assert "base64" not in caplog.text and "secret" not in caplog.text


# Never a 500


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PNG = base64.b64decode(data_url(SEVEN).split(",")[1])
DATA_URLS = st.builds(
    lambda kind, data: f"data:image/{kind};base64,{base64.b64encode(data).decode()}",
    st.sampled_from(["png", "jpeg", "gif", "webp", "bmp", "svg+xml"]),
    st.binary(max_size=200)
    | st.builds(  # a PNG with one byte changed
        lambda place, byte: PNG[:place] + bytes([byte]) + PNG[place + 1 :],
        st.integers(0, len(PNG) - 1),
        st.integers(0, 255),
    ),
)
NUMBERS = st.floats() | st.integers() | st.floats(0, 280)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "image": DATA_URLS | JSON_VALUES,
        "images": st.lists(DATA_URLS | JSON_VALUES, max_size=3) | JSON_VALUES,
        "preprocess": st.sampled_from(["mnist", "resize"]) | JSON_VALUES,
        "strokes": st.lists(st.lists(st.lists(NUMBERS, max_size=3), max_size=3), max_size=3)
        | JSON_VALUES,
        "brush": NUMBERS | JSON_VALUES,
    },
)
BODIES = st.binary(max_size=200) | st.builds(
    lambda value: json.dumps(value).encode(), REQUESTS | JSON_VALUES
)


@given(
    path=st.sampled_from(["/api/predict", "/api/predict/batch", "/api/explain"]),
    body=BODIES,
    model=st.just("baseline") | st.text(max_size=8),
)
@example(path="/api/predict", body=b'{"image": Infinity}', model="\0")
@settings(max_examples=300, deadline=None)
def test_nothing_that_is_sent_is_a_500(path, body, model):
    response = CLIENT.post(path, data=body, content_type=JSON, query_string={"model": model})
    assert response.status_code in (200, 400, 404, 413, 422)
    check(response)
