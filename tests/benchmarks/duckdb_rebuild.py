"""The tills without Spark: DuckDB reads and computes, delta-rs writes, every layer anew.

    python -m tests.benchmarks.duckdb_rebuild <folder with pos/> <out> <memory, e.g. 4GB>

The tables have the rows that this project's have; the benchmark checks it.
"""

import json
import sys
from typing import Any

import duckdb
from deltalake import DeltaTable, write_deltalake

from tests.benchmarks.duckdb_gold import GOLD, MACROS

# what lands, each value a text
LANDED: dict[str, dict[str, Any]] = {
    "sales": {
        **dict.fromkeys(["transaction_id", "customer_id", "store_id", "sales_person_id"], "VARCHAR"),
        "product": dict.fromkeys(["id", "name", "category", "price"], "VARCHAR"),
        **dict.fromkeys(["quantity", "discount", "date", "payment_method", "updated_at", "till_version"], "VARCHAR"),
    },
    "customers": dict.fromkeys(
        [
            "customer_id",
            "name",
            "email",
            "phone",
            "birth_date",
            "region",
            "loyalty_points",
            "loyalty_tier",
            "updated_at",
        ],
        "VARCHAR",
    ),
    "stores": dict.fromkeys(["store_id", "name", "region", "country", "opened_on", "updated_at"], "VARCHAR"),
    "sales_people": dict.fromkeys(["sales_person_id", "name", "store_id", "hired_on", "updated_at"], "VARCHAR"),
}

# one row a landed row: its typed columns, what landed, and what is wrong with it
JUDGED = {
    "sales": """
        WITH typed AS (
            SELECT upper(trim(b.transaction_id)) AS transaction_id, upper(trim(b.customer_id)) AS customer_id,
                   upper(trim(b.store_id)) AS store_id, upper(trim(b.sales_person_id)) AS sales_person_id,
                   upper(trim(b.product.id)) AS product_id, trim(b.product.name) AS product_name,
                   trim(b.product.category) AS category, TRY_CAST(b.product.price AS DECIMAL(12,2)) AS price,
                   whole_number(b.quantity) AS quantity,
                   TRY_CAST(coalesce(b.discount, '0') AS DECIMAL(5,4)) AS discount,
                   lower(trim(b.payment_method)) AS payment_method, moment(b.date) AS sold_at,
                   moment(b.updated_at) AS updated_at, b AS raw
            FROM pos_sales_bronze b
        )
        SELECT *, reasons(raw._corrupt_record, [
            not_a('quantity', raw.quantity, quantity IS NULL, 'an INT'),
            not_a('discount', raw.discount, discount IS NULL, 'a DECIMAL(5,4)'),
            not_a('sold_at', raw.date, sold_at IS NULL, 'a TIMESTAMP (dd/MM/yyyy HH:mm:ss or dd/MM/yyyy)'),
            unless(transaction_id IS NOT NULL, 'transaction_id is NULL'),
            unless(updated_at IS NOT NULL, 'updated_at is NULL'),
            unless(customer_id IS NOT NULL, 'customer_id is NULL'),
            unless(price IS NOT NULL, 'price is NULL'),
            unless(price IS NULL OR price >= 0, 'price must not be below zero'),
            unless(quantity > 0, 'quantity must be above zero'),
            unless(discount BETWEEN 0 AND 1, 'discount must be from 0 to 1'),
            unless(sold_at IS NOT NULL, 'date is NULL')
        ]) AS dq_errors
        FROM typed
        """,
    "customers": """
        WITH typed AS (
            SELECT upper(trim(b.customer_id)) AS customer_id,
                   regexp_replace(trim(b.name), '\\s+', ' ', 'g') AS name, lower(trim(b.email)) AS email,
                   trim(b.phone) AS phone, CAST(moment(b.birth_date) AS DATE) AS birth_date, trim(b.region) AS region,
                   whole_number(coalesce(b.loyalty_points, '0')) AS loyalty_points,
                   lower(trim(b.loyalty_tier)) AS loyalty_tier, moment(b.updated_at) AS updated_at, b AS raw
            FROM pos_customers_bronze b
        )
        SELECT *, reasons(raw._corrupt_record, [
            not_a('birth_date', raw.birth_date, birth_date IS NULL, 'a DATE (dd/MM/yyyy)'),
            unless(customer_id IS NOT NULL, 'customer_id is NULL'),
            unless(updated_at IS NOT NULL, 'updated_at is NULL'),
            unless(email IS NULL OR email LIKE '%_@_%', 'email has no @ between two texts'),
            unless(loyalty_points >= 0, 'loyalty_points must not be below zero')
        ]) AS dq_errors
        FROM typed
        """,
    "stores": """
        SELECT upper(trim(b.store_id)) AS store_id, trim(b.name) AS name, trim(b.region) AS region,
               trim(b.country) AS country, CAST(moment(b.opened_on) AS DATE) AS opened_on,
               moment(b.updated_at) AS updated_at, b AS raw,
               reasons(b._corrupt_record, [
                   unless(b.name IS NOT NULL, 'name is NULL'),
                   unless(b.region IS NOT NULL AND b.country IS NOT NULL, 'region or country is NULL')
               ]) AS dq_errors
        FROM pos_stores_bronze b
        """,
    "sales_people": """
        SELECT upper(trim(b.sales_person_id)) AS sales_person_id, trim(b.name) AS name,
               upper(trim(b.store_id)) AS store_id, CAST(moment(b.hired_on) AS DATE) AS hired_on,
               moment(b.updated_at) AS updated_at, b AS raw,
               reasons(b._corrupt_record, [
                   unless(b.name IS NOT NULL, 'name is NULL'), unless(b.store_id IS NOT NULL, 'store_id is NULL')
               ]) AS dq_errors
        FROM pos_sales_people_bronze b
        """,
}


