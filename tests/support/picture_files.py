"""Build picture files at random: valid ones of every kind, and ones that break the rules."""

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image, ImageChops, ImageOps
from support.digits import DIGITS
from support.helpers import chunk

from digitvision.preprocess import rasterize

SEVEN = rasterize(DIGITS[7], 280, 24)
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # color type of a PNG: channels
DEPTHS = {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}  # the other color types have 8 or 16 bits
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]  # first row, first column, row step, column step of each pass
EDGES = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\x10\x01", b"\x01\0\0\0"]


def picture(rng: random.Random) -> Image.Image:  # mode "L", 1 to 40 pixels a side
    "Return a seven of random size and polarity, sometimes with noise."
    size = (rng.randint(1, 40), rng.randint(1, 40)) if rng.random() < 0.3 else (40, 40)
    image = SEVEN.resize(size)
    if rng.random() < 0.5:
        image = ImageOps.invert(image)
    if rng.random() < 0.3:
        image = ImageChops.add(image, Image.frombytes("L", size, rng.randbytes(size[0] * size[1])))
    return image


def saved(image: Image.Image, file_format: str, **options) -> bytes:
    "Return the picture as Pillow writes it to a file."
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def exif(rng: random.Random) -> bytes:
    "Return EXIF data with any orientation, valid or not, sometimes damaged or cut."
    tags = Image.Exif()
    tags[0x0112] = rng.choice((*range(1, 9), 0, 9, 65_535))
    data = bytearray(tags.tobytes())
    for _ in range(rng.choice((0, 0, 1, 3))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randint(0, len(data))] if rng.random() < 0.1 else data)


def frames(rng: random.Random) -> dict:
    "Return the options of Image.save for one to three frames."
    more = [Image.new("L", (40, 40), rng.randrange(256)) for _ in range(rng.randint(0, 2))]
    return {"save_all": True, "append_images": more} if more else {}


def join(chunks: list[tuple[bytes, bytes]]) -> bytes:
    "Return a PNG of chunks, each a kind and its contents."
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def split(data: bytes) -> list[tuple[bytes, bytes]]:
    "Return kind and contents of each chunk of a PNG, whether their checksums are correct or not."
    chunks, start = [], 8
    while start < len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4], "big")
        chunks.append((data[start + 4 : start + 8], data[start + 8 : end]))
        start = end + 4
    return chunks


def shuffle(chunks: list[tuple], rng: random.Random) -> list[tuple]:
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


