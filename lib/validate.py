"""Everything about the configuration that can be known before data is read."""

from pyspark.sql import SparkSession
from rich.console import Console

from lib.config import Settings
from lib.errors import ConfigError
from lib.pipeline.build import input_mistakes
from lib.quality import compile_mistakes
from lib.session import build_session
from lib.terminal import open_console


def check(spark: SparkSession, settings: Settings) -> None:
    """Compile every expression of every contract, and the wiring of gold.

    Raises:
        ConfigError: with a line for each mistake.
    """
    mistakes = [line for contract in settings.contracts.values() for line in compile_mistakes(spark, contract)]
    mistakes += input_mistakes(settings)
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def validate(settings: Settings, *, console: Console | None = None) -> int:
    """Check a configuration that was read, and say that it is good."""
    check(build_session("validate"), settings)
    (console or open_console()).print(f"{len(settings.contracts)} contracts and the graph of gold are valid")
    return 0
