"""Who may read what of the published gold, each logged in as the role that it is; and a database of somebody else's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pyspark.sql import SparkSession

from lib.errors import LakehouseError
from lib.serving.settings import Database
from tests.builders import CONF, Lake
from tests.integration import postgres
from tests.integration.published import admin, ask, give, publish

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two customers of two countries, with a sale each, published."""
    lake = Lake(spark, tmp_path_factory.mktemp("access") / "lake", CONF)
    since = datetime(1900, 1, 1, tzinfo=timezone.utc)
    ann = {
        "customer_id": "K1",
        "full_name": "Ann Mary  Bee",
        "email": "ann@x.org",
        "phone": "+4912",
        "postcode": "80331",
        "source_ids": ["pos:C1"],
    }
    give(
        lake, "customer_360",
        {**ann, "country": "Germany", "birth_date": date(1980, 5, 17), "location_id": "DE/MUC"},
        {"customer_id": "K2", "full_name": "", "country": "France", "location_id": "FR/LYS"},
    )  # fmt: skip
    give(
        lake,
        "dim_locations",
        {"location_id": "DE/MUC", "country": "Germany", "city": "Munich"},
        {"location_id": "FR/LYS"},
    )
    known = {"customer_id": "K1", "valid_from": since, "name_source": "crm:P1"}
    give(lake, "dim_customers", known, {"customer_id": "K2", "valid_from": since})
    give(
        lake, "dim_territories", {"territory_id": "t", "country": "Germany"}, {"territory_id": "u", "country": "France"}
    )
    give(lake, "dim_date", {"date": date(2020, 1, 1)})
    give(lake, "kpi_daily", {"date": date(2020, 1, 1), "total_sales": Decimal(12)})
    line = {"source": "web", "order_line": 1, "order_date": date(2020, 1, 1), "source_customer_id": "11000"}
    give(
        lake, "fact_sales",
        {**line, "order_id": "A", "customer_id": "K1", "territory_id": "t", "total_value": Decimal(7)},
        {**line, "order_id": "B", "customer_id": "K2", "territory_id": "u", "total_value": Decimal(5)},
    )  # fmt: skip
    outcome = publish(lake)
    assert outcome.status == 0, outcome.text
    return lake


def refused(lake: Lake, query: str, role: str) -> bool:
    try:
        ask(lake, query, role=role)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_a_reader_sees_customers_and_no_personal_data(shop: Lake) -> None:
    columns = "full_name, email, phone, postcode, birth_date, source_ids, country"
    assert ask(shop, f"SELECT {columns} FROM gold.customer_360 ORDER BY customer_id") == [
        ("A. M. B.", None, None, None, date(1980, 1, 1), None, "Germany"),
        (None, None, None, None, None, None, "France"),
    ]
    [(schema,)] = ask(shop, "SELECT serving.live()")
    assert schema == "gold_0001"
    assert ask(shop, f"SELECT email FROM {schema}.customer_360 WHERE email IS NOT NULL") == []


def test_a_token_stands_for_the_same_value_everywhere_and_tells_nothing_of_it(shop: Lake) -> None:
    both = "gold.customer_360 JOIN gold.dim_locations USING (location_id)"
    assert ask(shop, f"SELECT customer_id, dim_locations.city FROM {both} ORDER BY 1") == [
        ("K1", "Munich"),
        ("K2", None),
    ]
    [(one,), (other,)] = ask(shop, "SELECT source_customer_id FROM gold.fact_sales")
    assert one == other
    assert len(one) == 32
    assert "11000" not in one


def test_where_a_value_is_from_is_told_by_its_system(shop: Lake) -> None:
    assert ask(shop, "SELECT name_source FROM gold.dim_customers WHERE customer_id = 'K1'") == [("crm",)]
    whole = "SELECT name_source FROM gold_pii.dim_customers WHERE customer_id = 'K1'"
    assert ask(shop, whole, role="gold_reader_pii") == [("crm:P1",)]


def test_a_reader_of_personal_data_sees_all_of_it(shop: Lake) -> None:
    role = "gold_reader_pii"
    query = "SELECT full_name, email, birth_date FROM {}.customer_360 WHERE customer_id = 'K1'"
    whole = [("Ann Mary  Bee", "ann@x.org", date(1980, 5, 17))]
    [(schema,)] = ask(shop, "SELECT serving.live()", role=role)
    assert schema == "gold_pii_0001"
    assert ask(shop, query.format(schema), role=role) == ask(shop, query.format("gold_pii"), role=role) == whole
    assert ask(shop, query.format("gold"), role=role) == [("A. M. B.", None, date(1980, 1, 1))]


def test_a_regional_reader_sees_the_countries_that_are_theirs(shop: Lake) -> None:
    role = "gold_reader_regional"
    seen = "SELECT (SELECT count(*) FROM gold.customer_360), (SELECT count(*) FROM gold.kpi_daily)"
    assert ask(shop, seen, role=role) == [(0, 0)], "none was given to them yet"
    admin(shop, f"INSERT INTO serving.countries VALUES ('{role}', 'Germany')")
    try:
        assert ask(shop, "SELECT customer_id FROM gold.customer_360", role=role) == [("K1",)]
        assert ask(shop, "SELECT order_id FROM gold_0001.fact_sales", role=role) == [("A",)], "by its territory"
        assert ask(shop, "SELECT customer_id FROM gold.dim_customers", role=role) == [("K1",)], "by customer_360"
        assert ask(shop, "SELECT total_sales FROM gold.kpi_daily", role=role) == [], "what all countries make together"
        assert ask(shop, "SELECT date FROM gold.dim_date", role=role) == [(date(2020, 1, 1),)], "what is of no country"
        category = "SELECT country, total_sales FROM gold.sales_by_region_and_category"
        assert ask(shop, category, role=role) == [("Germany", Decimal(7))], "within a query as well"
        assert ask(shop, "SELECT count(*) FROM gold.fact_sales") == [(2,)], "others see what they saw"
    finally:
        admin(shop, f"DELETE FROM serving.countries WHERE role_name = '{role}'")


