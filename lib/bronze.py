"""Bronze: every landed value as the text that landed, with its lineage and its address. Transforms only."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField, StructType

from lib.contract import LINEAGE, Contract, bronze_name
from lib.nesting import Tree, misfits, struct_of, tree_of, unknown_of, value_at, with_members, without_doubles
from lib.sql import quoted

STATS_COLUMNS = "_batch_id,_row_id"
"""What Delta keeps file statistics for: the next layer asks for rows by their batch."""

_NUMBER_OUTSIDE_STRINGS = r'\G((?:[^"0-9\-]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"|-(?![0-9]))*+)(-?[0-9][0-9.eE+\-]*+)'
"""What stands before a number of a JSON text, strings skipped whole, and the number; possessive: no recursion."""


def of_lines(lines: DataFrame, contract: Contract, *, header: Sequence[str] = (), is_array: bool = False) -> DataFrame:
    """Lines of files that share one layout, as the columns of bronze.

    Takes `_line`, `_source_file`, `_source_modified_at`. Gives the contract's columns under their source names
    (STRING, in JSON nested as in the source; NULL where the file has none), `_rescued` and the two. `_rescued` is NULL
    or a JSON object: what the contract does not know by its name, or a malformed line whole under `_malformed`, its
    columns then NULL.
    """
    if contract.format == "json":
        return _parse_json(_elements(lines) if is_array else lines, contract)
    return _parse_csv(lines, header, contract)


def json_schema(found: StructType, contract: Contract) -> StructType:
    """What to read JSON lines with: the contract's members at their places, and beside them those that were found.

    Every leaf is a STRING. A found member that the contract does not know is one too, whatever is in it: its text.
    """

    def both(tree: Tree, there: StructType | None) -> StructType:
        inside = {field.name: field.dataType for field in there.fields} if there else {}
        known = [StructField(name, typed(below, inside.get(name))) for name, below in tree.items()]
        return StructType([*known, *[StructField(name, StringType()) for name in inside if name not in tree]])

    def typed(below: Tree, there: DataType | None) -> DataType:
        return both(below, there if isinstance(there, StructType) else None) if below else StringType()

    return both(_json_tree(contract), found)


def of_objects(objects: DataFrame, schema: StructType, contract: Contract) -> DataFrame:
    """Objects that were read with `json_schema`, as the columns of bronze; `_line` holds a line that did not fit.

    Another way to what `of_lines` makes of the same lines, three times as fast. An unknown member that is an empty
    object, or a list of such, in every line is not told of here: Spark's inference leaves out a type without fields.
    """
    tree = _json_tree(contract)

    def known(place: str, name: str, below: Tree) -> Column:
        here = F.col(f"{place}{quoted(name)}")
        if not below:
            return here
        members = [known(f"{place}{quoted(name)}.", each, below[each]).alias(bronze_name(each)) for each in below]
        return F.when(here.isNotNull(), F.struct(*members))

    def unknown(place: str, tree: Tree, there: StructType) -> Column | None:
        members = [F.col(f"{place}{quoted(name)}").alias(name) for name in there.names if name not in tree]
        for name, below in tree.items():
            inside = there[name].dataType
            rest = unknown(f"{place}{quoted(name)}.", below, inside) if isinstance(inside, StructType) else None
            members += [] if rest is None else [rest.alias(name)]
        return F.nullif(F.to_json(F.struct(*members)), F.lit("{}")) if members else None

    columns = {bronze_name(name): known("", name, below) for name, below in tree.items()}
    rest = unknown("", tree, schema)
    return _shaped(objects, columns, _absent() if rest is None else rest, is_malformed=F.col("_line").isNotNull())


def of_table(rows: DataFrame, names: Sequence[str], contract: Contract) -> DataFrame:
    """Rows of a database's table as the columns of bronze: the text of column `names[0]` is in `_0`, and so on.

    Takes `_source_file` and `_source_modified_at` as well, and gives what `of_lines` gives.
    """
    known, rest = _by_contract({name: F.col(f"_{position}") for position, name in enumerate(names)}, contract)
    columns = [value.alias(name) for name, value in known.items()]
    return rows.select(*columns, rest.alias("_rescued"), "_source_file", "_source_modified_at")


def with_lineage(rows: DataFrame, *, batch_id: int, run_id: int, ingested_at: datetime) -> DataFrame:
    """Parsed rows with their full lineage and their address: `_batch_id` BIGINT and `_row_id` BIGINT.

    `_row_id` is fixed by the one append that writes the batch; nothing may compute it a second time.
    """
    return rows.withColumns(
        {
            "_ingested_at": F.lit(ingested_at).cast("timestamp"),
            "_run_id": F.lit(run_id).cast("bigint"),
            "_batch_id": F.lit(batch_id).cast("bigint"),
            "_row_id": F.monotonically_increasing_id(),
        }
    ).select(*[f"`{name}`" for name in rows.columns if name not in LINEAGE], *LINEAGE)


def texts_of(rows: DataFrame, contract: Contract) -> dict[str, Column]:
    """The text that landed, for each column of the contract, whether bronze's table has the column or not.

    A column that the contract learnt after a row had landed is read from the row's `_rescued`.
    """
    rescued = F.from_json("_rescued", "MAP<STRING,STRING>")
    texts = {}
    for name, path in contract.paths.items():
        source = contract.source_columns[name]
        kept = value_at(rescued, source.split(".") if contract.format == "json" else [source])
        there = F.col(".".join(f"`{part}`" for part in path))
        texts[name] = F.coalesce(there, kept) if _has(rows.schema, path) else kept
    return texts


def raw_schema(contract: Contract) -> str:
    """Bronze's columns without lineage as DDL: what the JSON text of a quarantined row is read with."""
    return ", ".join(f"`{name}` {type_name}" for name, type_name in [*_types(contract), ("_rescued", "STRING")])


