"""Publishing: how long a large fact takes, beside Spark's JDBC writer; and readers who go on while it is published.

    make bench ARGS=serving       (ARGS="serving --rows 200000 --readers 10 --publications 3" for less)

The rows are made by Spark as gold's are: keys of gold's kinds, money, days. Both writers write the same table into the
same PostgreSQL, a server of its own on a port of this machine; ours with the keys, indexes, rights and checks that a
publication has, the JDBC writer's is the bare table. Each reader resolves the live publication, then sends three
statements, and again; a publication has one price in all of its tables, so that two runs in one answer show.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from lib.gold.registry import gold_tables
from lib.serving.database import serving
from lib.serving.settings import Database
from lib.session import build_session
from tests.benchmarks.measure import HOME
from tests.builders import Lake
from tests.integration import postgres

CUSTOMERS, PRODUCTS, STORES, DAYS = 50_000, 300, 20, 1_000


def main(argv: Sequence[str]) -> None:
    """Make gold, publish, write the fact by JDBC, publish while many read; print."""
    parser = argparse.ArgumentParser(
        prog="serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of fact_sales")
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--publications", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3, help="of the two writers, in turn")
    wanted = parser.parse_args(argv)
    spark = build_session("benchmark")
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        lake = served_from(Lake(spark, Path(folder) / "lake", HOME / "conf"), server.database())
        give_dimensions(lake)
        ours, jdbc = [], []
        for price in range(wanted.repeat):
            give_sales(lake, wanted.rows, price)
            ours.append(published(lake))
            jdbc.append(written_by_jdbc(lake, server.database()))
        print(f"| {wanted.rows:,} rows of fact_sales | seconds (median of {wanted.repeat}) |\n| --- | --- |")
        print(f"| published: with key, indexes, sums compared, rollups | {median(ours):.1f} |")
        print(f"| Spark's JDBC writer: the bare table | {median(jdbc):.1f} |\n")
        small = max(wanted.rows // 10, 1)
        print(f"{wanted.readers} readers through {wanted.publications} publications of {small:,} rows:")
        print(through_publications(lake, small, wanted.readers, wanted.publications))
    spark.stop()


def served_from(lake: Lake, database: postgres.Database) -> Lake:
    """The lake with a database that it is published to by its owner, who needs no password there."""
    url = Database.model_validate({"url": database.url.removeprefix("jdbc:"), "user": "postgres", "reader": "postgres"})
    settings = replace(lake.settings(), database=url)
    lake.settings = lambda **changes: replace(settings, **changes)  # type: ignore[method-assign]
    return lake


def give_dimensions(lake: Lake) -> None:
    """Customers, products, stores, territories and days."""
    since = {"valid_from": "TIMESTAMP '1900-01-01 00:00:00'", "is_current": "true"}
    country, region, gender = "concat('C', id % 6)", "concat('R', id)", "if(id % 2 = 0, 'F', 'M')"
    person = {"full_name": "concat('Ann Bee ', id)", "gender": gender, "rfm_segment": "concat('S', id % 8)"}
    customer = {"customer_id": "concat('K', id)"}
    give(lake, "dim_customers", CUSTOMERS, {**customer, **since})
    give(lake, "customer_360", CUSTOMERS, {**customer, **person, "country": country})
    give(lake, "dim_products", PRODUCTS, {"product_id": "concat('p', id)", **since})
    give(lake, "dim_territories", 10, {"territory_id": "concat('t', id)", "region": region, "country": country})
    give(lake, "dim_stores", STORES, {"store_id": "concat('s', id)", "territory_id": "concat('t', id % 10)"})
    give(lake, "dim_date", DAYS, {"date": "date_add(DATE '2020-01-01', CAST(id AS INT))"})


def give_sales(lake: Lake, rows: int, price: int) -> None:
    """Lines of sales, two to an order, each of which costs the price; and a day's figures that say it too."""
    day = f"date_add(DATE '2020-01-01', CAST(id * {DAYS} DIV {rows} AS INT))"
    some = "(hash(id DIV {}) & 2147483647) % {}"
    columns = {
        "order_id": "concat('T', lpad(id DIV 2, 10, '0'))", "order_line": "id % 2", "order_lines": "2",
        "customer_id": f"concat('K', {some.format(2, CUSTOMERS)})", "source": "'pos'", "source_customer_id": "id",
        "product_id": f"concat('p', {some.format(1, PRODUCTS)})", "store_id": f"concat('s', id % {STORES})",
        "territory_id": "concat('t', id % 10)", "channel": "if(id % 2 = 0, 'web', 'store')", "quantity": "1",
        "unit_price": f"{price}", "total_value": f"{price}", "total_cost": "1", "discount": "0",
        "order_date": day, "order_month": f"date_format({day}, 'yyyy-MM')",
    }  # fmt: skip
    give(lake, "fact_sales", rows, columns)
    give(lake, "kpi_daily", 1, {"date": "DATE '2020-01-01'", "total_sales": f"{price}"})


