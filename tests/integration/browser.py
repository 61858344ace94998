"""The dashboard as a person meets it: the job in a process of its own, and a headless Chromium."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, sync_playwright

HOME = Path(__file__).resolve().parents[2]
_QUIET = """() => {
    if (!window.watching) {
        window.watching = new MutationObserver(() => { window.changed = performance.now() })
        window.watching.observe(document.body, {childList: true, subtree: true, characterData: true})
        window.changed = performance.now()
    }
    const app = document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')
    const drawing = document.querySelector('[data-stale=true], [data-testid=stSkeleton], [data-testid=stAppSkeleton]')
    return app && !drawing && document.querySelector('h1') && performance.now() - window.changed > 300
}"""
"""The script is not running, and for some time nothing was drawn any more."""

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def need_browser() -> str:
    """The browser's path; the test skips where there is none, and fails so under CI."""
    found = next((path for path in map(shutil.which, _PROGRAMS) if path), None)
    if found is None:
        said = f"there is no browser (looked for {', '.join(_PROGRAMS)})"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser until the block ends."""
    path = need_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def running_dashboard(root: Path, *arguments: str) -> Iterator[str]:
    """The job on a free port until the block ends, then interrupted as by Ctrl-C; gives its URL."""
    command = [sys.executable, str(HOME / "jobs/dashboard.py"), "--root", str(root), "--port", "0", *arguments]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert job.stdout is not None
    try:
        url = next((found[0] for line in job.stdout if (found := re.search(r"http://[\d.]+:\d+", line))), "")
        assert url, f"it ended with {job.wait()}"
        yield url
    finally:
        job.send_signal(signal.SIGINT)
        said = job.stdout.read()
        assert (job.wait(20), said) == (0, "")


class Visitor:
    """Somebody who looks: what went wrong in the browser, and which requests left the machine, is on record."""

    def __init__(self, context: BrowserContext, base: str, screenshots: Path) -> None:
        self.context = context
        self.base = base
        self.screenshots = screenshots
        self.errors: list[str] = []
        self.left: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def open(self, path: str = "/") -> None:
        """Go to a path below the app, and wait until it is drawn."""
        self.page.goto(f"{self.base}{path}")
        self.wait()

    def wait(self) -> None:
        """Until the script has run and the charts are drawn."""
        self.page.wait_for_function(_QUIET)

    def until(self, path_part: str) -> None:
        """Wait until the URL has this in it, and the page is drawn."""
        self.page.wait_for_function("part => location.href.includes(part)", arg=path_part)
        self.wait()

    def cards(self) -> dict[str, str]:
        """The figures of the cards by their labels."""
        cards = self.page.locator("[data-testid=stMetric]").all()
        return {
            each.locator("[data-testid=stMetricLabel]").inner_text().strip(): each.locator(
                "[data-testid=stMetricValue]"
            )
            .inner_text()
            .strip()
            for each in cards
        }

    def chart(self, name: str) -> Locator:
        """A chart by what a screen reader calls it."""
        found = self.page.get_by_label(re.compile(f"^{name}"))
        found.first.wait_for()
        return found.first

    def marks(self, name: str) -> list[dict[str, str]]:
        """What a screen reader says of each mark of a chart, by its names."""
        chart = self.chart(name)
        said = chart.locator("[role=graphics-symbol][aria-label]").evaluate_all(
            "all => all.filter(e => !['axis', 'legend'].includes(e.getAttribute('aria-roledescription')))"
            ".map(e => e.getAttribute('aria-label'))"
        )
        return [dict(part.split(": ", 1) for part in text.split("; ") if ": " in part) for text in said]

    def click_mark(self, name: str, label: str) -> None:
        """Click a mark of a chart of which a screen reader says that."""
        chart = self.chart(name)
        chart.scroll_into_view_if_needed()
        mark = chart.locator(f'[role=graphics-symbol][aria-label*="{label}"]').first
        mark.click(force=True)

    def download(self, name: str) -> list[list[str]]:
        """The rows of a table's download, the heading first."""
        button = self.page.locator(f".st-key-download-{name} button").first
        with self.page.expect_download() as started:
            button.click()
        assert started.value.suggested_filename == f"{name}.csv"
        with Path(started.value.path()).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def expand(self, title: str) -> None:
        """Open what is folded."""
        self.page.get_by_text(title, exact=True).click()
        self.page.wait_for_timeout(300)

    def picture(self, name: str) -> None:
        """Keep what is seen, the whole page."""
        size = self.page.viewport_size
        assert size is not None
        height = self.page.locator("[data-testid=stMain]").evaluate("e => e.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": min(max(int(height), size["height"]), 4000)})
        self.page.wait_for_timeout(250)
        self.page.screenshot(path=str(self.screenshots / f"{name}.png"))
        self.page.set_viewport_size(size)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob"} and url.hostname != "127.0.0.1":
            self.left.append(request.url)
