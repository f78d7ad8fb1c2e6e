"""Build picture files at random: valid ones of every kind, and ones that break the rules."""

import io
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from support.digits import DIGITS
from support.helpers import chunk

from digitvision.preprocess import rasterize

SEVEN = rasterize(DIGITS[7], 280, 24)
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # color type: channels
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]  # first row, first column, row step, column step of each pass
EDGES = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\x10\x01", b"\x01\0\0\0"]


def picture(rng: random.Random) -> Image.Image:  # mode "L", 1 to 40 pixels a side
    "Return a seven of random size and polarity, sometimes with noise."
    size = (rng.randint(1, 40), rng.randint(1, 40)) if rng.random() < 0.3 else (40, 40)
    pixels = np.asarray(SEVEN.resize(size), int)
    if rng.random() < 0.5:
        pixels = 255 - pixels
    if rng.random() < 0.3:
        pixels = pixels + np.frombuffer(rng.randbytes(pixels.size), np.uint8).reshape(pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def pack(pixels: np.ndarray, depth: int) -> bytes:  # pixels: int (height, width, channels)
    "Return PNG rows, without filters, of samples of 1 to 16 bits."
    rows = pixels.reshape(len(pixels), -1)
    if depth < 8:
        bits = rows[:, :, None] >> np.arange(depth)[::-1] & 1
        rows = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    rows = rows.astype(">u2" if depth == 16 else np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def png_pixels(rng: random.Random, color: int, depth: int, interlaced: bool) -> tuple[bytes, tuple]:
    "Return the uncompressed pixels of a PNG and its size (width, height)."
    gray = picture(rng)
    levels = np.asarray(gray, int) * (2**depth - 1) // 255
    pixels = np.repeat(levels[:, :, None], PNG_CHANNELS.get(color, 1), axis=2)
    if color in (4, 6) and rng.random() < 0.5:  # only alpha shows the digit
        pixels[..., :-1] = rng.choice((0, 2**depth - 1))
    if not interlaced:
        return pack(pixels, depth), gray.size
    parts = [pixels[row::down, column::right] for row, column, down, right in ADAM7]
    return b"".join(pack(part, depth) for part in parts if part.size), gray.size


def ancillary(rng: random.Random, color: int) -> list[bytes]:
    "Return random PNG chunks other than IHDR, PLTE, IDAT and IEND; some with wrong contents."
    profile = b"name\0\0" + zlib.compress(rng.randbytes(40))
    made = {
        b"tRNS": rng.randbytes({0: 2, 2: 6, 3: rng.randint(0, 256)}.get(color, 2)),
        b"gAMA": struct.pack(">I", rng.choice((0, 45455, 2**32 - 1))),
        b"cHRM": rng.randbytes(32),
        b"sRGB": bytes([rng.randint(0, 5)]),
        b"iCCP": profile,
        b"pHYs": rng.randbytes(9),
        b"bKGD": rng.randbytes({2: 6, 6: 6, 3: 1}.get(color, 2)),
        b"sBIT": rng.randbytes(PNG_CHANNELS.get(color, 1)),
        b"tIME": rng.randbytes(7),
        b"tEXt": b"Comment\0" + rng.randbytes(9),
        b"zTXt": b"Comment\0\0" + zlib.compress(b"x" * rng.choice((9, 2_000_000))),
        b"iTXt": b"Comment\0\1\0\0\0" + zlib.compress(b"text"),
        b"eXIf": exif(rng)[6:],
        b"acTL": struct.pack(">II", rng.choice((0, 1, 2, 2**31)), 0),
        b"fcTL": struct.pack(">IIIIIHHBB", 0, rng.choice((5, 40, 2**31)), 5, 0, 0, 1, 9, 0, 0),
        b"fdAT": rng.randbytes(20),
        b"abCd": rng.randbytes(9),
    }
    kinds = rng.sample(list(made), rng.choice((0, 0, 1, 2, 5)))
    wrong = rng.random() < 0.3
    return [
        chunk(kind, rng.randbytes(rng.randint(0, 40)) if wrong else made[kind]) for kind in kinds
    ]


def shuffle(chunks: list[bytes], rng: random.Random) -> list[bytes]:
    "Return the chunks, in a third of all cases with one missing, doubled or misplaced."
    chunks, change = list(chunks), rng.randrange(9)
    position = rng.randrange(len(chunks))
    if change == 0:
        del chunks[position]
    elif change == 1:
        chunks.insert(rng.randint(0, len(chunks)), chunks[position])
    elif change == 2:
        chunks.insert(rng.randrange(len(chunks)), chunks.pop(position))
    return chunks


def png(rng: random.Random) -> bytes:
    "Return a PNG of any color type, depth and interlacing, with any chunks."
    color = rng.choice(list(PNG_CHANNELS))
    depth = rng.choice(PNG_DEPTHS[color])
    interlaced = rng.random() < 0.3
    data, size = png_pixels(rng, color, depth, interlaced)
    if rng.random() < 0.05:  # combinations that the format forbids
        color, depth = rng.randrange(8), rng.choice((0, 1, 2, 4, 8, 16, 32))
    head = struct.pack(">IIBBBBB", *size, depth, color, 0, 0, interlaced)
    packed = zlib.compress(data)
    cut = rng.randint(0, len(packed)) if rng.random() < 0.3 else len(packed)
    chunks = [chunk(b"IHDR", head)]
    if (color == 3 and rng.random() < 0.9) or rng.random() < 0.05:
        palette = np.linspace(0, 255, 2 ** min(depth, 8) if rng.random() < 0.8 else 3)
        chunks.append(chunk(b"PLTE", np.repeat(palette.astype(np.uint8), 3).tobytes()))
    chunks += ancillary(rng, color)
    chunks += [chunk(b"IDAT", part) for part in (packed[:cut], packed[cut:]) if part]
    return b"\x89PNG\r\n\x1a\n" + b"".join(shuffle([*chunks, chunk(b"IEND", b"")], rng))


def saved(image: Image.Image, file_format: str, **options) -> bytes:
    "Return the picture as Pillow writes it to a file."
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def frames(rng: random.Random) -> dict:
    "Return the options of Image.save for one to three frames."
    more = [Image.new("L", (40, 40), rng.randrange(256)) for _ in range(rng.randint(0, 2))]
    return {"save_all": True, "append_images": more} if more else {}


def apng(rng: random.Random) -> bytes:
    "Return an animated PNG, its chunks sometimes missing, doubled or misplaced."
    data = saved(picture(rng).resize((40, 40)), "PNG", **frames(rng))
    chunks, start = [], 8
    while start < len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        chunks.append(data[start:end])
        start = end
    return data[:8] + b"".join(shuffle(chunks, rng))


def gif(rng: random.Random) -> bytes:
    "Return a GIF, animated, transparent, or without its global palette."
    options = {"transparency": rng.randrange(256)} if rng.random() < 0.3 else {}
    data = bytearray(saved(picture(rng).convert("P"), "GIF", **frames(rng), **options))
    if rng.random() < 0.4 and data[10] & 0x80:  # take the palette out
        del data[13 : 13 + 3 * 2 ** ((data[10] & 7) + 1)]
        data[10] &= 0x7F
    return bytes(data)


def bmp(rng: random.Random) -> bytes:
    "Return a BMP of 1 to 32 bits a pixel, sometimes with a compression that it does not have."
    if rng.random() < 0.5:
        return saved(picture(rng).convert(rng.choice(("1", "L", "P", "RGB", "RGBA"))), "BMP")
    bits, compression = rng.choice((1, 4, 8, 16, 24, 32)), rng.choice((0, 0, 1, 2, 3, 6))
    colors = 2**bits if bits <= 8 and rng.random() < 0.8 else 0
    width, height = rng.randint(1, 40), rng.choice((-1, 1)) * rng.randint(1, 40)
    pixels = rng.randbytes((width * bits + 31) // 32 * 4 * abs(height))
    start = 54 + 4 * colors
    head = struct.pack("<2sIII", b"BM", start + len(pixels), 0, start)
    details = (40, width, height, 1, bits, compression, len(pixels), 0, 0, colors, 0)
    return head + struct.pack("<IiiHHIIiiII", *details) + rng.randbytes(4 * colors) + pixels


def webp(rng: random.Random) -> bytes:
    "Return a WebP: lossy or lossless, still or animated, with or without alpha."
    options = {"lossless": rng.random() < 0.5, "quality": rng.randrange(101), "method": 0}
    image = picture(rng).resize((40, 40)).convert(rng.choice(("RGB", "RGBA")))
    if rng.random() < 0.3:
        options["exif"] = exif(rng)
    return saved(image, "WEBP", **options, **frames(rng))


def exif(rng: random.Random) -> bytes:
    "Return EXIF data with any of the eight orientations, or broken."
    turn = rng.randint(1, 8) if rng.random() < 0.8 else rng.choice((0, 9, 65_535))
    kind = 3 if rng.random() < 0.8 else rng.randint(0, 13)  # 3 is a 16-bit integer
    tag = struct.pack("<HHII", 0x0112, kind, rng.choice((1, 1, 1, 0, 2, 9)), turn)
    data = bytearray(b"Exif\0\0II*\0\x08\0\0\0\1\0" + tag + bytes(4))
    for _ in range(rng.choice((0, 0, 1, 3))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randint(0, len(data))] if rng.random() < 0.1 else data)


def jpeg(rng: random.Random) -> bytes:
    "Return a JPEG: gray, color or CMYK, progressive or not, turned by EXIF."
    image = picture(rng).convert(rng.choice(("L", "RGB", "CMYK")))
    options = {"progressive": rng.random() < 0.5, "quality": rng.choice((5, 50, 95))}
    if rng.random() < 0.6:
        options["exif"] = exif(rng)
    return saved(image, "JPEG", **options)


def repair(data: bytes) -> bytes:
    "Return a PNG with correct checksums, so that damage gets past them; other files as they are."
    made, start = bytearray(data), 8
    while data.startswith(b"\x89PNG") and start + 12 <= len(made):
        end = start + 8 + int.from_bytes(made[start : start + 4], "big")
        if end + 4 > len(made):
            break
        made[end : end + 4] = zlib.crc32(made[start + 4 : end]).to_bytes(4, "big")
        start = end + 4
    return bytes(made)


def damage(data: bytes, rng: random.Random) -> bytes:
    "Return the file with one to four changes: bits flipped, parts cut, repeated or overwritten."
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        position, length = rng.randrange(len(made) + 1), rng.randint(1, 32)
        change = rng.randrange(6)
        if change == 0 and made:
            made[position % len(made)] ^= 1 << rng.randrange(8)
        elif change == 1:
            made[position : position + 4] = rng.choice(EDGES)
        elif change == 2:
            del made[position : position + length]
        elif change == 3:
            made[position:position] = made[position : position + length] * rng.randint(1, 8)
        elif change == 4:
            del made[position:]
        else:
            made[position : position + length] = rng.randbytes(length)
    return repair(bytes(made)) if rng.random() < 0.7 else bytes(made)


BUILDERS: dict[str, Callable[[random.Random], bytes]] = {
    "PNG": png, "APNG": apng, "GIF": gif, "BMP": bmp, "WebP": webp, "JPEG": jpeg,
}  # fmt: skip


def build(rng: random.Random) -> tuple[str, bytes]:  # format, contents
    "Return a picture file of a random kind; two in five are damaged."
    kind = rng.choices(list(BUILDERS), (6, 1, 2, 2, 1, 2))[0]
    data = BUILDERS[kind](rng)
    return kind, damage(data, rng) if rng.random() < 0.4 else data
