"""The production server: waitress, with a bounded queue, deadlines, and a stop that loses nothing.

One thread watches all connections, so that slow and idle ones cost no worker; workers get whole
requests only."""

import json
import logging
import select
import signal
import sys
import time

from flask import Flask
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error

from .errors import HTTP_ERRORS, MAX_BODY, error_body
from .observe import record

THREADS = 8  # measured: docs/benchmarks.md
QUEUE = 128  # whole requests that may wait for a thread; more are told to come back
CONNECTIONS = 2000
PATIENCE = 30.0  # seconds to deliver a request, and to be idle
GRACE = 10.0  # seconds in which everything that was accepted is answered when the server stops
IDLE = 0.3  # seconds after which a connection without a request is closed then
# More than the app allows, so that the sender of too much hears a 413 and not a broken connection.
RECEIVED = 4 * MAX_BODY


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
        record("none", "none", error.code)


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

    def close_if_quiet(self, seconds: float) -> None:
        quiet = not self.requests and not self.total_outbufs_len
        if quiet and time.monotonic() - self.began > seconds:
            self.will_close = True


class Dispatcher(ThreadedTaskDispatcher):
    "Threads behind a queue that has an end."

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[Channel] = []
        self.set_thread_count(THREADS)

    def add_task(self, channel: Channel) -> None:
        if len(self.queue) < QUEUE:
            super().add_task(channel)
        else:
            channel.requests[0].error = Overloaded("the queue is full")
            self.refused.append(channel)

    def refuse(self) -> None:
        "Tell them, from the watching thread: the workers are busy."
        while self.refused:
            self.refused.pop().service()


class Server:
    "An app on a port, until a signal says stop."

    def __init__(self, app: Flask, host: str, port: int):
        "Open the port. Raises OSError if it cannot be had, ValueError for a host there is not."
        sys.setswitchinterval(0.0005)  # of a busy worker, for the thread that watches: measured
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is no news
        TcpWSGIServer.channel_class = Channel
        Channel.stopping = False
        self.sockets: dict[int, wasyncore.dispatcher] = {}
        self.dispatcher = Dispatcher()
        self.stop_asked = False
        self.server = create_server(
            app,
            map=self.sockets,
            _dispatcher=self.dispatcher,
            host=host,
            port=port,
            ident=None,
            send_bytes=1,  # a worker sends its answer itself: one change of threads fewer
            backlog=1024,
            connection_limit=CONNECTIONS,
            channel_timeout=10**9,  # ours is PATIENCE, by a clock that does not jump
            max_request_body_size=RECEIVED,
            inbuf_overflow=RECEIVED,  # nothing that is sent is ever written to disk,
            outbuf_overflow=RECEIVED,  # nor any answer
            asyncore_use_poll=True,  # select() ends at 1,024 connections
        )

    def run(self) -> None:
        "Serve until SIGINT or SIGTERM, then answer what was accepted."
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        checked = time.monotonic()
        while not self.stop_asked:
            self._turn(0.5)
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                for channel in self._channels():
                    channel.close_if_quiet(PATIENCE)
        self._drain()

    def _ask_to_stop(self, *_) -> None:
        self.stop_asked = True

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(seconds, use_poll=True, map=self.sockets, count=1)
        self.dispatcher.refuse()

    def _channels(self) -> list[Channel]:
        return [one for one in list(self.sockets.values()) if isinstance(one, Channel)]

    def _drain(self) -> None:
        Channel.stopping = True
        for listener in list(self.sockets.values()):
            if isinstance(listener, BaseWSGIServer):
                while select.select([listener.socket], [], [], 0)[0]:
                    listener.handle_accept()
                wasyncore.dispatcher.close(listener)
        end = time.monotonic() + GRACE
        while self._channels() and time.monotonic() < end:
            self._turn(0.05)
            for channel in self._channels():
                if channel.request is None:
                    channel.close_if_quiet(IDLE)
        self.dispatcher.shutdown(timeout=1)
