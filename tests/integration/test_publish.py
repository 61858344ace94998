"""Gold in the database that it is served from: as it is, all of one run, whatever happens on the way."""

import signal
import sys
import threading
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.gold.registry import gold_tables
from lib.pipeline import publish as publishing
from lib.serving import load as loading
from lib.serving import publications
from lib.serving.database import serving
from lib.serving.rollups import rollups
from tests.builders import CONF, Lake
from tests.integration import processes
from tests.integration.published import admin, ask, give, publish

pytestmark = pytest.mark.integration

ODD = "tab\there, line\nthere, \\N and \\ and \"quotes\", 'more', a\rreturn, NUL\x00"
"""A text with all that means something to COPY."""


@pytest.fixture(scope="module")
def gold(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two customers of two countries with a sale each, of 10 and 5."""
    lake = Lake(spark, tmp_path_factory.mktemp("gold") / "lake", CONF)
    give(
        lake, "dim_territories",
        {"territory_id": "web:1", "region": "Bavaria", "country": "Germany"},
        {"territory_id": "web:2", "region": "France", "country": "France"},
    )  # fmt: skip
    since = datetime(1900, 1, 1, tzinfo=timezone.utc)
    give(
        lake, "dim_customers",
        {"customer_id": "K1", "full_name": "Ann Bee", "email": "ann@x.org", "valid_from": since},
        {"customer_id": "K2", "full_name": "Cy", "birth_date": date(1980, 5, 17), "valid_from": since},
    )  # fmt: skip
    give(
        lake, "customer_360",
        {"customer_id": "K1", "country": "Germany", "total_spend": Decimal(10)},
        {"customer_id": "K2", "country": "France"},
    )  # fmt: skip
    give(lake, "dim_date", {"date": date(2020, 1, 1)})
    give_sales(lake, "10.0000")
    return lake


def give_sales(lake: Lake, price: str) -> None:
    keys = {"source": "web", "order_line": 1, "order_date": date(2020, 1, 1), "order_month": "2020-01"}
    give(
        lake, "fact_sales",
        {**keys, "order_id": "A", "customer_id": "K1", "territory_id": "web:1", "total_value": Decimal(price)},
        {**keys, "order_id": "B", "customer_id": "K2", "territory_id": "web:2", "total_value": Decimal(5)},
    )  # fmt: skip


def total(lake: Lake, schema: str = "gold") -> Decimal:
    [(value,)] = ask(lake, f"SELECT sum(total_value) FROM {schema}.fact_sales")
    return Decimal(value)


@pytest.fixture
def published(gold: Lake, tmp_path: Path) -> Lake:
    lake = gold.copy(tmp_path / "lake")
    outcome = publish(lake)
    assert outcome.status == 0, outcome.text
    return lake


def test_every_value_arrives_as_it_is(lake: Lake) -> None:
    row = {
        "customer_id": "K1", "source_ids": ["pos:1", 'a "b" \\ c', ODD.replace("\x00", "")], "systems": [],
        "full_name": ODD, "home_region": "", "age": -1, "annual_income": Decimal("1234567890.12"),
        "home_owner": False, "country": "Côte d'Ivoire 東京", "total_orders": 2**40, "mean_satisfaction": 0.1,
        "birth_date": date(1, 2, 3), "total_spend": Decimal("-0.0001"), "as_of": date(9999, 12, 31),
    }  # fmt: skip
    give(lake, "customer_360", row)
    give(lake, "dim_products", {"product_id": "p", "valid_from": datetime(1900, 1, 1, 1, 2, 3, 456789, timezone.utc)})
    outcome = publish(lake)
    assert outcome.status == 0, outcome.text
    [found] = ask(lake, "SELECT * FROM gold_pii.customer_360", role="gold_reader_pii")
    names = [name for (name,) in admin(lake, "SELECT attname FROM pg_attribute WHERE attrelid = "
                                             "'gold_pii.customer_360'::regclass ORDER BY attnum")]  # fmt: skip
    expected = {**row, "full_name": ODD.replace("\x00", "�")}
    assert {name: value for name, value in zip(names, found, strict=True) if value is not None} == expected
    assert ask(lake, "SELECT valid_from AT TIME ZONE 'UTC' FROM gold.dim_products") == [
        (datetime(1900, 1, 1, 1, 2, 3, 456789),)
    ]


def test_the_tables_tell_what_they_are_and_a_night_loads_what_changed(published: Lake) -> None:
    place = "obj_description('gold.fact_sales'::regclass), col_description('gold.fact_sales'::regclass, 1)"
    [(table, column)] = ask(published, f"SELECT {place}")
    assert "One row per" in table
    assert column
    keys = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text ~ 'fact_sales' AND {}"
    [(key,)] = admin(published, keys.format("indisprimary"))
    assert key.endswith("(source, order_id, order_line)")
    indexes = {each.partition("USING ")[2] for (each,) in admin(published, keys.format("NOT indisprimary"))}
    assert {"btree (customer_id)", "btree (order_date)", "btree (territory_id, order_date)"} <= indexes

    loads = "SELECT table_name, load_id FROM serving.loads ORDER BY 1, 2"
    before = admin(published, loads)
    outcome = publish(published)
    known = len(gold_tables()) + len(rollups()) + 1
    assert f"{known} tables, {known} unchanged" in outcome.last_line, "the tables, what is added up, the publication"
    assert admin(published, "SELECT run_id, through_run_id FROM serving.publications") == [(1, 2)]

    [(mine,)] = ask(published, "SELECT serving.live()")
    give_sales(published, "20.0000")
    assert publish(published).status == 0
    assert {table for table, load in admin(published, loads) if (table, load) not in before} == {
        "fact_sales",
        *rollups(),
    }
    assert (total(published, mine), total(published)) == (15, 25), "who resolved a publication goes on in it"


def test_a_rollback_serves_what_was_there_before_until_gold_changes(published: Lake) -> None:
    give_sales(published, "20.0000")
    publish(published)
    outcome = published.run(work=publishing.roll_back)
    assert "rolled back: publication 1 of run 1 instead of 2" in outcome.text
    assert total(published) == 15
    outcome = publish(published)
    assert (outcome.status, total(published)) == (0, 15)
    assert "gold is as it was when publication 2 was rolled back" in outcome.text
    outcome = published.run(work=lambda run: publishing.publish(run, force=True))
    assert (outcome.status, total(published)) == (0, 25)
    assert ask(published, "SELECT publication_id FROM serving.publications WHERE status = 'live'") == [(3,)]


def test_a_publication_that_fails_leaves_the_last_one_serving(published: Lake) -> None:
    good = {"source": "web", "order_line": 1, "order_id": "B", "territory_id": "web:1", "total_value": Decimal(7)}
    for change, said in (
        ({"order_id": None}, 'gold.fact_sales: the database does not take it: column "order_id" of relation'),
        ({"order_id": "A"}, "(source, order_id, order_line)=(web, A, 1) is duplicated"),
        ({"territory_id": "web:9"}, "gold.fact_sales: territory_id: dim_territories does not have web:9"),
    ):
        give(published, "fact_sales", {**good, "order_id": "A"}, {**good, **change})
        outcome = publish(published)
        assert outcome.status == 1
        assert said in outcome.text
        assert total(published) == 15
    give_sales(published, "20.0000")
    assert (publish(published).status, total(published)) == (0, 25)


def test_gold_that_was_not_built_is_not_published(published: Lake) -> None:
    give_sales(published, "20.0000")

    def work(run: Any) -> None:
        run.fail("fact_sales", "gold.fact_sales: not built")
        publishing.publish(run)

    outcome = published.run(work=work)
    assert "gold is not published, for fact_sales failed" in outcome.text
    assert (outcome.status, total(published)) == (1, 15)


def test_a_run_of_some_tables_alone_publishes_nothing(published: Lake) -> None:
    give_sales(published, "20.0000")
    outcome = publish(published, only=["dim_date"])
    assert (outcome.status, total(published)) == (0, 15)
    assert (
        "gold is not published, for the run left out customer_360, customer_features, customer_metrics …"
        in outcome.text
    )


class Death(BaseException):
    """What ends a process, and is no error that anything could catch."""


def dies(patch: pytest.MonkeyPatch, module: Any, function: str, *, after: bool = False) -> None:
    original: Callable[..., Any] = getattr(module, function)

    def dying(*args: Any, **options: Any) -> Any:
        if after:
            original(*args, **options)
        raise Death

    patch.setattr(module, function, dying)


@pytest.mark.slow
def test_wherever_a_publisher_dies_readers_see_one_run_and_the_next_one_repairs(published: Lake) -> None:
    points = (
        (loading, "_copy", False, "old"),
        (publications, "end_load", False, "old"),
        (publications, "prepare", False, "old"),
        (publications, "make_live", False, "old"),
        (publications, "make_live", True, "new"),
        (publications, "_drop_loads", False, "new"),
    )
    for night, (module, function, after, shown) in enumerate(points, 1):
        before, price = total(published), Decimal(10 + night)
        give_sales(published, f"{price}.0000")
        with pytest.MonkeyPatch.context() as patch:
            dies(patch, module, function, after=after)
            with pytest.raises(Death):
                publish(published)
        assert total(published) == {"old": before, "new": price + 5}[shown], function
        outcome = publish(published)
        assert (outcome.status, total(published)) == (0, price + 5), outcome.text
    nights = len(points) + 1
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'gold%' AND nspname <> 'gold_data'"
    loads = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'gold_data'::regnamespace"
    assert admin(published, schemas) == [(4 * nights,)], "none has left a schema, and none is an hour old"
    of_a_night = 1 + len(rollups())
    assert admin(published, loads) == [(len(gold_tables()) - 1 + of_a_night * nights,)], (
        "and no table but the facts of each night, added up"
    )


@pytest.mark.slow
def test_a_publisher_that_is_killed_leaves_a_server_that_the_next_one_uses(published: Lake, tmp_path: Path) -> None:
    give_sales(published, "20.0000")
    script = Path(__file__).with_name("kill_publisher.py")
    done = processes.run(
        sys.executable, script, "--root", published.root, cwd=tmp_path, env=processes.environment(), timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert total(published) == 15
    assert (publish(published).status, total(published)) == (0, 25)


@pytest.mark.slow
def test_publications_that_are_needed_no_more_go_with_their_tables(published: Lake) -> None:
    def keeping(run: Any) -> None:
        rules = run.settings.serving.model_copy(update={"keep": 1, "keep_for": "1m"})
        object.__setattr__(run.settings, "serving", rules)
        publishing.publish(run)

    for price in ("20.0000", "30.0000", "40.0000"):
        give_sales(published, price)
        assert published.run(work=keeping).status == 0
    assert len(ask(published, "SELECT 1 FROM serving.publications")) == 4, "none is a minute old"
    with serving(published.settings()) as server, server.publisher() as connection:
        connection.execute("UPDATE serving.publications SET replaced_at = now() - interval '2 minutes'")
        with server.reader() as reader, reader.transaction():
            reader.execute("SELECT * FROM gold_0001.fact_sales")
            give_sales(published, "50.0000")
            assert published.run(work=keeping).status == 0
    left = "SELECT publication_id FROM serving.publications ORDER BY 1"
    assert ask(published, left) == [(1,), (4,), (5,)], "the first one is being read"
    give_sales(published, "60.0000")
    assert published.run(work=keeping).status == 0
    assert ask(published, left) == [(4,), (5,), (6,)]
    assert len(admin(published, "SELECT 1 FROM serving.loads WHERE table_name = 'fact_sales'")) == 3


@pytest.mark.slow
def test_readers_see_one_run_each_time_through_publications(published: Lake) -> None:
    """Each price doubles what customer_360 says as well: a reader who saw two runs would find two answers."""
    stop, faults, seen = threading.Event(), list[str](), set[Decimal]()

    def read() -> None:
        with serving(published.settings()) as server, server.reader() as connection:
            while not stop.is_set():
                [(schema,)] = connection.execute("SELECT serving.live()").fetchall()
                [(sales,)] = connection.execute(f"SELECT max(total_value) FROM {schema}.fact_sales").fetchall()
                [(spend,)] = connection.execute(f"SELECT max(total_spend) FROM {schema}.customer_360").fetchall()
                [(both,)] = connection.execute("SELECT max(total_value) FROM gold.fact_sales").fetchall()
                seen.update({sales, both})
                if sales != spend:
                    faults.append(f"{sales} and {spend} in {schema}")

    def reading() -> None:
        try:
            read()
        except Exception as error:
            faults.append(repr(error))

    readers = [threading.Thread(target=reading) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for price in (11, 12, 13):
            give(published, "customer_360", {"customer_id": "K1", "total_spend": Decimal(price)}, {"customer_id": "K2"})
            give_sales(published, f"{price}.0000")
            assert publish(published).status == 0
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert seen >= {10, 13}


def test_the_database_knows_how_the_lake_is(lake: Lake) -> None:
    lake.land("Sales_2017.csv", "no such column\r\n1\r\n")
    give(lake, "dim_territories", {"territory_id": "web:1"})
    outcome = lake.run(layers=["bronze", "served"], make_landing=False)
    assert outcome.status == 1, "the file was rejected"
    runs = "SELECT run_id, exit_status, cardinality(failures) FROM operations.runs"
    assert ask(lake, runs) == [(1, 1, 1)]
    fresh = "SELECT newest, error_after FROM operations.freshness WHERE table_name = 'pos_sales'"
    assert len(ask(lake, fresh)) == 1
    assert ask(lake, "SELECT territory_id FROM gold.dim_territories") == [("web:1",)], "the rest of the night is whole"


@pytest.mark.slow
def test_two_publishers_of_one_database_do_not_meet(published: Lake) -> None:
    with serving(published.settings()) as server, server.publisher() as connection:
        publications.migrate(connection, "here")
        with publications.held(connection, "here"):
            give_sales(published, "20.0000")
            outcome = publish(published)
    assert (outcome.status, total(published)) == (1, 15)
    assert "another run publishes there; nothing was changed" in outcome.text
