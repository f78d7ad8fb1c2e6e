"""Read pictures: files, data URLs, arrays and PIL images become sound PIL images of a few modes."""

import base64
import binascii
import ctypes
import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from digitvision.errors import DigitVisionError

MAX_PIXELS = 4096 * 4096  # a phone's photo fits, a decompression bomb does not
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
Picture = Image.Image | np.ndarray | str | Path  # a PIL image, an array, a data URL or a path
JPEG_SIDE = 1280  # pixels; a JPEG twice as large or more is decoded at a half, quarter or eighth


class ImageError(DigitVisionError, ValueError):
    "The input is not a picture that can be read."


class ImageTooLargeError(ImageError):
    "The picture has more than MAX_PIXELS pixels."


class BlankImageError(DigitVisionError, ValueError):
    "There is no ink in the picture."

    def __init__(self, message: str = "There is nothing drawn in the picture."):
        super().__init__(message)


@contextmanager
def image_errors(level: int = logging.INFO) -> Iterator[None]:
    """Convert every exception in the block to an ImageError whose cause is the original one.

    A DigitVisionError passes unchanged. An exception that is not expected is logged at `level`:
    decoders fail in many ways on damaged files."""
    try:
        yield
    except DigitVisionError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"The picture has more than {MAX_PIXELS:,} pixels: make it smaller."
        raise ImageTooLargeError(message) from error
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {error.filename}.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise ImageError(f"The file {error.filename} cannot be opened.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"This is not a picture in {', '.join(FORMATS)} format.") from error
    except Exception as error:
        logging.getLogger(__name__).log(level, "A picture cannot be read.", exc_info=error)
        detail = f" ({error})" if str(error) else ""
        message = f"The picture is damaged{detail}: save it again as PNG or JPEG."
        raise ImageError(message) from error


def to_plain(image: Image.Image) -> Image.Image:  # mode "L", "LA", "RGB" or "RGBA", upright
    """Decode the first frame of a picture, rotate it as EXIF says, convert it to one of four modes.

    Raises BlankImageError if it has no pixels, ImageError if it cannot be decoded."""
    if not all(image.size):
        raise BlankImageError("The picture has no pixels.")
    with image_errors():
        image.load()
        with suppress(Exception):  # the pixels may be sound where the EXIF data is damaged
            if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                image = ImageOps.exif_transpose(image)
        if image.mode in ("I", "F") or image.mode.startswith("I;"):  # its extremes become 0 and 255
            pixels = np.nan_to_num(np.asarray(image, np.float32))
            span = float(pixels.max() - pixels.min()) or 1.0
            return Image.fromarray(((pixels - pixels.min()) * (255 / span)).astype(np.uint8))
        if image.mode in ("La", "RGBa"):  # colors multiplied by alpha: Pillow undoes that first
            image = image.convert(image.mode.upper())
        if image.mode == "LAB":  # the first channel is the lightness
            return image.getchannel("L")
        if image.has_transparency_data:
            return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
        if image.mode in ("L", "RGB"):
            return image
        return image.convert("L" if image.mode == "1" else "RGB")


def _open(file: BinaryIO | str | Path) -> Image.Image:
    "Read a picture file with `to_plain`. Raises ImageTooLargeError before decoding, or ImageError."
    with image_errors(), Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        divisor = max(1, max(image.size) // JPEG_SIDE)
        image.draft(None, (image.width // divisor, image.height // divisor))
        return to_plain(image)


def decode_data_url(url: str) -> Image.Image:  # mode "L", "LA", "RGB" or "RGBA", upright
    "Decode 'data:image/TYPE;base64,…'. Raises ImageError if damaged, or ImageTooLargeError."
    match = re.match(r"data:image/[a-z0-9.+-]{1,32};base64,", url, re.IGNORECASE)
    if not match:
        raise ImageError('A data URL must start with "data:image/png;base64," or alike.')
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("The base64 of the data URL is damaged: send it whole.") from error
    return _open(io.BytesIO(data))


def encode_data_url(pixels: np.ndarray) -> str:  # "data:image/png;base64,…"
    "Encode a picture, float (height, width) or (height, width, 3) in [0, 1], as PNG in a data URL."
    file = io.BytesIO()
    image = Image.fromarray((pixels * 255).round().astype(np.uint8))
    image.save(file, "PNG", compress_level=1)  # so small a picture is not worth more time
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _from_array(array: np.ndarray) -> Image.Image:
    "Convert an array to a picture. Raises ImageError if its shape, dtype or range is wrong."
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or not array.size:
        raise ImageError(
            f"An array of shape {array.shape} is not one picture: (height, width[, 3 or 4])."
        )
    if array.dtype == bool:
        array = array.astype(np.float32)
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):  # NaN fails this too
            raise ImageError("An array of floats must be in [0, 1].")
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise ImageError(
            f"An array of {array.dtype} is not a picture: use uint8, or floats in [0, 1]."
        )
    return Image.fromarray(array)


def read_image(source: Picture) -> Image.Image:  # mode "L", "LA", "RGB" or "RGBA", upright
    """Read a PIL image, an array, a data URL or a file (path).

    An array (height, width[, 1, 3 or 4]) is of uint8, bool, or float in [0, 1]. Raises ImageError
    if it cannot be read, ImageTooLargeError, or BlankImageError if it has no pixels."""
    if isinstance(source, Image.Image):
        return to_plain(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, str) and source.startswith("data:"):
        return decode_data_url(source)
    if isinstance(source, str | Path):
        return _open(source)
    raise ImageError(f"A {type(source).__name__} is not a picture, an array, a data URL or a path.")


def release_memory() -> None:
    """Make this process return the memory of large pictures to the system once they are freed.

    Linux's C library (glibc) keeps freed blocks below a limit that grows up to 32 MB. This fixes
    it at 1 MB, with one pool of memory for all threads. Do not call it before training, which gets
    slower. Other systems: no effect."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 2**20)  # M_MMAP_THRESHOLD, bytes
        mallopt(-1, 2**20)  # M_TRIM_THRESHOLD: keep so much for small blocks
        mallopt(-8, 1)  # M_ARENA_MAX: one pool for all threads
