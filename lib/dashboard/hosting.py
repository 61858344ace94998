"""What is put around Streamlit's page before a browser gets it."""

import re
from collections.abc import Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

_PAGE = re.compile(r"^/[a-z_]*$")
_FIRST = "/overview"
"""Where people expect the first page, which Streamlit has at the root alone."""

_HEAD = b"<head>"
_ROOT = (
    b"<script>window.__streamlit = {BACKEND_BASE_URL: location.origin, MAIN_PAGE_BASE_URL: location.origin}</script>"
)


class Rooted:
    """Tells a browser that is sent to a page where the app is: else it looks below the page first, in vain."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http" or not _PAGE.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        if scope["path"] == _FIRST:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", b"/" + query)]})
            await send({"type": "http.response.body"})
            return
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        parts: list[Message] = []

        async def kept(message: Message) -> None:
            parts.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                for part in rooted(parts):
                    await send(part)

        await self.app({**scope, "headers": headers}, receive, kept)


def rooted(parts: list[Message]) -> list[Message]:
    """A whole response, with the place of the app in its head if it has one."""
    start = parts[0]
    body = b"".join(part.get("body", b"") for part in parts[1:]).replace(_HEAD, _HEAD + _ROOT, 1)
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]
