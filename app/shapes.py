"""The shapes of what may be sent: they check each request and make the OpenAPI document."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from digitvision.inference import PREPROCESS

MAX_BATCH = 64  # images
LARGEST_BRUSH = 280  # pixels: the whole canvas
EACH = {"items": {"description": "A data URL, as in Image; another thing gets an error"}}
DATA_URL = {"type": "string", "pattern": "^data:image/"}


class Image(Struct, forbid_unknown_fields=True):
    "One picture and how it is to be framed."

    # Only data URLs, which the library sees to: a path or an address would read from the server.
    image: Annotated[str, Meta(extra_json_schema=DATA_URL)]
    preprocess: Literal[tuple(PREPROCESS)] = "mnist"


class Images(Struct, forbid_unknown_fields=True):
    "Many pictures; one that cannot be read gets an error in its place."

    images: Annotated[list[Any], Meta(max_length=MAX_BATCH, extra_json_schema=EACH)]
    preprocess: Literal[tuple(PREPROCESS)] = "mnist"


class Drawing(Image):
    "One picture, and the strokes it was made of, on a canvas of 280 × 280."

    strokes: Annotated[list[list[tuple[float, float]]], Meta(max_length=100)] | None = None
    brush: Annotated[float, Meta(gt=0, le=LARGEST_BRUSH)] = 18