@pytest.mark.parametrize("role", ["gold_reader", "gold_reader_regional"])
def test_a_reader_may_not_look_behind_a_view_or_change_anything(shop: Lake, role: str) -> None:
    [(load,)] = admin(shop, "SELECT max(load_id) FROM serving.loads WHERE table_name = 'customer_360'")
    forbidden = [
        f"SELECT email FROM gold_data.customer_360_{load}",
        "SELECT email FROM gold_pii.customer_360",
        "SELECT full_name FROM gold_pii_0001.customer_360",
        "SELECT key FROM serving.token_key",
        "UPDATE gold.customer_360 SET country = 'Germany'",
        "DELETE FROM serving.publications",
        "INSERT INTO serving.countries VALUES ('gold_reader_regional', 'France')",
        "CREATE TABLE public.mine (x int)",
        "ALTER SCHEMA gold RENAME TO mine",
        "SET ROLE lakehouse_publisher",
        "SET ROLE gold_reader_pii",
    ]
    assert [query for query in forbidden if not refused(shop, query, role)] == []


def test_a_publisher_may_publish_and_nothing_else(shop: Lake) -> None:
    forbidden = [
        "CREATE ROLE mine",
        "GRANT gold_reader_pii TO gold_reader",
        "INSERT INTO serving.countries VALUES ('gold_reader_regional', 'France')",
        "DROP SCHEMA serving CASCADE",
        "UPDATE serving.token_key SET key = 'known'",
        "SET ROLE postgres",
    ]
    assert [query for query in forbidden if not refused(shop, query, "lakehouse_publisher")] == []


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as found:
        yield found


def elsewhere(lake: Lake, database: postgres.Database, **credentials: str) -> Lake:
    """The same lake, served from a database of a server that asks for passwords."""
    url = database.url.removeprefix("jdbc:")
    settings = lake.settings(database=Database.model_validate({"url": url, **credentials}))
    changed = Lake(lake.spark, lake.root, lake.conf)
    changed.settings = lambda **changes: replace(settings, **changes)  # type: ignore[method-assign]
    return changed


def test_another_database_is_published_to_by_one_login_and_read_by_another(
    shop: Lake, server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = server.database()
    monkeypatch.setenv("NIGHTLY_PASSWORD", postgres.PASSWORD)
    (tmp_path / "password").write_text(f"{postgres.PASSWORD}\n")
    database.sql(
        f"CREATE ROLE nightly LOGIN CREATEROLE PASSWORD '{postgres.PASSWORD}'",
        f"GRANT CREATE ON DATABASE {database.name} TO nightly WITH GRANT OPTION",
        "ALTER SCHEMA public OWNER TO nightly",
    )
    lake = elsewhere(
        shop.copy(tmp_path / "lake"), database,
        user="nightly", password="${env:NIGHTLY_PASSWORD}",
        reader="analyst", reader_password=f"${{file:{tmp_path / 'password'}}}",
    )  # fmt: skip
    outcome = publish(lake)
    assert outcome.status == 0, outcome.text
    assert "is live in 127.0.0.1" in outcome.text
    with pytest.raises(LakehouseError, match=r"cannot be connected to: .*analyst"):
        ask(lake, "SELECT 1")
    database.sql(f"CREATE ROLE analyst LOGIN PASSWORD '{postgres.PASSWORD}'")
    with pytest.raises(LakehouseError, match="cannot be read as gold_reader: permission denied"):
        ask(lake, "SELECT 1")
    database.sql("GRANT gold_reader TO analyst")
    assert ask(lake, "SELECT full_name, email FROM gold.customer_360 WHERE customer_id = 'K1'") == [("A. M. B.", None)]
    with pytest.raises(LakehouseError, match="cannot be read as gold_reader_pii: permission denied"):
        ask(lake, "SELECT 1", role="gold_reader_pii")
    logs = [path.read_text() for path in (lake.root / "logs").glob("*")]
    assert not [text for text in (outcome.text, *logs) if postgres.PASSWORD in text]


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ({"user": "reader", "password": "${env:NOT_THERE}"}, "the environment variable NOT_THERE is not set"),
        ({"user": "reader", "password": "${env:WRONG}"}, "password authentication failed"),
        ({"user": "reader", "password": "${env:RIGHT}"}, "has to be applied by one who may create roles"),
    ],
    ids=["a variable that is not set", "a wrong password", "a user who may not"],
)
def test_a_database_that_cannot_be_published_to_is_told_without_the_password(
    shop: Lake, server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    credentials: dict[str, str], said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("WRONG", "wrong-swordfish")
    monkeypatch.setenv("RIGHT", postgres.PASSWORD)
    outcome = publish(elsewhere(shop.copy(tmp_path / "lake"), server.database(), **credentials))
    assert outcome.status == 1
    assert said in outcome.text
    assert "swordfish" not in outcome.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@here/db", "has a password in it"),
        ("postgresql://here/db?password=secret", "has a password in it"),
        ("mysql://here/db", "is neither embedded, none, the URL"),
    ],
)
def test_a_url_is_refused_before_anything_is_run(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Database.model_validate({"url": url})
    assert said in str(caught.value)
