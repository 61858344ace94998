"""Credentials by reference, and what is never told."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from lib.errors import LakehouseError
from lib.logs import hide_secrets, run_log
from lib.secrets import check_references, check_secret, hidden, looked_up

SECRET = 'pa"ss wörd/1'


class _Workspace(BaseHTTPRequestHandler):
    """The one answer of a Databricks workspace that is asked for: https://docs.databricks.com/api/workspace/secrets."""

    def do_GET(self) -> None:
        asked = parse_qs(urlparse(self.path).query)
        is_known = asked.get("scope") == ["lake"] and asked.get("key") == ["db"]
        said = {"key": "db", "value": base64.b64encode(SECRET.encode()).decode()}
        missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Secret does not exist"}
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(said if is_known else missing).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that answers as a Databricks workspace does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Workspace) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("DATABRICKS_TOKEN", "of-the-test")
        yield
        server.shutdown()


def test_a_reference_stands_for_a_variable_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OF_DB", SECRET)
    (tmp_path / "s").write_text("of a file\n")
    assert looked_up(f"a ${{env:OF_DB}} b ${{file:{tmp_path}/s}}", "here") == f"a {SECRET} b of a file"


@pytest.mark.usefixtures("workspace")
def test_a_reference_stands_for_a_secret_of_databricks() -> None:
    assert looked_up("${secret:lake/db}", "here") == SECRET


@pytest.mark.usefixtures("workspace")
def test_a_secret_that_databricks_does_not_have_is_named() -> None:
    with pytest.raises(LakehouseError, match=r"here: Databricks does not give the secret lake/other: Secret does not"):
        looked_up("${secret:lake/other}", "here")


def test_a_secret_in_clear_text_is_refused_and_not_shown() -> None:
    assert check_secret("${secret:lake/db}") == "${secret:lake/db}"
    for text in ("hunter22", "${secret:lake}", "x${env:A}"):
        with pytest.raises(ValueError, match="is a secret in clear text") as refused:
            check_secret(text)
        assert text not in str(refused.value)
    with pytest.raises(ValueError, match="has a reference that is neither"):
        check_references("${secret:lake}")


def test_what_was_looked_up_is_hidden_in_logs_of_ours_and_of_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OF_DB", SECRET)
    looked_up("${env:OF_DB}", "here")
    hide_secrets()
    logging.getLogger("some.library").warning("connecting with %s", SECRET)
    assert "connecting with [hidden]" in caplog.text
    with run_log(tmp_path, 1) as log:
        log.error("failed", text=f"no {SECRET} here", deep={"url": "postgresql://u:pa%22ss%20w%C3%B6rd/1@h"})
    written = (tmp_path / "logs" / "run-0001.jsonl").read_text()
    assert "rd/1" not in written
    assert json.loads(written)["deep"] == {"url": "postgresql://u:[hidden]@h"}
    assert hidden(f"X {SECRET}") == "X [hidden]"


def test_the_log_of_an_error_has_no_values_of_variables(tmp_path: Path) -> None:
    def fails(email: str) -> None:
        raise ValueError(f"an address of {len(email)} letters")

    with run_log(tmp_path, 1) as log:
        try:
            fails("ada@example.com")
        except ValueError as error:
            log.error("unexpected error", exc_info=error)
    written = (tmp_path / "logs" / "run-0001.jsonl").read_text()
    assert "an address of 15 letters" in written
    assert "fails" in written
    assert "ada@example.com" not in written
