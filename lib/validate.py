"""Everything about the configuration that can be known before data is read."""

from pyspark.sql import SparkSession
from rich.console import Console

from lib.config import Settings
from lib.drift import contract_lines, unknown_fields
from lib.errors import ConfigError
from lib.pipeline.build import input_mistakes
from lib.quality import compile_mistakes
from lib.session import build_session
from lib.tables import Tables
from lib.terminal import open_console
from lib.vault import tables_of

_compiled: set[str] = set()
"""Contracts that compiled, as JSON: a notebook, or a test, runs again and again under the same ones in one process."""


def check(spark: SparkSession, settings: Settings) -> None:
    """Compile every expression of every contract, and the wiring of gold.

    Raises:
        ConfigError: with a line for each mistake.
    """
    new = {text: each for each in settings.contracts.values() if (text := each.model_dump_json()) not in _compiled}
    found = {text: compile_mistakes(spark, contract) for text, contract in new.items()}
    _compiled.update(text for text, lines in found.items() if not lines)
    mistakes = [line for lines in found.values() for line in lines] + input_mistakes(settings)
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def validate(settings: Settings, *, drift: bool = False, console: Console | None = None) -> int:
    """Check a configuration that was read, and say that it is good.

    With `drift`, also print the contract lines for the fields that have landed in the lake and that no contract knows.
    """
    spark, console = build_session("validate", settings.storage.of_hadoop()), console or open_console()
    check(spark, settings)
    console.print(f"{len(settings.contracts)} contracts and the graph of gold are valid")
    if drift:
        _print_drift(tables_of(spark, settings, masks=True), settings, console)
    return 0


def _print_drift(tables: Tables, settings: Settings, console: Console) -> None:
    found = 0
    for name, contract in settings.contracts.items():
        if tables.snapshot(f"bronze.{name}") is None:
            continue
        fields = [tuple(row) for row in unknown_fields(tables.read(f"bronze.{name}"), contract).collect()]
        if fields:
            found += len(fields)
            lines = [
                f"# contracts/{contract.source}/{contract.entity}.yml",
                "columns:",
                *contract_lines(fields),
            ]
            console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{found} fields landed that no contract knows; with these lines the next run has them, for old rows too"
        if found
        else "no field landed that no contract knows"
    )
