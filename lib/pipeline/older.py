"""Older versions of tables, where what they have must not be there any longer."""

from collections.abc import Iterable, Mapping

from lib.pipeline.context import Run
from lib.pipeline.maintain import pin


def forget_versions(run: Run, tables: Iterable[str], said: Mapping[str, str], *, purge: bool, layer: str) -> None:
    """Have tables keep no file, and no log, but for their newest versions; `said` are properties that say why.

    What gold was made from is pinned to these versions before the logs lose older ones. `purge` writes the files anew
    that have rows marked as gone.
    """

    def rewrite(name: str) -> None:
        if purge:
            run.tables.purge(name)
        run.tables.vacuum_now(name)
        # a commit that says nothing of any file: the log begins with it
        run.tables.set_properties(name, said)

    with run.tables.vacuuming_now():
        done = run.each(tables, rewrite, layer=layer)
    pin(run)
    run.each(done, run.tables.cut_log, layer=layer)
