"""Find the ink in a picture of any mode: transparency, colored pens, light on dark, photos."""

import math

import numpy as np
from PIL import Image

from .photos import MIN_CONTRAST, keep_digit, photo_ink
from .pictures import BlankImageError, to_plain

LONGEST = 640  # pixels; the longer side of a photo is divided by a whole number
LARGE = 2560  # pixels; a picture with a longer side is shrunk before anything else


def _shrink(image: Image.Image) -> Image.Image:
    "Shrink a picture by a whole number to at most LONGEST a side; pixels become means of squares."
    factor = math.ceil(max(image.size) / LONGEST)
    return image.reduce(factor) if factor > 1 else image


def _luminance(image: Image.Image) -> Image.Image:  # mode "L"
    "Convert to gray; fill transparent pixels with white if the visible ones are dark, else black."
    if image.mode not in ("LA", "RGBA"):
        return image.convert("L")
    image = image.convert("RGBA")
    gray, alpha = image.convert("L"), image.getchannel("A")
    if alpha.getextrema()[0] == 255:  # nothing is transparent
        return gray
    weights = np.asarray(alpha, np.float32)
    visible = (np.asarray(gray) * weights).sum() / max(weights.sum(), 1)
    paper = Image.new("L", image.size, 255 if visible < 128 else 0)
    return Image.composite(gray, paper, alpha)


def _extremes(histogram: list[int]) -> tuple[int, int]:
    "Return the darkest and lightest gray; ignore 2 in 10,000 pixels at either end as specks."
    count = np.cumsum(histogram)
    specks = count[-1] // 5_000
    darkest = np.searchsorted(count, specks, "right")
    return int(darkest), int(np.searchsorted(count, count[-1] - specks))


def _clearest(image: Image.Image, gray: Image.Image) -> Image.Image:
    "Return the color channel with the most contrast if that is 1.3 times that of gray, else gray."
    darkest, lightest = gray.getextrema()
    if lightest - darkest > 128 or image.mode not in ("RGB", "RGBA"):
        return gray
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255:
        return gray
    channels = [_shrink(gray), *_shrink(image).split()[:3]]
    spread = [np.ptp(_extremes(channel.histogram())) for channel in channels]
    best = int(np.argmax(spread))
    return image.getchannel(best - 1) if spread[best] > 1.3 * spread[0] else gray


def to_gray(image: Image.Image) -> Image.Image:  # mode "L", upright
    """Convert a picture of any mode to gray; fill what is transparent with white or black.

    If gray has little contrast, return the color channel that has the most.
    A picture with a side above LARGE pixels is shrunk to LONGEST or less.
    Raises BlankImageError if there are no pixels, ImageError if it cannot be decoded."""
    image = to_plain(image)
    if max(image.size) > LARGE:
        image = _shrink(image)
    return _clearest(image, _luminance(image))


def _border(gray: Image.Image) -> list[np.ndarray]:
    "Return the outermost 2% (at least one row) at top, bottom, left and right, flat uint8 arrays."
    pixels = np.asarray(gray)
    width = max(1, min(gray.size) // 50)
    edges = (pixels[:width], pixels[-width:], pixels[:, :width], pixels[:, -width:])
    return [edge.ravel() for edge in edges]


def map_levels(gray: Image.Image, levels: np.ndarray) -> Image.Image:
    "Replace each gray level by its entry in `levels` (256,), rounded and clipped to 0…255."
    return gray.point(levels.clip(0, 255).round().astype(int).tolist())


def find_ink(gray: Image.Image) -> Image.Image:
    "Return white ink on black, from dark or light ink. Raises BlankImageError if there is none."
    border, histogram = _border(gray), gray.histogram()
    paper = int(np.bincount(np.concatenate(border)).argmax())
    top, bottom, left, right = (bool((side != paper).any()) for side in border)
    least = 0.7 if top or bottom or left or right else 0.3  # share of the paper in a drawing
    if (top and bottom) or (left and right) or histogram[paper] < least * sum(histogram):
        return photo_ink(_shrink(gray))
    darkest, lightest = _extremes(histogram)
    contrast = max(paper - darkest, lightest - paper)
    if contrast < MIN_CONTRAST:
        raise BlankImageError()
    if (paper, lightest) != (0, 255):  # else it is white on black already
        sign = 1 if lightest - paper == contrast else -1
        gray = map_levels(gray, sign * (np.arange(256.0) - paper) * (255 / contrast))
    return keep_digit(gray)


def to_ink(image: Image.Image) -> Image.Image:  # mode "L", white ink (255) on black (0)
    """Find the ink of a digit in a picture of any mode, dark on light or light on dark.

    A drawing up to LARGE pixels keeps its size; a photo is shrunk to LONGEST or less.
    Raises BlankImageError if there is no ink, ImageError if the picture cannot be decoded."""
    return find_ink(to_gray(image))
