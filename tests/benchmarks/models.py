"""Models: how long learning and scoring take, for customers who live as BG/NBD says, and leave or slow down.

    make bench ARGS=models       (ARGS="models --customers 20000" for less)

The customers are made by numpy, of their own rates and their own luck; gold's tables are these purchases, a few
contacts and payments. Learning is what `make train` does; scoring is both of gold's tables, from the facts to the
scores written.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lib.gold.marts.customer_features import customer_features
from lib.gold.marts.customer_scores import customer_scores
from lib.gold.registry import gold_tables
from lib.models.tracking import Tracker
from lib.pipeline.train import train
from lib.session import build_session
from tests.benchmarks.measure import HOME
from tests.builders import Lake

START, DAYS = date(2015, 1, 1), 912


def main(argv: Sequence[str]) -> None:
    """Make gold, learn, score; print."""
    parser = argparse.ArgumentParser(
        prog="models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(argv)
    spark = build_session("benchmark")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(spark, Path(folder) / "lake", HOME / "conf")
        rows = give_facts(lake, wanted.customers, wanted.seed)
        started = time.monotonic()
        outcome = lake.run(work=train)
        learning = time.monotonic() - started
        print(outcome.text)
        if outcome.status:
            raise SystemExit(outcome.status)
        seconds = scored(lake)
        print(f"| {wanted.customers:,} customers, {rows:,} sales | seconds |\n| --- | --- |")
        print(f"| both models learnt, tested and on record | {learning:.1f} |")
        print(f"| all customers scored, features and scores written | {seconds:.1f} |")
    spark.stop()


def give_facts(lake: Lake, customers: int, seed: int) -> int:
    """The three tables of facts; gives the number of sales."""
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(1.2, 1 / 60, customers), rng.beta(0.7, 5.0, customers)
    clock, alive = rng.uniform(0, DAYS, customers) ** 0.9, np.ones(customers, dtype=bool)
    who, days = [], []
    while alive.any():
        place = np.flatnonzero(alive)
        who.append(place)
        days.append(clock[place])
        clock[place] += rng.exponential(1 / rate[place])
        alive[place] = (clock[place] < DAYS) & (rng.random(len(place)) >= leaving[place])
    customer, day = np.concatenate(who), np.concatenate(days).astype("int32")
    file = lake.root / "sales.parquet"
    lake.root.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"customer": customer, "day": day, "value": rng.gamma(4, 20, len(day))}), file)
    when = f"date_add(DATE '{START}', day)"
    give(
        lake, "fact_sales", str(file),
        {"customer_id": "concat('K', customer)", "order_id": "concat('o', customer, '-', day)", "order_line": "1",
         "order_lines": "1", "source": "'pos'", "product_id": "concat('p', (customer + day) % 300)", "quantity": "1",
         "channel": "if(customer % 3 = 0, 'web', 'store')", "unit_price": "value", "total_value": "value",
         "order_date": when, "order_month": f"date_format({when}, 'yyyy-MM')"},
    )  # fmt: skip
    contact = "customer % 5 = 0 AND day % 7 = 0"
    give(
        lake, "fact_interactions", str(file),
        {"customer_id": "concat('K', customer)", "interaction_id": "concat(customer, '-', day)",
         "interaction_date": when, "type": "if(day % 3 = 0, 'complaint', 'question')",
         "satisfaction": "day % 5 + 1"}, contact,
    )  # fmt: skip
    give(
        lake, "fact_payments", str(file),
        {"customer_id": "concat('K', customer)", "payment_id": "concat(customer, '-', day)", "payment_date": when,
         "type": "'payment'", "status": "if(day % 11 = 0, 'failed', 'settled')"}, contact,
    )  # fmt: skip
    return len(day)


def give(lake: Lake, table: str, file: str, columns: dict[str, str], where: str = "true") -> None:
    """A table of gold of the rows of a file: SQL for some of its columns, NULL in the others."""
    types = {name: column.type for name, column in gold_tables()[table].definitions.items()}
    cast = [f"CAST({columns.get(name, 'NULL')} AS {of}) AS {name}" for name, of in types.items()]
    frame = lake.spark.read.parquet(file).where(where).selectExpr(*cast)
    frame.write.format("delta").mode("overwrite").save(str(lake.root / "gold" / table))


def scored(lake: Lake) -> float:
    """Seconds from the registry and the facts to the scores, written."""
    started = time.monotonic()
    champions = Tracker(lake.settings().tracking, lake.root / "models").champions()
    facts = [lake.read(f"gold.fact_{name}") for name in ("interactions", "payments", "sales")]
    as_of = START + timedelta(days=DAYS - 1)
    for name, rows in (
        ("customer_features", lambda: customer_features(*facts, as_of, champions)),
        ("customer_scores", lambda: customer_scores(lake.read("gold.customer_features"), as_of, champions, 3)),
    ):
        rows().write.format("delta").save(str(lake.root / "gold" / name))
    return time.monotonic() - started