def main(landing: str, out: str, memory: str) -> None:
    """Rebuild all layers below `out`."""
    connection = duckdb.connect(config={"temp_directory": f"{out}/.spill", "memory_limit": memory})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(MACROS)
    for entity in LANDED:
        write(connection, landed(landing, entity), f"{out}/bronze/pos_{entity}", view=f"pos_{entity}_bronze")
    for entity, judged in JUDGED.items():
        connection.execute(f"CREATE TEMP VIEW pos_{entity}_judged AS {judged}")
        failing = f"SELECT unnest(raw), dq_errors FROM pos_{entity}_judged WHERE len(dq_errors) > 0"
        write(connection, failing, f"{out}/silver/pos_{entity}_quarantine")
        write(connection, newest(entity), f"{out}/silver/pos_{entity}", view=entity)
    for name, query in GOLD.items():
        write(connection, query, f"{out}/gold/{name}", view=name)


def landed(landing: str, entity: str) -> str:
    """What landed, every value as text, and the file that it came in; a line that is no JSON is kept whole."""
    folder, columns = f"{landing}/pos/{entity}", LANDED[entity]
    if entity in ("stores", "sales_people"):
        records = f"read_json('{folder}/*.json', columns = {columns}, filename = true)"
        return f"SELECT * RENAME (filename AS _source_file), NULL::VARCHAR AS _corrupt_record FROM {records}"
    lines = "columns = {line: 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false, auto_detect = false"
    return f"""
        SELECT unnest(record), CASE WHEN record IS NULL THEN line END AS _corrupt_record,
               filename AS _source_file
        FROM (
            SELECT CASE WHEN json_valid(line) THEN json_transform(line, '{json.dumps(columns)}') END AS record,
                   line, filename
            FROM read_csv('{folder}/*', {lines}, filename = true)
        )
        """


def newest(entity: str) -> str:
    """Of the good rows of a key, the last one by updated_at; the key is the first column."""
    return f"""
        SELECT * EXCLUDE (raw, dq_errors), raw._source_file FROM pos_{entity}_judged WHERE len(dq_errors) = 0
        QUALIFY row_number() OVER (PARTITION BY {next(iter(LANDED[entity]))} ORDER BY updated_at DESC) = 1
        """


def write(connection: duckdb.DuckDBPyConnection, query: str, path: str, *, view: str | None = None) -> None:
    """Overwrite a Delta table with what a query gives, and let later queries read its files as `view`."""
    write_deltalake(path, connection.sql(query).to_arrow_reader(100_000), mode="overwrite")
    if view is not None:
        connection.read_parquet(DeltaTable(path).file_uris()).create_view(view)


if __name__ == "__main__":
    main(*sys.argv[1:])