def ancillary(rng: random.Random, color: int) -> list[tuple[bytes, bytes]]:
    "Return up to five random PNG chunks that a decoder may ignore; some with wrong contents."
    made = {
        b"tRNS": rng.randbytes({0: 2, 2: 6, 3: rng.randint(0, 256)}.get(color, 2)),
        b"gAMA": struct.pack(">I", rng.choice((0, 45455, 2**32 - 1))),
        b"cHRM": rng.randbytes(32),
        b"sRGB": bytes([rng.randint(0, 5)]),
        b"iCCP": b"name\0\0" + zlib.compress(rng.randbytes(40)),
        b"pHYs": rng.randbytes(9),
        b"bKGD": rng.randbytes({2: 6, 6: 6, 3: 1}.get(color, 2)),
        b"sBIT": rng.randbytes(CHANNELS[color]),
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
    if rng.random() < 0.3:
        made = {kind: rng.randbytes(rng.randint(0, 40)) for kind in made}
    return rng.sample(list(made.items()), rng.choice((0, 0, 1, 2, 5)))


def png_rows(pixels: np.ndarray, depth: int) -> bytes:  # pixels: int (height, width, channels)
    "Return PNG rows, without filters, of samples of `depth` bits."
    bits = pixels.reshape(len(pixels), -1, 1) >> np.arange(depth)[::-1] & 1
    rows = np.packbits(bits.reshape(len(pixels), -1).astype(np.uint8), axis=1)
    return np.insert(rows, 0, 0, axis=1).tobytes()


def png(rng: random.Random) -> bytes:
    "Return a PNG of any color type, depth and interlacing, with any chunks."
    color = rng.choice(list(CHANNELS))
    depth = rng.choice(DEPTHS.get(color, (8, 16)))
    gray, interlaced = picture(rng), rng.random() < 0.3
    levels = np.asarray(gray, int) * (2**depth - 1) // 255
    pixels = np.repeat(levels[:, :, None], CHANNELS[color], axis=2)
    if color in (4, 6) and rng.random() < 0.5:  # only alpha shows the digit
        pixels[..., :-1] = rng.choice((0, 2**depth - 1))
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [pixels[row::down, column::right] for row, column, down, right in passes]
    packed = zlib.compress(b"".join(png_rows(part, depth) for part in parts if part.size))
    chunks = ancillary(rng, color)
    if (color == 3 and rng.random() < 0.9) or rng.random() < 0.05:
        palette = np.linspace(0, 255, 2 ** min(depth, 8) if rng.random() < 0.8 else 3)
        chunks.insert(0, (b"PLTE", np.repeat(palette.astype(np.uint8), 3).tobytes()))
    if rng.random() < 0.05:  # combinations that the format forbids
        color, depth = rng.randrange(8), rng.choice((0, 1, 2, 4, 8, 16, 32))
    head = struct.pack(">IIBBBBB", *gray.size, depth, color, 0, 0, interlaced)
    cut = rng.randint(0, len(packed)) if rng.random() < 0.3 else len(packed)
    data = [(b"IDAT", part) for part in (packed[:cut], packed[cut:]) if part]
    return join(shuffle([(b"IHDR", head), *chunks, *data, (b"IEND", b"")], rng))


def apng(rng: random.Random) -> bytes:
    "Return an animated PNG, its chunks sometimes missing, doubled or misplaced."
    return join(shuffle(split(saved(picture(rng).resize((40, 40)), "PNG", **frames(rng))), rng))


def gif(rng: random.Random) -> bytes:
    "Return a GIF, animated, transparent, or without its global palette."
    options = {"transparency": rng.randrange(256)} if rng.random() < 0.3 else {}
    data = bytearray(saved(picture(rng).convert("P"), "GIF", **frames(rng), **options))
    if rng.random() < 0.4 and data[10] & 0x80:  # take the palette out
        del data[13 : 13 + 3 * 2 ** ((data[10] & 7) + 1)]
        data[10] &= 0x7F
    return bytes(data)


def bmp(rng: random.Random) -> bytes:
    "Return a BMP of 1 to 32 bits a pixel, sometimes with a depth or compression it does not have."
    image = picture(rng).convert(rng.choice(("1", "L", "P", "RGB", "RGBA")))
    data = bytearray(saved(image, "BMP"))
    if rng.random() < 0.3:  # rows from top to bottom
        struct.pack_into("<i", data, 22, -image.height)
    if rng.random() < 0.5:
        data[28], data[30] = rng.choice((1, 4, 8, 16, 24, 32)), rng.choice((0, 0, 1, 2, 3, 6))
    return bytes(data)


def webp(rng: random.Random) -> bytes:
    "Return a WebP: lossy or lossless, still or animated, with or without alpha."
    options = {"lossless": rng.random() < 0.5, "quality": rng.randrange(101), "method": 0}
    image = picture(rng).resize((40, 40)).convert(rng.choice(("RGB", "RGBA")))
    if rng.random() < 0.3:
        options["exif"] = exif(rng)
    return saved(image, "WEBP", **options, **frames(rng))


def jpeg(rng: random.Random) -> bytes:
    "Return a JPEG: gray, color or CMYK, progressive or not, turned by EXIF."
    image = picture(rng).convert(rng.choice(("L", "RGB", "CMYK")))
    options = {"progressive": rng.random() < 0.5, "quality": rng.choice((5, 50, 95))}
    if rng.random() < 0.6:
        options["exif"] = exif(rng)
    return saved(image, "JPEG", **options)


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
    if made.startswith(b"\x89PNG") and rng.random() < 0.7:
        return join(split(bytes(made)))  # with correct checksums, so that damage gets past them
    return bytes(made)


BUILDERS = {"PNG": png, "APNG": apng, "GIF": gif, "BMP": bmp, "WebP": webp, "JPEG": jpeg}


def build(rng: random.Random) -> tuple[str, bytes]:  # format, contents
    "Return a picture file of a random kind; two in five are damaged."
    kind = rng.choices(list(BUILDERS), (6, 1, 2, 2, 1, 2))[0]
    data = BUILDERS[kind](rng)
    return kind, damage(data, rng) if rng.random() < 0.4 else data
