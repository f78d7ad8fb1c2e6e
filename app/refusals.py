"""What Ray Serve's proxies answer by themselves, in the shape of every other error."""

import json
from collections.abc import Callable
from typing import Any

from starlette.middleware import Middleware

from . import HEADERS
from .errors import HTTP_ERRORS, error_body


def refusals() -> list[Middleware]:
    "What the proxies ask for as they start."
    return [Middleware(Refusals)]


class Refusals:
    "What Ray's proxy answers by itself, in the shape of every other error."

    def __init__(self, app: Callable):
        self.app = app

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = refused = False

        async def send_in_shape(message: dict[str, Any]) -> None:
            nonlocal started, refused
            if not started:
                started = True
                names = {name.lower() for name, _ in message["headers"]}
                # all that the app answers has its headers
                refused = message["status"] >= 400 and b"x-content-type-options" not in names
                if refused:
                    await refuse(send)
            if not refused:
                await send(message)

        try:
            await self.app(scope, receive, send_in_shape)
        except Exception:  # it is in the proxy's log
            if started:  # half an answer: hang up
                raise
        if not started:
            await refuse(send)


async def refuse(send: Callable) -> None:
    "A 503: the queue is full, or the replica that was at it died. One more try is answered."
    body = json.dumps(error_body(*HTTP_ERRORS[503])).encode()
    headers = HEADERS | {"Content-Type": "application/json", "Retry-After": "1"}
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
