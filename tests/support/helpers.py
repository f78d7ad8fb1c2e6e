"""Pictures as data URLs, and a real server in a process of its own."""

import base64
import io
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image

PNG_URL = "data:image/png;base64,"


def data_url(image: Image.Image, file_format: str = "PNG", **options) -> str:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def chunk(kind: bytes, data: bytes) -> bytes:
    "A part of a PNG file."
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def canvas_url(image: Image.Image) -> str:
    "A PNG as Chromium's canvas makes it: RGBA, each row less the one above it, packed in haste."
    pixels = np.asarray(image.convert("RGBA")).reshape(image.height, -1)
    rows = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1]))
    packed = zlib.compress(np.insert(rows, 0, 2, axis=1).tobytes(), 1)
    head = struct.pack(">IIBBBBB", *image.size, 8, 6, 0, 0, 0)
    chunks = chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b"")
    return PNG_URL + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serve(
    *options: str, command: Sequence[str] = (sys.executable, "-m", "digitvision.app"), **more
) -> Iterator[tuple[str, subprocess.Popen]]:
    "A server process of its own and its address; it is up when this is entered."
    port = free_port()
    command = [*command, "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith(f"DigitVision is at http://127.0.0.1:{port} "), first
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


def pgrep(*options: str) -> list[int]:
    "Ids of the processes that pgrep finds."
    found = subprocess.run(["pgrep", *options], capture_output=True, text=True)
    return [int(process) for process in found.stdout.split()]


def family(process: subprocess.Popen, workers: int = 2) -> list[int]:
    "Process ids of a server and of its workers, as soon as there are so many."
    end, found = time.monotonic() + 5, []
    while len(found) < workers and time.monotonic() < end:
        found = pgrep("-P", str(process.pid))
    return [process.pid, *found]
