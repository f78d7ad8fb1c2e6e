"""Pictures from files, data URLs, arrays and Pillow: read, or refused with an ImageError."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.digits import DIGITS
from support.helpers import chunk, data_url, png

from digitvision import inference, pictures
from digitvision.pictures import ImageError, ImageTooLargeError, read_image
from digitvision.preprocess import rasterize

SEVEN = rasterize(DIGITS[7])
NO_PALETTE = png(8, 8, chunk(b"IDAT", zlib.compress(bytes(72))), color=3)


def test_a_palette_png_without_a_palette_is_an_image_error(tmp_path, caplog):
    path = tmp_path / "no_palette.png"
    path.write_bytes(NO_PALETTE)
    with Image.open(path) as opened:
        for source in (path, data_url(NO_PALETTE), opened):
            with pytest.raises(ImageError, match="damaged") as caught:
                inference.prepare(source)
            assert caught.value.__cause__ is not None
    assert not caplog.records  # unless INFO is asked for


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_picture_with_broken_exif_is_read_as_it_lies():
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(60))
    assert read_image(data_url(SEVEN, "JPEG", exif=exif)).size == SEVEN.size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = SEVEN.crop((0, 0, 280, 240))
    turned = read_image(data_url(picture, "JPEG", exif=exif, quality=95))
    assert turned.size == ((280, 240) if orientation < 5 else (240, 280))
    assert turned.getexif().get(0x0112, 1) == 1


NO_PICTURES = [
    (np.zeros((3, 3, 2)), r"shape \(3, 3, 2\)"),
    (np.zeros(9), r"shape \(9,\)"),
    (np.zeros((0, 5)), r"shape \(0, 5\)"),
    (np.full((4, 4), np.nan), r"in \[0, 1\]"),
    (np.zeros((4, 4), np.int64), "int64 is not a picture"),
    (np.array([["a"]]), "<U1 is not a picture"),
    (Path(__file__).parent, "cannot be opened"),
    (None, "NoneType is not a picture"),
]


@pytest.mark.parametrize("source, message", NO_PICTURES)
def test_what_is_no_picture_is_refused(source, message):
    with pytest.raises(ImageError, match=message):
        read_image(source)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_too_many_pixels_are_refused_before_they_are_decoded(file_format, monkeypatch):
    url = data_url(Image.new("L", (10, 10)), file_format)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 99)
    monkeypatch.setattr(pictures, "to_plain", lambda image: pytest.fail("it was decoded"))
    with pytest.raises(ImageTooLargeError, match="more than 99 pixels"):
        read_image(url)


PHOTOS = """
import base64, pathlib, psutil, sys
import numpy as np
from digitvision.inference import Recognizer
from digitvision.pictures import release_memory

release_memory()
recognizer, memory = Recognizer.shared(), psutil.Process().memory_info
recognizer.predict(np.eye(28))
before = memory().rss
for path in sys.argv[1:]:
    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    recognizer.predict("data:image/png;base64," + data)
    del data
print(round((memory().rss - before) / 1e6))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="release_memory is for Linux")
def test_a_large_photo_leaves_no_memory_behind(tmp_path):
    page = SEVEN.convert("RGB").resize((4608, 3456))
    paths = [str(tmp_path / name) for name in ("photo.png", "photo.jpg")]
    for path in paths:
        page.save(path)
    command = [sys.executable, "-c", PHOTOS, *paths * 2]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 20  # megabytes; the pixels of one photo take 64


@pytest.mark.parametrize(
    "size, decoded", [((2500, 1200), (2500, 1200)), ((4000, 3000), (2000, 1500))]
)
def test_a_large_jpeg_is_decoded_at_a_reduced_size(size, decoded):
    assert read_image(data_url(SEVEN.resize(size), "JPEG")).size == decoded
