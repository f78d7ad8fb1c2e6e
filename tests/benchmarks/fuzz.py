"""Picture files with random damage, into the app: nothing may answer with 5xx or bring it down.

`python -m benchmarks.fuzz 100000` tries that many and says what came out. Each input is a file of
one of the formats, changed: bytes flipped, cut out, repeated, sizes written over, files spliced.
Damage that led to an answer not seen before is kept and damaged further, which is how the fuzzer
finds its way into the decoders."""

import base64
import io
import random
import re
import sys
import time
import warnings
import zlib
from collections import Counter

from benchmarks.report import put
from digitvision.app import create_app
from PIL import Image
from support.digits import DIGITS

from digitvision.preprocess import rasterize

EDGES = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\x10\x01", b"\x01\0\0\0"]
KEPT = 2000  # inputs


def seeds() -> list[bytes]:
    "The seven as every format, in several modes."
    seven = rasterize(DIGITS[7], 64, 5).resize((48, 48))
    kinds = [("PNG", mode) for mode in ("L", "RGBA", "P", "1", "LA", "I;16")]
    kinds += [("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "RGB")]
    found = []
    for file_format, mode in kinds:
        file = io.BytesIO()
        seven.convert(mode).save(file, file_format)
        found.append(file.getvalue())
    frames = [Image.new("L", (48, 48), grey) for grey in (0, 90, 180)]
    for file_format in ("GIF", "WEBP", "PNG"):
        file = io.BytesIO()
        seven.save(file, file_format, save_all=True, append_images=frames)
        found.append(file.getvalue())
    return found


def damage(data: bytes, other: bytes, rng: random.Random) -> bytes:
    "The file with one to four changes; as a PNG, often with checksums that are right again."
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place, length = rng.randrange(len(made) + 1), rng.randint(1, 32)
        change = rng.randrange(6)
        if change == 0 and made:
            made[place % len(made)] ^= 1 << rng.randrange(8)
        elif change == 1:
            made[place : place + 4] = rng.choice(EDGES)
        elif change == 2:
            del made[place : place + length]
        elif change == 3:
            made[place:place] = made[place : place + length] * rng.randint(1, 8)
        elif change == 4:
            made = made[:place] + other[rng.randrange(len(other) + 1) :]
        else:
            made[place : place + length] = rng.randbytes(length)
    return repair(bytes(made[:20_000])) if rng.random() < 0.7 else bytes(made[:20_000])


def repair(data: bytes) -> bytes:
    "A PNG whose checksums fit, so that the damage gets past them; other files as they are."
    made, place = bytearray(data), 8
    while data.startswith(b"\x89PNG") and place + 12 <= len(made):
        length = int.from_bytes(made[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(made):
            break
        made[end : end + 4] = zlib.crc32(made[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(made)


def fuzz(count: int, seed: int = 0) -> Counter:
    "How often each answer came. Raises AssertionError with the input that brought a 5xx."
    rng, client = random.Random(seed), create_app().test_client()
    files, answers = seeds(), Counter()
    whole = list(files)
    for _ in range(count):
        data = damage(rng.choice(rng.choice((whole, files))), rng.choice(files), rng)
        url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        response = client.post("/api/predict", json={"image": url})
        error = response.json.get("error", {"code": "ok", "message": ""})
        assert response.status_code < 500, (response.text, url)
        answer = (response.status_code, error["code"])
        words = (*answer, re.sub(r"\d+", "#", error["message"]))
        if answers[words] == 0 and len(files) < KEPT:
            files.append(data)
        answers[words] += 1
    return answers


def main() -> None:
    warnings.filterwarnings("ignore", module="PIL")  # as the server does
    start = time.perf_counter()
    answers = fuzz(int(sys.argv[1]))
    seconds = time.perf_counter() - start
    totals = Counter()
    for (status, code, _), times in answers.items():
        totals[status, code] += times
    count = sum(totals.values())
    lines = [f"{count:,} inputs in {seconds:.0f} s; {len(answers):,} different answers:", ""]
    lines += ["| status | code | inputs |", "|---|---|---|"]
    put(
        "fuzz",
        lines + [f"| {status} | {code} | {n:,} |" for (status, code), n in totals.most_common()],
    )


if __name__ == "__main__":
    main()
