"""The dashboard in a real browser: what it shows is what SQL says, and nothing leaves the machine."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from lib.config import Settings
from lib.dashboard import formats
from lib.dashboard.database import PublishedBefore, Reader
from lib.dashboard.periods import last_months
from lib.dashboard.queries.query import Query
from lib.serving.database import serving
from tests.builders import Lake
from tests.integration.browser import Visitor, running_browser, running_dashboard

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Rows = list[tuple[Any, ...]]
PAGES = ("/", "/customers", "/customer", "/products", "/sales_team", "/operations")
SALES = "fact_sales AS s LEFT JOIN dim_territories AS t USING (territory_id)"
PERIOD = "order_date BETWEEN %(start)s AND %(end)s"


@pytest.fixture(scope="module")
def published(served: Lake) -> Settings:
    """A small lake whose gold is published."""
    return served.settings()


@pytest.fixture(scope="module")
def sql(published: Settings) -> Iterator[Callable[..., Rows]]:
    """Asks the published gold, of the page's first period."""
    with serving(published) as server, server.reader() as connection:
        connection.execute("SET search_path = gold")
        (newest,) = connection.execute("SELECT max(order_date) FROM fact_sales").fetchall()[0]
        usual = last_months(newest, 12)

        def ask(statement: str, **params: Any) -> Rows:
            days = {"start": usual.start, "end": usual.end}
            return connection.execute(statement.encode(), days | params).fetchall()

        yield ask


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(published: Settings, browser: Browser) -> Iterator[str]:  # noqa: ARG001 without one there is nothing to start for
    with running_dashboard(published.root) as url:
        yield url


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def screens(browser: Browser) -> Iterator[Callable[[int, Any], BrowserContext]]:
    """One screen per size and scheme, which keeps what it loaded."""
    kept: dict[tuple[int, str], BrowserContext] = {}

    def screen(width: int, scheme: Any) -> BrowserContext:
        if (width, scheme) not in kept:
            kept[width, scheme] = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        return kept[width, scheme]

    yield screen
    for context in kept.values():
        context.close()


@pytest.fixture
def visit(
    screens: Callable[[int, Any], BrowserContext], url: str, screenshots: Path
) -> Iterator[Callable[..., Visitor]]:
    """Somebody at a screen of a size; in the end no console had an error, and no request left the machine."""
    visitors: list[Visitor] = []

    def come(width: int = 1280, *, scheme: Any = "light", base: str = url) -> Visitor:
        visitors.append(Visitor(screens(width, scheme), base, screenshots))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.page.close()
    assert [(visitor.errors, visitor.left) for visitor in visitors] == [([], [])] * len(visitors)


def figures(marks: list[dict[str, str]], name: str, value: str) -> dict[str, float]:
    return {mark[name]: float(re.sub(r"[$,%]", "", mark[value])) for mark in marks}


def rounded(rows: Rows) -> dict[str, float]:
    return {name: pytest.approx(float(value), abs=0.006) for name, value in rows}


