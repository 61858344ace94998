"""The generated landing files of a lake, of the size that the configuration or the user says."""

from datetime import date

from rich.console import Console

from lib.config import Settings
from lib.generate.adventureworks import generate
from lib.terminal import open_console


def generate_landing(
    settings: Settings,
    *,
    customers: int | None = None,
    start: date | None = None,
    end: date | None = None,
    seed: int | None = None,
    console: Console | None = None,
) -> int:
    """Write the files into the lake's landing folder and say so; what is not given is as `demo` in lakehouse.yml."""
    demo = settings.demo
    folder = settings.landing / "adventureworks"
    files = generate(
        folder,
        customers=demo.customers if customers is None else customers,
        start=start or demo.start,
        end=end or demo.end,
        seed=demo.seed if seed is None else seed,
    )
    size = sum(file.stat().st_size for file in files) / 1_000_000
    said = f"generated {len(files)} files, {size:,.1f} MB, in {folder}"
    (console or open_console()).print(said, highlight=False, soft_wrap=True)
    return 0
