"""Landed files as rows of bronze."""

from collections import defaultdict
from functools import reduce

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

from lib import bronze, landing
from lib.contract import Contract
from lib.landing import Inspection, LandedFile, Layout
from lib.pipeline.context import Run


def read_files(run: Run, contract: Contract, inspections: list[Inspection]) -> DataFrame | None:
    """The rows of the files that may be loaded, read in groups of one layout; None where there is no such file."""
    groups: dict[tuple[tuple[str, ...], Layout], list[LandedFile]] = defaultdict(list)
    for each in inspections:
        if each.verdict == "ok":
            groups[each.header, each.layout].append(each.file)
    frames = [_read(run, contract, files, header, layout) for (header, layout), files in groups.items()]
    return reduce(DataFrame.unionByName, frames) if frames else None


def _read(run: Run, contract: Contract, files: list[LandedFile], header: tuple[str, ...], layout: Layout) -> DataFrame:
    spark, folder = run.tables.spark, run.settings.landing
    if contract.format == "json" and layout == "lines":
        try:
            schema = bronze.json_schema(landing.infer_json(spark, folder, files), contract)
            return bronze.of_objects(landing.read_json(spark, folder, files, schema), schema, contract)
        except AnalysisException:
            # names that Spark's own reader cannot hold apart: they differ in case only, or are those of its own columns
            layout = "loose"
    lines = landing.read_lines(spark, folder, files, contract, layout=layout)
    return bronze.of_lines(lines, contract, header=header, is_array=layout == "array")
