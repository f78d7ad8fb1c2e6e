"""Pictures as files and data URLs, a real server in a process of its own, and its clients."""

import base64
import io
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
from PIL import Image


def encode(image: Image.Image, file_format: str = "PNG", **options) -> bytes:
    "Return a picture as a file in a format of Pillow."
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def data_url(source: Image.Image | bytes, file_format: str = "PNG", **options) -> str:
    "Return a picture in a format of Pillow, or the bytes of a file, as a data URL."
    data = source if isinstance(source, bytes) else encode(source, file_format, **options)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(data).decode()}"


def chunk(kind: bytes, data: bytes) -> bytes:
    "Return a chunk of a PNG file."
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, color: int = 0) -> bytes:
    "Return a PNG file with these chunks between its head and its end; color type 0 is gray."
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def canvas_url(image: Image.Image) -> str:
    "Return the PNG that Chromium makes of a canvas: RGBA, filter 2 (up), fast compression."
    pixels = np.asarray(image.convert("RGBA")).reshape(image.height, -1)
    rows = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1]))
    packed = zlib.compress(np.insert(rows, 0, 2, axis=1).tobytes(), 1)
    return data_url(png(*image.size, chunk(b"IDAT", packed), color=6))


def free_port() -> int:
    "Return a port that nothing listens on."
    with socket.create_server(("127.0.0.1", 0)) as listener:
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


def dial(address: str, timeout: float = 20) -> socket.socket:
    "Open a connection to a server."
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout)


@contextmanager
def connections(address: str, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    "Hold connections that have sent the beginning of a request, or nothing."
    with ExitStack() as stack:
        opened = [stack.enter_context(dial(address)) for _ in range(count)]
        for one in opened:
            one.sendall(sent)
        yield opened
