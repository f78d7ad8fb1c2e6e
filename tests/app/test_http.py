"""The HTTP contract (docs/api.md): every route, every error, and never a 500."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support.contract import JSON, SEVEN
from support.digits import DIGITS, placed
from support.helpers import canvas_url, data_url

from digitvision.inference import MAX_PIXELS, Recognizer, decode_data_url
from digitvision.preprocess import rasterize

TOO_LARGE = data_url(Image.new("1", (9000, 9000)))

# Every error

ERRORS = [
    (b'{"image": ', 400, "malformed_json"),
    (b"", 400, "malformed_json"),
    (b"\xff\xfe\x00", 400, "malformed_json"),
    (b'{"image": NaN}', 400, "malformed_json"),
    (b'{"image": "data:image/png;base64,\\ud800"}', 400, "malformed_json"),
    (b"[" * 100_000, 400, "invalid_request"),
    (b'{"image": ' * 50_000, 400, "invalid_request"),
    (b'{"image": 1' + b"0" * 5_000 + b"}", 400, "invalid_request"),
    (b"null", 400, "invalid_request"),
    (b"{}", 400, "invalid_request"),
    (b'{"image": ["data:image/png;base64,"]}', 400, "invalid_request"),
    (b'{"image": "", "preproces": "resize"}', 400, "invalid_request"),
    (b'{"image": "", "preprocess": "magic"}', 400, "invalid_request"),
    (b'{"image": "http://127.0.0.1/7.png"}', 400, "invalid_image"),
    (b'{"image": "data:text/plain;base64,Nw=="}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,"}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,!!!"}', 400, "invalid_image"),
    (b'{"image": "data:image/png;base64,Nzc3"}', 400, "invalid_image"),
    (b'{"image": "' + canvas_url(SEVEN)[:4000].encode() + b'"}', 400, "invalid_image"),
    (b'{"image": "' + TOO_LARGE.encode() + b'"}', 413, "image_too_large"),
    (b" " * (2 * 1024 * 1024 + 1), 413, "body_too_large"),
    (b'{"image": "' + data_url(Image.new("L", (9, 9))).encode() + b'"}', 422, "blank_image"),
]


@pytest.mark.parametrize(("body", "status", "code"), ERRORS, ids=lambda value: str(value)[:40])
def test_what_cannot_be_read_is_refused_in_words(api, body, status, code):
    assert api.refusal(api.post("/api/predict", data=body, content_type=JSON)) == (status, code)


def test_a_picture_that_lies_on_the_server_is_not_opened(api, tmp_path):
    path = tmp_path / "seven.png"
    SEVEN.save(path)
    for image in (str(path), path.as_uri()):
        assert api.refusal(api.predict(image)) == (400, "invalid_image")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/jsonx"])
def test_a_body_that_is_not_announced_as_json_is_a_415(api, kind):
    response = api.post("/api/predict", data=b'{"image": ""}', content_type=kind)
    assert api.refusal(response) == (415, "not_json")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("POST", "/api/nothing", 404, "not_found"),
        ("GET", "/static/../__init__.py", 404, "not_found"),
        ("GET", "/api/predict", 405, "method_not_allowed"),
        ("DELETE", "/api/model", 405, "method_not_allowed"),
        ("GET", "/api/model?model=nothing", 404, "model_not_found"),
        ("GET", "/api/model?model=../baseline", 404, "model_not_found"),
    ],
)
def test_addresses_that_do_not_answer_say_so_in_the_same_shape(api, method, path, status, code):
    response = api.open(path, method=method)
    error = response.json["error"]
    assert (response.status_code, error["code"], set(error)) == (status, code, {"code", "message"})
    assert (status == 405) == ("Allow" in response.headers)


def test_a_model_that_is_not_there_is_a_404(api):
    response = api.predict(data_url(SEVEN), "?model=nothing")
    assert api.refusal(response) == (404, "model_not_found")


# Every picture


def transparent(image: Image.Image) -> Image.Image:
    ink = Image.new("RGBA", image.size, "black")
    ink.putalpha(image)
    return ink


FRAMES = [Image.new("L", SEVEN.size, gray) for gray in (40, 80)]
PICTURES = {
    "grey": data_url(SEVEN),
    "RGB": data_url(SEVEN.convert("RGB")),
    "black on white": data_url(ImageOps.invert(SEVEN)),
    "a browser's canvas": canvas_url(SEVEN),
    "transparent": data_url(transparent(SEVEN)),
    "grey and alpha": data_url(transparent(SEVEN).convert("LA")),
    "palette": data_url(SEVEN.convert("P")),
    "1-bit": data_url(SEVEN.convert("1")),
    "16-bit": data_url(Image.fromarray(np.asarray(SEVEN).astype(np.uint16) * 257)),
    "JPEG": data_url(SEVEN, "JPEG"),
    "CMYK JPEG": data_url(SEVEN.convert("CMYK"), "JPEG"),
    "WebP": data_url(SEVEN.convert("RGB"), "WEBP"),
    "BMP": data_url(SEVEN, "BMP"),
    "animated GIF": data_url(SEVEN, "GIF", save_all=True, append_images=FRAMES),
    "large": data_url(SEVEN.resize((4096, 4096))),
    "wrong name": data_url(SEVEN, "JPEG").replace("jpeg", "png"),
    "capitals": data_url(SEVEN).replace("data:image/png", "DATA:IMAGE/PNG"),
}


@pytest.mark.parametrize("url", PICTURES.values(), ids=PICTURES)
def test_every_kind_of_picture_is_read(api, url):
    reply = api.check(api.predict(url))
    assert reply["digit"] == 7
    assert reply["confidence"] == max(reply["probabilities"]) == reply["probabilities"][7]
    assert sum(reply["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_the_reply_is_what_the_recognizer_says(api):
    prediction = Recognizer().predict(SEVEN)
    reply = api.check(api.predict(data_url(SEVEN)))
    assert reply["probabilities"] == pytest.approx(prediction.probabilities.tolist(), abs=1e-6)
    assert (reply["is_digit"], reply["model"]) == (prediction.is_digit, "digitvision")
    seen = np.asarray(decode_data_url(reply["input"]), np.float32) / 255
    assert np.array_equal(seen, prediction.input)


def test_preprocess_chooses_how_the_picture_is_framed(api):
    corner = data_url(rasterize(placed(DIGITS[7], 0.3, 0, 0), brush=8))
    framed = api.check(api.predict(corner, preprocess="mnist"))
    assert api.check(api.predict(corner)) == framed
    assert framed["digit"] == 7
    assert api.check(api.predict(corner, preprocess="resize"))["input"] != framed["input"]


# The batch


def test_a_batch_gives_a_prediction_or_an_error_for_each(api):
    images = [data_url(rasterize(strokes)) for strokes in DIGITS.values()]
    blank = data_url(Image.new("L", (9, 9)))
    replies = api.check(api.batch([*images, 7, "x", blank, TOO_LARGE, images[3]]))["predictions"]
    assert [reply["digit"] for reply in replies[:10]] == list(DIGITS)
    codes = [reply["error"]["code"] for reply in replies[10:14]]
    assert codes == ["invalid_request", "invalid_image", "blank_image", "image_too_large"]
    assert replies[14] == replies[3]
    assert api.check(api.batch([]))["predictions"] == []


def test_a_batch_nested_too_deeply_is_malformed(api):
    body = b'{"images":' + b"[" * 100_000
    response = api.post("/api/predict/batch", data=body, content_type=JSON)
    assert api.refusal(response) == (400, "malformed_json")


@pytest.mark.parametrize("images", [None, "x", {}, ["x"] * 65])
def test_a_batch_that_is_no_list_or_too_long_is_refused(api, images):
    assert api.refusal(api.batch(images)) == (400, "invalid_request")


def test_small_files_with_large_pictures_do_not_add_up(api):
    image = Image.new("1", (4096, MAX_PIXELS // 4096))
    image.paste(1, (2000, 1000, 2100, 3000))
    replies = api.check(api.batch([data_url(image)] * 64))["predictions"]
    codes = [reply.get("error", {}).get("code") for reply in replies]
    assert codes == [None] * 2 + ["image_too_large"] * 62


# The other routes, and headers


def test_the_card_the_health_and_the_document(api):
    assert api.check(api.get("/api/model")) == Recognizer.shared().card
    assert api.check(api.get("/api/model?model=baseline"))["name"] == "baseline"
    assert api.check(api.get("/api/health")) == {"status": "ok", "model": "digitvision"}
    models = api.check(api.get("/api/models"))
    assert models["model"] == "digitvision" and {"baseline", "digitvision"} <= set(models["models"])
    api.check(api.get("/api/openapi.json"))


@pytest.mark.parametrize("path", ["/", "/static/js/app.js", "/api/health", "/api/nothing", "/x"])
def test_every_answer_has_the_security_headers(api, path):
    with api.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Set-Cookie" not in response.headers
    assert (response.headers.get("Cache-Control") == "no-store") == path.startswith("/api/")


# Never a 500

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
URLS = st.sampled_from(list(PICTURES.values())[:4])
POINTS = st.tuples(st.floats(), st.floats()) | st.tuples(st.floats(0, 280), st.floats(0, 280))
CELLS = st.tuples(st.sampled_from(["conv1", "conv2_pool", "dense"]), *[st.integers(-1, 40)] * 3)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "image": URLS | JSON_VALUES,
        "images": st.lists(URLS | JSON_VALUES, max_size=3) | JSON_VALUES,
        "preprocess": st.sampled_from(["mnist", "resize"]) | JSON_VALUES,
        "strokes": st.lists(st.lists(POINTS, max_size=3), max_size=3) | JSON_VALUES,
        "brush": st.floats(0, 280) | JSON_VALUES,
        "cell": CELLS | JSON_VALUES,
    },
)


@given(
    path=st.sampled_from(["/api/predict", "/api/predict/batch", "/api/explain", "/api/cell"]),
    body=st.binary(max_size=200) | st.builds(json.dumps, REQUESTS | JSON_VALUES),
    model=st.just("baseline") | st.text(max_size=8),
)
@example(path="/api/predict", body=b'{"image": Infinity}', model="\0")
@settings(max_examples=300, deadline=None)
def test_no_json_is_a_500(api, path, body, model):
    response = api.post(path, data=body, content_type=JSON, query_string={"model": model})
    assert response.status_code in (200, 400, 404, 413, 422)
    api.check(response)
