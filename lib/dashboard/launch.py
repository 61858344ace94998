"""Starts the app: a web server for this machine alone, until it is interrupted."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lib.config import Settings
from lib.dashboard.settings import DashboardFile
from lib.errors import LakehouseError

_APP = Path(__file__).with_name("app.py")
_LAND = Path(__file__).parent / "assets" / "countries.json"
_OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.level": "error",
    "server.fileWatcherType": "none",
    "server.headless": True,
}


def launch(
    settings: Settings, dashboard: DashboardFile, *, role: str, address: str, port: int, ready: Callable[[str], None]
) -> int:
    """Serve the app until an interrupt; `ready` is told the URL. Gives the exit status.

    Raises:
        LakehouseError: if the port is taken.
    """
    with _bound(address, port) as listening:
        # imported late: Streamlit's parts read the options when they are imported
        import uvicorn
        from starlette.middleware import Middleware
        from starlette.routing import Route
        from streamlit import config

        bound: dict[str, Any] = {"server.address": address, "server.port": port}
        # of both, as one colour for all would keep the browser from being dark
        bound |= {f"theme.{base}.primaryColor": dashboard.colours.main for base in ("light", "dark")}
        for name, value in (_OPTIONS | bound).items():
            config.set_option(name, value)
        from streamlit.starlette import App

        from lib.dashboard import source
        from lib.dashboard.charts import OUTLINES
        from lib.dashboard.hosting import Rooted

        source.opened(settings, dashboard, role)
        app = App(_APP, middleware=[Middleware(Rooted)], routes=[Route(OUTLINES, _outlines)])
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, use_colors=False)
        )
        ready(f"http://{address}:{listening.getsockname()[1]}")
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            pass  # it has ended in order, and passes the interrupt on
        finally:
            source.closed()
    return 0


def _outlines(request: Any) -> Any:  # noqa: ARG001 what is asked for is one file
    from starlette.responses import FileResponse

    return FileResponse(_LAND, media_type="application/json", headers={"cache-control": "max-age=86400"})


def _bound(address: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen()  # who comes before the app is ready waits
    except OSError as error:
        listening.close()
        raise LakehouseError(f"{address}:{port}: {error.strerror} (another one: --port {port + 1})") from None
    return listening
