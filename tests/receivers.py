"""Who receives messages in tests: a mail server and a web server of this machine, on ports of their own."""

import email
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Received:
    """What a server was sent: its address as alerts.yml has it, and title and body of each message.

    `answer` is the status with which a web server answers; `got` how often it was asked.
    """

    address: str = ""
    messages: list[tuple[str, str]] = field(default_factory=list)
    answer: int = 200
    got: int = 0


class _Mailbox:
    def __init__(self, received: Received) -> None:
        self._received = received

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a message."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        text = str(body.get_content()).replace("\r\n", "\n").strip()
        self._received.messages.append((str(message["subject"]), text))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Received]:
    """A mail server."""
    received = Received()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(_Mailbox(received), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        received.address = f"mailto://127.0.0.1:{port}?from=lake@example.com&to=team@example.com"
        yield received
    finally:
        controller.stop()


@contextmanager
def web_server() -> Iterator[Received]:
    """A web server that takes what is posted to it."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.got += 1
            if received.answer == 200:
                received.messages.append((posted["title"], posted["message"]))
            self.send_response(received.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        received.address = f"json://127.0.0.1:{server.server_port}/hook"
        yield received
        server.shutdown()
