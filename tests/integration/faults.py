"""The durable effects of a run, seen from outside: told one by one, and cut off where a death would cut them off."""

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib import landing
from lib.tables import Tables

_WRITES = ("append", "upsert", "write_diff", "overwrite", "set_properties", "delete")


def on_effects(patch: pytest.MonkeyPatch, before: Callable[[str], None], after: Callable[[str, str], None]) -> None:
    """Call `before(label)` and `after(label, table)` around each durable effect of what runs from now on.

    A write that another write makes belongs to the outer one. Labels: `claim`, `settle`, `bronze pos_sales`,
    `quarantine pos_sales`, `silver pos_sales`, `progress of pos_sales`, `gold fact_sales`, `record of fact_sales`,
    `ledger: steps`, `move`; one that occurs again has its number behind it.
    """
    outer, seen = threading.local(), Counter[str]()

    def wrapped(original: Callable[..., Any], label_of: Callable[..., tuple[str, str]]) -> Callable[..., Any]:
        def effect(*args: Any, **options: Any) -> Any:
            if getattr(outer, "is_busy", False):
                return original(*args, **options)
            label, table = label_of(*args)
            seen[label] += 1
            label = label if seen[label] == 1 else f"{label} {seen[label]}"
            before(label)
            outer.is_busy = True
            try:
                result = original(*args, **options)
            finally:
                outer.is_busy = False
            after(label, table)
            return result

        return effect

    for method in _WRITES:
        original = getattr(Tables, method)
        patch.setattr(Tables, method, wrapped(original, lambda _, name, *__, m=method: (_label(m, name, seen), name)))
    patch.setattr(landing, "archive", wrapped(landing.archive, lambda *_, **__: ("move", "")))


def cut_off(root: Path, table: str) -> None:
    """Take a table's last commit away and leave its data files: what a death between the two leaves."""
    log = root.joinpath(*table.split(".")) / "_delta_log"
    last = max(log.glob("*.json"))
    for part in (last, last.with_suffix(".crc"), log / f".{last.name}.crc", log / f".{last.stem}.crc.crc"):
        part.unlink(missing_ok=True)
    if not list(log.glob("*.json")):
        shutil.rmtree(log)


def _label(method: str, name: str, seen: Counter[str]) -> str:
    layer, _, table = name.partition(".")
    if name == "ops.files":
        return "settle" if seen["claim"] else "claim"
    if layer == "ops":
        return f"ledger: {table}"
    if method == "set_properties":
        return f"record of {table}" if layer == "gold" else f"progress of {table}"
    if table.endswith("_quarantine"):
        return f"quarantine {table.removesuffix('_quarantine')}"
    if table.endswith("_history"):
        return f"history {table.removesuffix('_history')}"
    return f"{layer} {table}"