def _types(contract: Contract) -> list[tuple[str, str]]:
    def ddl(tree: Tree) -> str:
        members = ", ".join(f"`{name}`: {ddl(below)}" for name, below in tree.items())
        return f"STRUCT<{members}>" if tree else "STRING"

    return [(name, ddl(below)) for name, below in tree_of(contract.paths.values()).items()]


def _has(schema: StructType, path: Sequence[str]) -> bool:
    """Is there such a column? Delta knows no case: what landed as `note` is also the column `Note`."""
    by_name = {field.name.lower(): field.dataType for field in schema.fields}
    found = by_name.get(path[0].lower())
    if len(path) == 1:
        return found is not None
    return isinstance(found, StructType) and _has(found, path[1:])


def _parse_csv(lines: DataFrame, header: Sequence[str], contract: Contract) -> DataFrame:
    fields = [f"f{position}" for position in range(len(header))]
    schema = ", ".join(f"`{field}` STRING" for field in [*fields, "_corrupt"])
    options = {
        "sep": contract.csv.delimiter,
        "quote": contract.csv.quote,
        "escape": contract.csv.quote,
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_corrupt",
    }
    parsed = lines.withColumn("_parsed", F.from_csv("_line", schema, options))
    malformed = F.col("_parsed._corrupt").isNotNull() | _has_open_quote(contract)
    value_of = {name: F.col(f"_parsed.{field}") for name, field in zip(header, fields, strict=True)}
    known, rest = _by_contract(value_of, contract)
    judged = parsed.withColumn("_is_malformed", malformed)
    return _shaped(judged, known, rest, is_malformed=F.col("_is_malformed"))


def _by_contract(value_of: Mapping[str, Column], contract: Contract) -> tuple[dict[str, Column], Column]:
    """Values by the source's names, as the columns that the contract knows and as what goes to `_rescued`."""
    wanted = list(dict.fromkeys(contract.source_columns.values()))
    unknown = [value.alias(name) for name, value in value_of.items() if name not in wanted]
    rest = F.nullif(F.to_json(F.struct(*unknown)), F.lit("{}")) if unknown else _absent()
    return {bronze_name(name): value_of.get(name, _absent()) for name in wanted}, rest


def _parse_json(lines: DataFrame, contract: Contract) -> DataFrame:
    """One object a line; every leaf is the text that stands in the file.

    from_json makes `1.1` of `1.10`, so that numbers become strings before it sees them. In brackets, because it
    forgives whatever follows the object that it reads.
    """
    strings = F.regexp_replace("_line", F.lit(_NUMBER_OUTSIDE_STRINGS), F.lit('$1"$2"'))
    bracketed = F.concat(F.lit("["), strings, F.lit("]"))
    options = {"allowSingleQuotes": "false"}
    records = lines.withColumn("_records", F.from_json(bracketed, "ARRAY<MAP<STRING,STRING>>", options))
    record = without_doubles(F.try_element_at("_records", F.lit(1)))
    tree = _json_tree(contract)
    opened = with_members(records.withColumn("_record", record), "_record", tree)
    # NULL counts as malformed: no array, no element, or an element that is no object
    is_one_object = (F.size("_records") == 1) & F.col("_record").isNotNull() & ~misfits("_record", tree)
    judged = opened.withColumn("_is_malformed", ~F.coalesce(is_one_object, F.lit(False)))
    known = {bronze_name(name): struct_of("_record", [name], tree[name]) for name in tree}
    return _shaped(judged, known, unknown_of("_record", tree), is_malformed=F.col("_is_malformed"))


def _json_tree(contract: Contract) -> Tree:
    return tree_of([source.split(".") for source in contract.source_columns.values()])


def _elements(texts: DataFrame) -> DataFrame:
    """The elements of files that are one JSON array, a line each; a text that is no array stays one line, malformed."""
    strings = F.regexp_replace("_line", F.lit(_NUMBER_OUTSIDE_STRINGS), F.lit('$1"$2"'))
    # brackets around it, for the same reason as above
    arrays = F.from_json(F.concat(F.lit("["), strings, F.lit("]")), "ARRAY<ARRAY<STRING>>")
    elements = F.when(F.size(arrays) == 1, F.try_element_at(arrays, F.lit(1)))
    lines = F.explode(F.coalesce(elements, F.array("_line"))).alias("_line")
    return texts.select(lines, "_source_file", "_source_modified_at")


def _shaped(parsed: DataFrame, known: Mapping[str, Column], unknown: Column, *, is_malformed: Column) -> DataFrame:
    """The columns of bronze, those of a malformed line empty and the line whole in `_rescued`."""
    whole = F.to_json(F.struct(F.col("_line").alias("_malformed")))
    return parsed.select(
        *[F.when(~is_malformed, value).alias(name) for name, value in known.items()],
        F.when(is_malformed, whole).otherwise(unknown).alias("_rescued"),
        "_source_file",
        "_source_modified_at",
    )


def _has_open_quote(contract: Contract) -> Column:
    """Does a field start with a quote that nothing closes? Spark's parser forgives it in the last field."""
    quote, delimiter = (f"\\x{{{ord(mark):x}}}" for mark in (contract.csv.quote, contract.csv.delimiter))
    pattern = f"(^|{delimiter}){quote}[^{quote}]*({quote}{quote}[^{quote}]*)*$"
    is_odd = F.regexp_count("_line", F.lit(quote)) % 2 == 1
    return is_odd & F.col("_line").rlike(pattern)


def _absent() -> Column:
    return F.lit(None).cast("string")
