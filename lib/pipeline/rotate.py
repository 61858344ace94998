"""Rotation: tables that have values under another key than the current one, or in clear text, are written anew.

Each table is one commit and is looked at again by the next rotation, so that a run which dies leaves the rest to that.
"""

from collections.abc import Callable, Iterable

from pyspark.sql import functions as F

from lib import ops
from lib.errors import ConfigError
from lib.formats import remember_keys
from lib.maintenance import Effect, in_words
from lib.ops import Action, Step
from lib.pipeline.context import Run
from lib.pipeline.maintain import LOGS, PROCESSED, names, pin
from lib.pipeline.older import forget_versions

ROTATED = "encrypted"
LAYER = "encryption"


def rotate(*, at_once: bool = False) -> Callable[[Run], None]:
    """Writes the tables anew that are not encrypted as the environment says, and says what older versions still have.

    With `at_once` these go, and with them all that the tables were before; else maintenance's vacuum takes them.

    Raises:
        ConfigError: if the environment says nothing of encryption.
    """

    def work(run: Run) -> None:
        if run.settings.encryption is None:
            raise ConfigError(
                f"lakehouse.yml: environments.{run.settings.environment}.encryption: is not given: there is no key to "
                "encrypt with (to have tables in clear text again give the keys, and no `current`)"
            )
        known = [name for name in names(run.settings) if name not in (PROCESSED, LOGS)]
        there = [name for name in known if run.tables.snapshot(name) is not None]
        run.each(there, lambda name: _rotated(run, name), layer=LAYER)
        pin(run)
        if run.failures:
            return
        remember_keys(run.tables)
        older = _older_files(run, there)
        if older and at_once:
            forget_versions(run, older, {"lakehouse.encrypted_by": str(run.run_id)}, purge=False, layer=LAYER)
            older = _older_files(run, there)
        _tell(run, older)

    return work


def _rotated(run: Run, name: str) -> None:
    layer, _, table = name.partition(".")
    if run.tables.is_as_wanted(name):
        run.done(Step(layer, table, run.run_id, "unchanged", run.started_at))
        return
    started = run.begin(layer, table)
    current = run.tables.vault.current
    why = f"under the key '{current}'" if current is not None else "in clear text: no key is the current one"
    if current is not None and run.tables.form(name).is_plain:
        why += ", was in clear text"
    # on record before it is done: what is older than this may have what it had
    action = Action(layer, table, ROTATED, why, started, 0.0, Effect())
    run.tables.append(ops.MAINTENANCE, ops.action_rows(run.tables.spark, [action], run_id=run.run_id))
    run.tables.seal_anew(name)
    run.reporter.action(action)


def _older_files(run: Run, there: Iterable[str]) -> dict[str, int]:
    """By table, the data files from before it was last written anew that no newer version needs."""
    if run.tables.snapshot(ops.MAINTENANCE) is None:
        return {}
    done = run.tables.read(ops.MAINTENANCE).filter(F.col("action") == ROTATED)
    last = done.groupBy(F.concat_ws(".", "layer", "table_name").alias("name")).agg(F.unix_micros(F.max("started_at")))
    since: dict[str, int] = dict(map(tuple, last.collect()))
    counted = {name: run.tables.files_before(name, since[name]) for name in there if name in since}
    return {name: n_files for name, n_files in counted.items() if n_files}


def _tell(run: Run, older: dict[str, int]) -> None:
    after = run.settings.maintenance.vacuum_after
    others = sorted(run.tables.vault.keys.keys() - {run.tables.vault.current})
    if older:
        keep = f"; keep {', '.join(others)} until then" if others else ""
        run.warn(
            f"{sum(older.values()):,} files of older versions of {len(older)} tables have values as they were: "
            f"`make maintain` deletes them {f'after {in_words(after)}' if after else 'once vacuum_after is set'}, "
            f"`make rotate ARGS=--at-once` now, with all that Delta's logs say of them{keep}"
        )
    elif others:
        run.reporter.note(f"no table that the configuration knows has a value under {', '.join(others)}: that may go")
