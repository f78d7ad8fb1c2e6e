"""The production server: waitress, with workers, a bounded queue, deadlines, and a stop that loses
nothing.

A worker is a process that does one thing after the other: it watches all its connections, so that
slow and idle ones cost nothing, and answers the requests that have arrived whole."""

import ctypes
import gc
import json
import os
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from .errors import HTTP_ERRORS, MAX_BODY, error_body
from .ready import rehearse

QUEUE = 128  # whole requests that may wait in a worker; more are told to come back
CONNECTIONS = 2000  # of a worker
PATIENCE = 30.0  # seconds to deliver a request and take its answer, and to be idle
GRACE = 10.0  # seconds in which everything that was accepted is answered when the server stops
HANDSHAKE = 0.1  # seconds of it in which those who knocked before may still come in
IDLE = 0.3  # seconds after which a connection without a request is closed then
# More than the app allows, so that the sender of too much hears a 413 and not a broken connection.
RECEIVED = 4 * MAX_BODY
SIGNALS = {signal.SIGINT, signal.SIGTERM}
# A filter for Linux (https://docs.kernel.org/networking/filter.html): of all that comes in, drop
# what asks for a new connection, that is, has the flag SYN in byte 13.
SO_ATTACH_FILTER = 26
NO_ENTRY = [(0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 2**32 - 1)]


class Overloaded(Error):
    "More requests wait than there is room for."

    code, reason = 503, "Service Unavailable"


class JsonErrorTask(ErrorTask):
    "What the server refuses before the app sees it, in the shape of every other error."

    def execute(self) -> None:
        error = self.request.error
        code, message = HTTP_ERRORS.get(error.code, ("bad_http", f"{error.reason}: {error.body}."))
        body = json.dumps(error_body(code, message)).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        if error.code == 503:
            self.response_headers.append(("Retry-After", "1"))
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)
        self.channel.server.observer.record("none", "none", error.code)


class Task(WSGITask):
    "A request for the app; when the server stops, the last of its connection."

    def start(self) -> None:
        super().start()
        if self.channel.stopping:
            self.set_close_on_finish()


class Channel(HTTPChannel):
    "A connection that knows, by a clock that nobody sets, since when it owes a request."

    error_task_class, task_class = JsonErrorTask, Task
    stopping = False  # the same for all

    def __init__(self, *args, **more):
        self.began = time.monotonic()
        super().__init__(*args, **more)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.began = time.monotonic()
        return super().received(data)

    def close_after(self, seconds: float) -> None:
        if not self.requests and time.monotonic() - self.began > seconds:
            self.handle_close()


class Queue:
    "Whole requests that wait for their turn, and an end to them."

    def __init__(self) -> None:
        self.waiting: deque[Channel] = deque()

    def add_task(self, channel: Channel) -> None:
        if len(self.waiting) < QUEUE:
            self.waiting.append(channel)
        else:  # the answer is short: it goes first
            channel.requests[0].error = Overloaded("the queue is full")
            self.waiting.appendleft(channel)

    def answer(self) -> None:
        "All that wait now; what comes up meanwhile waits for the next turn."
        for _ in range(len(self.waiting)):
            self.waiting.popleft().service()


class Listener(TcpWSGIServer):
    "A worker's share of a port: the system spreads connections evenly over those that listen."

    channel_class = Channel
    shared = False  # the same for all

    def __init__(self, app: Flask, *args, **more):
        super().__init__(app, *args, **more)
        self.observer = app.extensions["observer"]

    def bind_server_socket(self) -> None:
        if self.shared:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().bind_server_socket()

    def handle_accept(self) -> None:
        "All that knock, so that a crowd is told at once that it is one."
        connected = 0
        while connected < len(self._map) < CONNECTIONS:
            connected = len(self._map)
            super().handle_accept()

    def turn_away(self) -> None:
        "Let in nobody new. Who comes in as the port is closed would be cut off without a word."
        if sys.platform == "linux":
            code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in NO_ENTRY))
            program = struct.pack("HP", len(NO_ENTRY), ctypes.addressof(code))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def pull_trigger(self) -> None:
        "There is no thread to wake."


def _listeners(sockets: dict[int, wasyncore.dispatcher]) -> list[Listener]:
    return [one for one in sockets.values() if isinstance(one, Listener)]


def _hear(handler: Callable[..., None]) -> None:
    for one in SIGNALS:
        signal.signal(one, handler)


