"""Sends a message: by mail, to Slack, to Teams, to a web server. An address is a credential: no message has it."""

import logging
import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.result import AppriseResultStatus

from lib.alerts.settings import Severity
from lib.errors import LakehouseError
from lib.secrets import REFERENCE, looked_up

_TYPES: Mapping[Severity | None, NotifyType] = {"error": NotifyType.FAILURE, "warning": NotifyType.WARNING}
_STATUS = re.compile(r"error=(\d{3})\b")

# what it logs has hosts in it, and tokens are parts of those
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False


def send(address: str, place: str, title: str, body: str, *, severity: Severity | None, timeout: float) -> str:
    """Send a message; gives "" or why it was not taken. `severity`: None where all is well again; `timeout`: seconds.

    `place` is where the address stands, for messages.
    """
    try:
        # a secret within an address is written in it as an address has it
        is_whole = REFERENCE.fullmatch(address) is not None
        url = looked_up(address, place, as_written=str if is_whole else partial(quote, safe=""))
    except LakehouseError as error:
        return str(error)
    service = Apprise.instantiate(url, asset=AppriseAsset(app_id="lakehouse", async_mode=False))
    if service is None:
        return f"{place}: is not an address that Apprise knows"
    # each of these is for one word of the other side, the one below for all of them
    service.socket_connect_timeout = service.socket_read_timeout = timeout
    apprise = Apprise()
    apprise.add(service)
    kind = _TYPES.get(severity, NotifyType.SUCCESS)
    result = apprise.notify(body, title, notify_type=kind, body_format=NotifyFormat.TEXT, timeout=timeout)
    if result:
        return ""
    if result.status == AppriseResultStatus.TIMEOUT:
        return f"no answer within {timeout:g} s"
    said = " ".join(str(entry) for entry in result.logs())
    status = _STATUS.search(said)
    return f"the other side answered {status[1]}" if status else "it cannot be reached, or does not take it"