def give(lake: Lake, table: str, rows: int, columns: dict[str, str]) -> None:
    """A table of gold of `id` from 0 to `rows`: SQL for some of its columns, NULL in the others."""
    types = {name: column.type for name, column in gold_tables()[table].definitions.items()}
    cast = [f"CAST({columns.get(name, 'NULL')} AS {of}) AS {name}" for name, of in types.items()]
    frame = lake.spark.range(rows).selectExpr(*cast)
    frame.write.format("delta").mode("overwrite").save(str(lake.root / "gold" / table))


def published(lake: Lake) -> float:
    """Seconds of a publication, from a session that is there to its being live."""
    started = time.monotonic()
    outcome = lake.run(layers=["served"])
    seconds = time.monotonic() - started
    if outcome.status:
        raise SystemExit(outcome.text)
    return seconds


def written_by_jdbc(lake: Lake, database: postgres.Database) -> float:
    """Seconds of Spark's own writer."""
    started = time.monotonic()
    options = {"url": f"{database.url}?user=postgres", "dbtable": "fact_sales", "driver": "org.postgresql.Driver"}
    options |= {"batchsize": "10000", "reWriteBatchedInserts": "true"}
    lake.read("gold.fact_sales").write.format("jdbc").options(**options).mode("overwrite").save()
    return time.monotonic() - started


def through_publications(lake: Lake, rows: int, readers: int, publications: int) -> str:
    """What the readers saw."""
    stop, faults, seconds = threading.Event(), list[str](), list[float]()
    give_sales(lake, rows, 1)
    published(lake)

    def read() -> None:
        try:
            with serving(lake.settings()) as server, server.reader() as connection:
                while not stop.is_set():
                    began = time.monotonic()
                    [(schema,)] = connection.execute("SELECT serving.live()").fetchall()
                    asked = [
                        f"SELECT max(total_value) FROM {schema}.fact_sales WHERE order_date = '2020-02-01'",
                        f"SELECT min(total_value) FROM {schema}.fact_sales WHERE customer_id = 'K7'",
                        f"SELECT total_sales FROM {schema}.kpi_daily",
                    ]
                    said = {connection.execute(query).fetchall()[0][0] for query in asked}
                    seconds.append(time.monotonic() - began)
                    if len(said - {None}) > 1:
                        faults.append(f"{said} in {schema}")
        except Exception as error:
            faults.append(repr(error))

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for price in range(2, publications + 2):
        give_sales(lake, rows, price)
        published(lake)
    stop.set()
    for thread in threads:
        thread.join()
    p95 = sorted(seconds)[int(len(seconds) * 0.95)]
    return (
        f"{len(seconds):,} times three statements, median {median(seconds) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, "
        f"{len(faults)} errors or mixed answers{': ' + faults[0] if faults else ''}"
    )
