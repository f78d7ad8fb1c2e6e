"""Pictures as data URLs, and a real server in a process of its own."""

import base64
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image


def data_url(image: Image.Image, file_format: str = "PNG", **options) -> str:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serve(
    *options: str, command: Sequence[str] = (sys.executable, "-m", "app"), **more
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


def family(process: subprocess.Popen, workers: int = 2) -> list[int]:
    "Process ids of a server and of its workers, as soon as there are so many."
    end, found = time.monotonic() + 5, []
    while len(found) < workers and time.monotonic() < end:
        command = ["pgrep", "-P", str(process.pid)]
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return [process.pid, *map(int, found)]