class Server:
    "An app on a port, until a signal says stop."

    def __init__(self, app: Flask, host: str, port: int, workers: int = 1):
        "Open the port. Raises OSError if it cannot be had, ValueError for a host there is not."
        self.app = app
        self.queue = Queue()
        self.stop_asked = False
        settings = Adjustments(
            host=host,
            port=port,
            ident=None,
            send_bytes=1,  # an answer is sent as soon as it is there
            outbuf_high_watermark=10**12,  # there is no other thread that could send meanwhile
            backlog=1024,
            connection_limit=CONNECTIONS,
            channel_timeout=10**9,  # ours is PATIENCE, by a clock that does not jump
            max_request_body_size=RECEIVED,
            inbuf_overflow=RECEIVED,  # nothing that is sent is ever written to disk,
            outbuf_overflow=RECEIVED,  # nor any answer
        )

        def listen(sockets: dict[int, wasyncore.dispatcher]) -> dict[int, wasyncore.dispatcher]:
            for place in settings.listen:
                Listener(app, sockets, dispatcher=self.queue, adj=settings, sockinfo=place)
            return sockets

        Listener.shared = False
        if workers > 1:  # a port that is to be shared could be had from a stranger who shares his
            self._close(listen({}))
            Listener.shared = True
        self.shares = [listen({}) for _ in range(workers)]
        self.sockets = self.shares[0]
        rehearse(app)

    def run(self, announce: Callable[[], None]) -> None:
        "Serve until SIGINT or SIGTERM, then answer what was accepted."
        if len(self.shares) > 1:
            self._supervise(announce)
        else:
            _hear(self._ask_to_stop)
            announce()
            self._serve()

    def _supervise(self, announce: Callable[[], None]) -> None:
        "Start the workers, and each that ends again; they have the model and the port from here."
        running: dict[int, int] = {}  # process id: number

        def start_missing() -> None:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # or one that starts would not hear
            for number in set(range(len(self.shares))) - set(running.values()):
                if not self.stop_asked:
                    running[self._start(number)] = number
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

        def stop(*_) -> None:
            self.stop_asked = True
            for share in self.shares:  # or the port would stay open after the workers closed it
                self._close(share)
            for process in running:
                with suppress(ProcessLookupError):  # it ended this very moment
                    os.kill(process, signal.SIGTERM)

        gc.freeze()  # or the workers' collections would touch, and so copy, all that they share
        _hear(stop)
        start_missing()
        announce()
        while running:
            began = time.monotonic()
            running.pop(os.wait()[0])
            if not self.stop_asked:  # one that cannot live is not started all the time
                time.sleep(max(0.0, 0.2 - (time.monotonic() - began)))
            start_missing()

    def _start(self, number: int) -> int:
        "A process that serves, and its id."
        parent = os.getpid()
        if process := os.fork():
            return process
        self.app.extensions["observer"].worker = number
        self.sockets = self.shares.pop(number)
        for share in self.shares:
            self._close(share)
        _hear(self._ask_to_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        rehearse(self.app)
        self._serve(parent)
        os._exit(0)

    def _serve(self, parent: int | None = None) -> None:
        checked = time.monotonic()
        while not self.stop_asked:
            self._turn(0.5)
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                for channel in self._channels():
                    channel.close_after(PATIENCE)
                if parent and os.getppid() != parent:  # it was killed, and could not say so
                    break
        self._drain()

    def _ask_to_stop(self, *_) -> None:
        self.stop_asked = True

    def _turn(self, seconds: float) -> None:
        "Look for news, so long if nothing is to do; then do it."
        seconds = 0 if self.queue.waiting else seconds
        # select() ends at 1,024 connections, poll() does not
        wasyncore.loop(seconds, use_poll=True, map=self.sockets, count=1)
        self.queue.answer()

    def _channels(self) -> list[Channel]:
        return [one for one in list(self.sockets.values()) if isinstance(one, Channel)]

    def _close(self, sockets: dict[int, wasyncore.dispatcher]) -> None:
        "Stop to listen."
        for one in _listeners(sockets):
            wasyncore.dispatcher.close(one)

    def _drain(self) -> None:
        Channel.stopping, began = True, time.monotonic()
        for one in _listeners(self.sockets):
            one.turn_away()
        while time.monotonic() < began + HANDSHAKE:
            self._turn(0.01)
        for one in _listeners(self.sockets):
            one.handle_accept()
        self._close(self.sockets)
        end = began + GRACE
        while self._channels() and time.monotonic() < end:
            self._turn(0.05)
            for channel in self._channels():
                if channel.request is None and not channel.total_outbufs_len:
                    channel.close_after(IDLE)
