"""Pictures as data URLs, and a real server in a process of its own."""

import base64
import io
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image

PNG_URL = "data:image/png;base64,"


def data_url(image: Image.Image, file_format: str = "PNG", **options) -> str:
    "Return a picture as a data URL in a format of Pillow."
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def chunk(kind: bytes, data: bytes) -> bytes:
    "Return a chunk of a PNG file."
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def canvas_url(image: Image.Image) -> str:
    "Return the PNG that Chromium makes of a canvas: RGBA, filter 2 (up), fast compression."
    pixels = np.asarray(image.convert("RGBA")).reshape(image.height, -1)
    rows = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1]))
    packed = zlib.compress(np.insert(rows, 0, 2, axis=1).tobytes(), 1)
    head = struct.pack(">IIBBBBB", *image.size, 8, 6, 0, 0, 0)
    chunks = chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b"")
    return PNG_URL + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def free_port() -> int:
    "Return a port that nothing listens on."
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serve(
    *options: str, command: Sequence[str] = (sys.executable, "-m", "digitvision.app"), **more
) -> Iterator[tuple[str, subprocess.Popen]]:
    "Start a server; yield its address and process once it accepts connections."
    port = free_port()
    command = [*command, "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith(f"DigitVision is at http://127.0.0.1:{port} "), first
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
