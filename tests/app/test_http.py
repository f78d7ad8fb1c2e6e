"""The HTTP contract (docs/api.md): every route, every error, and never a 500."""

import base64
import json

import jsonschema
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
def test_what_cannot_be_read_is_refused_in_words(api, body, status, code):
    response = api.post("/api/predict", data=body, content_type=JSON)
    assert (response.status_code, api.check(response)["error"]["code"]) == (status, code)


def test_a_picture_that_lies_on_the_server_is_not_opened(api, tmp_path):
    path = tmp_path / "seven.png"
    SEVEN.save(path)
    for image in (str(path), path.as_uri()):
        response = api.predict(image)
        assert (response.status_code, api.check(response)["error"]["code"]) == (
            400,
            "invalid_image",
        )


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/jsonx"])
def test_a_body_that_is_not_announced_as_json_is_a_415(api, kind):
    response = api.post("/api/predict", data=b'{"image": ""}', content_type=kind)
    assert (response.status_code, api.check(response)["error"]["code"]) == (415, "not_json")


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
def test_addresses_that_do_not_answer_say_so_in_the_same_shape(api, method, path, status, code):
    response = api.open(path, method=method)
    reference = {"$ref": "#/components/schemas/Error", "components": api.document["components"]}
    jsonschema.validate(response.json, reference)
    assert (response.status_code, response.json["error"]["code"]) == (status, code)
    assert (status == 405) == ("Allow" in response.headers)


def test_a_model_that_is_not_there_is_a_404(api):
    response = api.predict(data_url(SEVEN), "?model=nothing")
    assert response.status_code == 404
    assert api.check(response)["error"]["code"] == "model_not_found"


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
def test_every_kind_of_picture_is_read(api, name):
    reply = api.check(api.predict(PICTURES[name]()))
    assert reply["digit"] == 7
    assert reply["confidence"] == max(reply["probabilities"]) == reply["probabilities"][7]
    assert sum(reply["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_the_reply_is_what_the_recogniser_says(api):
    prediction = Recognizer().predict(SEVEN)
    reply = api.check(api.predict(data_url(SEVEN)))
    assert reply["probabilities"] == pytest.approx(prediction.probabilities.tolist(), abs=1e-6)
    assert (reply["is_digit"], reply["model"]) == (prediction.is_digit, "digitvision")
    seen = np.asarray(decode_data_url(reply["input"]), np.float32) / 255
    assert np.array_equal(seen, prediction.input)


def test_preprocess_chooses_how_the_picture_is_framed(api):
    corner = data_url(rasterize(placed(DIGITS[7], 0.3, 0, 0), brush=8))
    framed, naive = (
        api.check(api.predict(corner, preprocess=name)) for name in ("mnist", "resize")
    )
    assert api.check(api.predict(corner)) == framed
    assert framed["input"] != naive["input"]
    assert framed["digit"] == 7


# The batch


def test_a_batch_gives_a_prediction_or_an_error_for_each(api):
    images = [data_url(rasterize(DIGITS[digit])) for digit in DIGITS]
    blank = data_url(Image.new("L", (9, 9)))
    replies = api.check(api.batch([*images, 7, "x", blank, bomb(), images[3]]))["predictions"]
    assert [reply["digit"] for reply in replies[:10]] == list(DIGITS)
    assert [reply["error"]["code"] for reply in replies[10:14]] == [
        "invalid_request",
        "invalid_image",
        "blank_image",
        "image_too_large",
    ]
    assert replies[14] == replies[3]
    assert api.check(api.batch([]))["predictions"] == []


def test_a_batch_nested_too_deeply_is_malformed(api):
    response = api.post(
        "/api/predict/batch", data=b'{"images":' + b"[" * 100_000, content_type=JSON
    )
    assert (response.status_code, api.check(response)["error"]["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("images", [None, "x", {}, ["x"] * 65])
def test_a_batch_that_is_no_list_or_too_long_is_refused(api, images):
    response = api.batch(images)
    assert (response.status_code, api.check(response)["error"]["code"]) == (400, "invalid_request")


def test_small_files_with_large_pictures_do_not_add_up(api):
    side = 4096
    assert side * side == MAX_PIXELS
    image = Image.new("1", (side, side))
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


def test_modules_are_sent_as_javascript(api):
    with api.get("/static/js/app.js") as response:
        assert response.mimetype == "text/javascript"


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
def test_nothing_that_is_sent_is_a_500(api, path, body, model):
    response = api.post(path, data=body, content_type=JSON, query_string={"model": model})
    assert response.status_code in (200, 400, 404, 413, 422)
    api.check(response)
