"""A run with secrets in every place that takes one tells none of them, to nobody who looks."""

import base64
import hashlib
import http.client
import json
import shutil
import socket
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml

from tests.builders import CONF, PRODUCTS_HEADER
from tests.integration.processes import HOME, environment, started, wait_until
from tests.integration.test_incremental import product
from tests.integration.test_jobs import BY_PYTHON
from tests.test_encryption import spellings

SECRETS = {
    "OF_DATABASE": "hunter2-of-the-database",
    "OF_ERASURE": "hunter2-of-erasure-0123456789abcdef",
    "OF_CHANNEL": "hunter2-of-the-channel",
    "OF_REGISTRY": "hunter2-of-the-registry",
}
PII_KEY, TOKEN_KEY = (hashlib.sha256(name.encode()).digest() for name in ("of personal columns", "of tokens"))
MEMBER = {"customer_id": "C1", "name": "Ada Lovelace", "email": "ada@example.com", "updated_at": "2017-01-01T00:00:00"}

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def queries_on(page: int) -> str:
    """The queries that Spark's page shows, with their plans, as it gives them to programs; nothing if it is gone."""
    api = f"http://127.0.0.1:{page}/api/v1/applications"
    try:
        with urllib.request.urlopen(api, timeout=20) as answer:
            [application] = json.loads(answer.read())
        asked = f"{api}/{application['id']}/sql?details=true&planDescription=true&length=1000"
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return str(answer.read().decode())
    except (OSError, http.client.HTTPException):
        return ""


def test_no_secret_is_in_a_log_an_error_sparks_page_or_an_argument(tmp_path: Path) -> None:
    conf, lake, nobody, page = tmp_path / "conf", tmp_path / "lake", free_port(), free_port()
    shutil.copytree(CONF, conf)
    facts = yaml.safe_load((conf / "lakehouse.yml").read_text("utf-8"))
    facts["environments"]["local"] |= {
        "serving": {"url": f"postgresql://127.0.0.1:{nobody}/x", "user": "u", "password": "${env:OF_DATABASE}"},
        "models": {"uri": f"http://u:${{env:OF_REGISTRY}}@127.0.0.1:{nobody}"},
        "erasure": {"key": "${env:OF_ERASURE}"},
        "encryption": {"current": "k1", "keys": {"k1": "${env:OF_PII}"}, "token_key": "${env:OF_TOKENS}"},
    }
    facts["retries"] = {"attempts": 2, "first_wait": "10ms", "most": "10ms"}
    (conf / "lakehouse.yml").write_text(yaml.safe_dump(facts), "utf-8")
    alerts = yaml.safe_load((conf / "alerts.yml").read_text("utf-8"))
    alerts["channels"] = {"pager": f"json://u:${{env:OF_CHANNEL}}@127.0.0.1:{nobody}"}
    (conf / "alerts.yml").write_text(yaml.safe_dump(alerts), "utf-8")
    (lake / "landing" / "adventureworks").mkdir(parents=True)
    file = lake / "landing" / "adventureworks" / "AdventureWorks_Products.csv"
    file.write_text(f"{PRODUCTS_HEADER}\r\n{product(1, '10.0000')}\r\n")
    members = lake / "landing" / "pos" / "customers" / "customers_1.jsonl"
    members.parent.mkdir(parents=True)
    members.write_text(f"{json.dumps(MEMBER)}\n")
    (tmp_path / "events").mkdir()
    shown = (
        f"--conf spark.ui.enabled=true --conf spark.ui.port={page} --conf spark.eventLog.enabled=true "
        "--conf spark.eventLog.compress=false --conf spark.sql.ui.retainedExecutions=1000 "
        f"--conf spark.eventLog.dir=file:{tmp_path}/events pyspark-shell"
    )
    submit = BY_PYTHON["PYSPARK_SUBMIT_ARGS"].replace("pyspark-shell", shown)
    keys = {"OF_PII": PII_KEY.hex(), "OF_TOKENS": base64.b64encode(TOKEN_KEY).decode()}
    env = environment(**BY_PYTHON, **SECRETS, **keys) | {"PYSPARK_SUBMIT_ARGS": submit}
    log = tmp_path / "all.log"

    with started(sys.executable, HOME / "jobs/run_pipeline.py", "--root", lake, "--conf", conf, log=log, cwd=tmp_path,
                 env=env) as process:  # fmt: skip

        def environment_page() -> str | None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{page}/environment/", timeout=5) as answer:
                    text = str(answer.read().decode())
                    # until Spark is ready it says so on every page
                    return text if "spark.ui.port" in text else None
            except OSError:
                return None

        seen = wait_until(environment_page, within=120, logs=log.read_text)
        arguments: set[str] = set()
        plans = ""
        while process.poll() is None:
            plans = queries_on(page) or plans
            for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
                try:
                    arguments.update(each.cmdline())
                except psutil.NoSuchProcess:
                    continue
            time.sleep(2)
    said = log.read_text()
    assert process.returncode == 1
    assert "registry of models cannot be read" in said
    written = "".join(
        path.read_text("utf-8", "replace") for path in lake.rglob("*") if path.suffix in {".jsonl", ".json"}
    )
    assert any("spark.ui.port" in each for each in arguments)
    events = "".join(path.read_bytes().decode("latin-1") for path in (tmp_path / "events").rglob("*") if path.is_file())
    # what encrypts and decrypts is there to be seen, and a plan of an event is one that was executed
    for where in (plans, events):
        assert "aesEncrypt" in where
        assert "aesDecrypt" in where
    places = (said, seen, written, "\n".join(arguments), plans, events)
    for where in places:
        assert "hunter2" not in where
        assert not [spelt for key in (PII_KEY, TOKEN_KEY) for spelt in spellings(key) if spelt in where]
    assert "Ada Lovelace" not in said + seen