def test_the_overview_shows_what_sql_says(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    visitor = visit()
    visitor.open()
    orders = f"(SELECT sum(total_value) AS value FROM fact_sales WHERE {PERIOD} GROUP BY source, order_id) AS o"
    ((sales, mean, high),) = sql(
        f"SELECT sum(value), avg(coalesce(value, 0)), count(*) FILTER (WHERE value > 1000) FROM {orders}"
    )
    ((customers,),) = sql(f"SELECT count(DISTINCT customer_id) FROM fact_sales WHERE {PERIOD}")
    ((to_date,),) = sql(
        "SELECT sum(total_value) FROM fact_sales WHERE order_date BETWEEN date_trunc('year', %(end)s::date) AND %(end)s"
    )
    assert visitor.cards() == {
        "Total customers": formats.count(customers), "Total sales": formats.dollars(float(sales)),
        "Average sale": formats.dollars(float(mean)), "High-value orders": formats.count(high),
        "Sales year to date": formats.dollars(float(to_date)),
    }  # fmt: skip
    regions = sql(f"SELECT coalesce(region, 'unknown'), sum(total_value) FROM {SALES} WHERE {PERIOD} GROUP BY 1")
    assert figures(visitor.marks("Bars: sales by region"), "region", "Sales") == rounded(regions)
    months = sql(f"SELECT order_month, sum(total_value) FROM fact_sales WHERE {PERIOD} GROUP BY 1")
    assert figures(visitor.marks("Columns: sales by month"), "order_month", "Sales") == rounded(months)
    products = sql(
        f"SELECT p.product_name, sum(total_value) FROM fact_sales JOIN dim_products AS p USING (product_id)"
        f" WHERE {PERIOD} AND p.is_current GROUP BY product_id, 1 ORDER BY 2 DESC LIMIT 5"
    )
    assert figures(visitor.marks("Bars: the products"), "product", "Sales") == rounded(products)
    ((points,),) = sql(
        "SELECT sum(loyalty_points) FROM customer_360 WHERE customer_id IN"
        f" (SELECT customer_id FROM fact_sales WHERE {PERIOD})"
    )
    assert sum(figures(visitor.marks("Donut"), "Region", "Points").values()) == points
    countries = sql(f"SELECT country, sum(total_value) FROM {SALES} WHERE {PERIOD} AND country IS NOT NULL GROUP BY 1")
    assert figures(visitor.marks("Map"), "Country", "Sales") == rounded(countries)
    visitor.picture("overview")


def test_a_slicer_acts_on_every_chart(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    visitor = visit()
    visitor.open()
    charts = ("Bars: sales by region", "Map", "Columns: sales by month", "Bars: the products", "Donut")
    before = {name: visitor.marks(name) for name in charts}
    visitor.page.get_by_role("button", name="Web", exact=True).click()
    visitor.until("channel=web")
    after = {name: visitor.marks(name) for name in charts}
    assert [name for name in charts if after[name] == before[name]] == []
    ((sales,),) = sql(f"SELECT sum(total_value) FROM fact_sales WHERE {PERIOD} AND channel = 'web'")
    assert visitor.cards()["Total sales"] == formats.dollars(float(sales))


def test_a_click_on_a_bar_filters_the_rest_and_a_second_one_lets_go(
    visit: Callable[..., Visitor], sql: Callable[..., Rows]
) -> None:
    visitor = visit()
    visitor.open()
    all_of_it = visitor.cards()
    bars = visitor.marks("Bars: sales by region")
    visitor.click_mark("Bars: sales by region", "region: Germany")
    visitor.until("region=Germany")
    ((sales,),) = sql(f"SELECT sum(total_value) FROM {SALES} WHERE {PERIOD} AND region = 'Germany'")
    assert visitor.cards()["Total sales"] == formats.dollars(float(sales))
    assert [mark["Country"] for mark in visitor.marks("Map")] == ["Germany"]
    assert visitor.marks("Bars: sales by region") == bars

    other = visit()
    other.open(visitor.page.url.removeprefix(visitor.base))
    assert other.cards() == visitor.cards()
    assert other.marks("Columns: sales by month") == visitor.marks("Columns: sales by month")

    visitor.click_mark("Bars: sales by region", "region: Germany")
    visitor.page.wait_for_function("() => !location.href.includes('region')")
    visitor.wait()
    assert visitor.cards() == all_of_it
    visitor.click_mark("Columns", "order_month: 2017-03")
    visitor.until("start=2017-03-01&end=2017-03-31")
    ((sales,),) = sql("SELECT sum(total_value) FROM fact_sales WHERE order_month = '2017-03'")
    assert visitor.cards()["Total sales"] == formats.dollars(float(sales))


def test_customers_are_counted_and_found(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    visitor = visit()
    visitor.open("/customers")
    bought = f"customer_id IN (SELECT customer_id FROM fact_sales WHERE {PERIOD})"
    segments = sql(f"SELECT rfm_segment, count(*) FROM customer_360 WHERE {bought} GROUP BY 1")
    assert figures(visitor.marks("Bars: customers by segment"), "segment", "Customers") == rounded(segments)
    gender = "CASE gender WHEN 'F' THEN 'Female' WHEN 'M' THEN 'Male' ELSE 'Unknown' END"
    genders = sql(f"SELECT {gender}, count(*) FROM customer_360 WHERE {bought} GROUP BY 1")
    assert figures(visitor.marks("Bars: customers by gender"), "Gender", "Customers") == rounded(genders)
    top = sql(
        f"SELECT customer_id, sum(total_value) FROM fact_sales WHERE {PERIOD} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"
    )
    rows = visitor.download("top-customers")
    assert [(row[0], float(row[rows[0].index("sales")])) for row in rows[1:]] == [
        (customer, pytest.approx(float(sales), abs=0.01)) for customer, sales in top
    ]
    visitor.expand("The figures as tables")
    cohorts = sql(
        f"SELECT to_char(first_order_date, 'YYYY-MM'), order_month, count(DISTINCT customer_id) FROM fact_sales"
        f" JOIN customer_360 USING (customer_id) WHERE {PERIOD}"
        " AND first_order_date BETWEEN %(start)s AND %(end)s GROUP BY 1, 2"
    )
    assert sum(int(row[2]) for row in visitor.download("cohorts")[1:]) == sum(row[2] for row in cohorts)
    visitor.picture("customers")
    ((customer,),) = sql("SELECT max(customer_id) FROM customer_360 WHERE cardinality(systems) = 2")
    visitor.page.get_by_role("textbox", name="Find a customer").fill(customer)
    visitor.page.keyboard.press("Enter")
    visitor.until("search=")
    assert [row[0] for row in visitor.download("found-customers")[1:]] == [customer]
    visitor.page.locator(".st-key-open-found-customers input").fill(customer)
    visitor.page.keyboard.press("Enter")
    visitor.until(f"/customer?customer={customer}")
    assert customer in visitor.page.inner_text("[data-testid=stMain]")


def test_nothing_can_be_slipped_into_a_statement(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    visitor = visit()
    visitor.open("/customers?search=x'%20OR%20'1'='1&country=x'%3B%20DROP%20TABLE%20fact_sales")
    text = visitor.page.inner_text("[data-testid=stMain]")
    assert "No customer is found by" in text
    assert "Left out, as there is no such thing: country=x'; DROP TABLE fact_sales" in text
    assert sql("SELECT count(*) > 0 FROM fact_sales") == [(True,)]


def test_a_customers_page_says_what_and_from_where(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    ((customer, spend, orders, name, name_source),) = sql(
        "SELECT customer_id, total_spend, total_orders, d.full_name, d.name_source FROM customer_360 AS c"
        " JOIN dim_customers AS d USING (customer_id) WHERE d.is_current AND interactions > 0 AND payments > 0"
        " AND total_orders > 2 AND d.name_source IS NOT NULL ORDER BY total_spend DESC LIMIT 1"
    )
    visitor = visit()
    visitor.open(f"/customer?customer={customer}")
    cards = visitor.cards()
    assert (cards["Total spend"], cards["Orders"]) == (formats.whole_dollars(float(spend)), formats.count(orders))
    profile = {row[0]: (row[1], row[2]) for row in visitor.download("profile")[1:]}
    assert profile["Full name"] == (name, name_source)
    events = visitor.download("timeline")
    ((expected,),) = sql(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM fact_sales WHERE customer_id = %(id)s"
        " GROUP BY source, order_id) AS o) + (SELECT count(*) FROM fact_interactions WHERE customer_id = %(id)s)"
        " + (SELECT count(*) FROM fact_payments WHERE customer_id = %(id)s)", id=customer,
    )  # fmt: skip
    assert len(events) - 1 == len(visitor.marks("Timeline")) == expected
    visitor.picture("customer")


def test_products_go_down_from_categories_and_back(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    sold = (
        "SELECT {level}, sum(total_value) FROM fact_sales JOIN dim_products AS p USING (product_id)"
        f" WHERE {PERIOD} AND p.is_current AND {{chosen}} GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
    )
    visitor = visit()
    visitor.open("/products")
    categories = sql(sold.format(level="category", chosen="true"))
    assert figures(visitor.marks("Bars: revenue by category"), "category", "Revenue") == rounded(categories)
    visitor.click_mark("Bars: revenue by category", "category: Bikes")
    visitor.until("category=Bikes")
    below = sql(sold.format(level="subcategory", chosen="category = 'Bikes'"))
    assert figures(visitor.marks("Bars: revenue by subcategory"), "subcategory", "Revenue") == rounded(below)
    visitor.click_mark("Bars: revenue by subcategory", f"subcategory: {below[0][0]}")
    visitor.until("subcategory=")
    found = sql(sold.format(level="product_name", chosen="subcategory = %(of)s"), of=below[0][0])
    assert figures(visitor.marks("Bars: revenue by product"), "product", "Revenue") == rounded(found)
    ((revenue, margin, units),) = sql(
        "SELECT sum(total_value), sum(total_value - total_cost), sum(quantity) FROM fact_sales"
        f" JOIN dim_products AS p USING (product_id) WHERE {PERIOD} AND p.is_current AND subcategory = %(of)s",
        of=below[0][0],
    )
    rows = visitor.download("products-by-product")
    sums = {name: sum(float(row[rows[0].index(name)]) for row in rows[1:]) for name in ("sales", "margin", "units")}
    assert sums == {
        "sales": pytest.approx(float(revenue), abs=0.1), "margin": pytest.approx(float(margin), abs=0.1),
        "units": units,
    }  # fmt: skip
    visitor.picture("products")
    visitor.page.get_by_role("button", name="All products").click()
    visitor.page.wait_for_function("() => !location.href.includes('category')")
    visitor.wait()
    assert figures(visitor.marks("Bars: revenue by category"), "category", "Revenue") == rounded(categories)


def test_the_sales_team_is_ranked_as_the_mart_says(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    team = (
        "SELECT full_name, sum(total_sales), sum(incentive) FROM mart_sales_team WHERE sales_month BETWEEN"
        " to_char(%(start)s::date, 'YYYY-MM') AND to_char(%(end)s::date, 'YYYY-MM')"
        " AND sales_person_id <> 'unknown' GROUP BY store_id, sales_person_id, 1 ORDER BY 2 DESC, sales_person_id"
    )
    visitor = visit()
    visitor.open("/sales_team")
    expected = sql(team)
    assert figures(visitor.marks("Bars: ranking"), "Sales person", "Sales") == rounded(
        [row[:2] for row in expected[:10]]
    )
    rows = visitor.download("sales-team")
    incentive = rows[0].index("incentive")
    ranked = [row for row in rows[1:] if row[0]]
    assert [round(float(row[incentive]), 2) for row in ranked] == [round(float(row[2]), 2) for row in expected]
    visitor.click_mark("Bars: ranking", f"Sales person: {expected[0][0]}")
    visitor.until("person=")
    ((sales,),) = sql(
        "SELECT sum(total_sales) FROM mart_sales_team WHERE full_name = %(id)s AND sales_month BETWEEN"
        " to_char(%(start)s::date, 'YYYY-MM') AND to_char(%(end)s::date, 'YYYY-MM')", id=expected[0][0],
    )  # fmt: skip
    months = figures(visitor.marks("Columns: sales in stores"), "sales_month", "Sales")
    assert sum(months.values()) == pytest.approx(float(sales), abs=0.1)
    visitor.picture("sales_team")


def test_operations_show_runs_quarantine_and_what_is_served(
    visit: Callable[..., Visitor], sql: Callable[..., Rows]
) -> None:
    visitor = visit()
    visitor.open("/operations")
    ((run,),) = sql("SELECT run_id FROM serving.publications WHERE status = 'live'")
    assert visitor.cards()["Served"] == f"Run {run}"
    assert len(visitor.download("runs")) - 1 == sql("SELECT count(*) FROM operations.runs")[0][0]
    conserved = [row[2] for row in visitor.download("conservation")[1:]]
    assert conserved == ["True"] * sql("SELECT count(*) FROM operations.conservation")[0][0]
    worst = sql("SELECT reason, sum(rows) FROM operations.quarantine GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5")
    shown = figures(visitor.marks("Bars: rows in quarantine"), "reason", "Rows")
    assert [shown.get(reason) for reason, _ in worst] == [float(rows) for _, rows in worst]
    visitor.picture("operations")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_page_without_scrolling_sideways(visit: Callable[..., Visitor], scheme: str) -> None:
    visitor = visit(390, scheme=scheme)
    for path in PAGES:
        visitor.open(path)
        wider = visitor.page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".map(e => e.scrollWidth - e.clientWidth)"
        )
        assert (path, wider) == (path, [0, 0])
        visitor.picture(f"phone-{scheme}-{path.strip('/') or 'overview'}")
    colour = visitor.page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    is_dark = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 200
    assert is_dark == (scheme == "dark")


def test_a_keyboard_is_enough(visit: Callable[..., Visitor], sql: Callable[..., Rows]) -> None:
    visitor = visit()
    visitor.open()
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        if "Country" in str(visitor.page.evaluate("document.activeElement.getAttribute('aria-label')")):
            break
    visitor.page.keyboard.type("Cana")
    visitor.page.keyboard.press("Enter")
    visitor.until("country=Canada")
    ((sales,),) = sql(f"SELECT sum(total_value) FROM {SALES} WHERE {PERIOD} AND country = 'Canada'")
    assert visitor.cards()["Total sales"] == formats.dollars(float(sales))


def test_where_nothing_matches_a_page_says_so(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    for path in PAGES[:-1]:
        visitor.open(f"{path}?start=1999-01-01&end=1999-01-31")
        assert visitor.page.locator("[data-testid=stException]").count() == 0
        assert path == "/customer" or "Nothing matches these filters" in visitor.page.inner_text("[data-testid=stMain]")


def test_a_customer_whom_nobody_knows_is_told(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("/customer?customer=K999999999")
    assert "There is no customer “K999999999”" in visitor.page.inner_text("[data-testid=stMain]")


def test_a_missing_database_gives_the_command_to_type(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    with running_dashboard(tmp_path / "nowhere") as elsewhere:
        visitor = visit(base=elsewhere)
        visitor.open()
        text = visitor.page.inner_text("[data-testid=stMain]")
        assert "Nothing was published yet" in text
        assert "make demo" in text
        visitor.picture("nothing_published")
        visitor.page.close()


def test_the_period_ends_with_the_newest_sale(sql: Callable[..., Rows]) -> None:
    ((start, end),) = sql("SELECT %(start)s::date, %(end)s::date")
    assert isinstance(start, date)
    assert start < end


def test_what_an_earlier_version_published_is_told_apart_from_a_dead_database(published: Settings) -> None:
    reader = Reader(published, published.dashboard, "gold_reader")
    try:
        live = reader.publication().schema
        for asked in ("SELECT * FROM a_table_of_tomorrow", "SELECT a_column_of_tomorrow FROM customer_360"):
            with pytest.raises(PublishedBefore, match="of_tomorrow"):
                reader.fetch(live, Query(asked))
        assert len(reader.fetch(live, Query("SELECT 1"))) == 1, "the connection goes on"
    finally:
        reader.close()
