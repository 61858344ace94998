"""A contract's types, cleaning and rules as one pass of SQL expressions over bronze. Transforms only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.bronze import texts_of
from lib.contract import IS_LIVE, LINEAGE, Contract, Reference, decimal_of, default_literal
from lib.contract import Column as ContractColumn
from lib.sql import bind, quoted, sql_text

_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:.*)?$"
"""A whole day, with or without a time of day."""


JUDGED_LINEAGE = ("_source_file", "_source_modified_at", "_batch_id", "_row_id")
"""What of a row's lineage goes on with it."""


@dataclass(frozen=True)
class Check:
    """One thing that a row is judged by. `good` is SQL over judged columns; NULL counts as failing."""

    name: str
    good: str
    reason: str
    on_fail: str = "quarantine"
    message: str | None = None

    @property
    def message_sql(self) -> str:
        """SQL for the words that a failing row carries."""
        return self.message or sql_text(self.reason)


def judge(bronze: DataFrame, contract: Contract, referred: Mapping[str, DataFrame] | None = None) -> DataFrame:
    """Every bronze row, typed and judged by all checks at once.

    `referred` has the `known` rows of each reference by its name; without it references are not asked.

    Gives the contract's columns with their types, `_is_live` BOOLEAN where a key can go (false: the row says that it
    is gone), JUDGED_LINEAGE, `raw` STRUCT (of a row that is parted, the texts that landed by bronze's names; else
    NULL), and two arrays of STRING: `dq_errors`, the words of what parts the
    row (empty: it passes), and `dq_failed`, the names of all failed checks, those that only warn included.
    """
    # beside one another to the end: a struct of them would be put together for every row, and few need it
    raw = {name: f"_raw_{name}" for name in bronze.columns if name not in LINEAGE}
    landed = bronze.select(
        *[F.col(quoted(name)).alias(alias) for name, alias in raw.items()],
        *[text.alias(f"_landed_{name}") for name, text in texts_of(bronze, contract).items()],
        "_rescued",
        *JUDGED_LINEAGE,
    )
    texts = landed.select(
        *[quoted(alias) for alias in raw.values()],
        *[
            F.expr(text_of(column, f"_landed_{name}")).alias(f"_text_{name}")
            for name, column in contract.columns.items()
        ],
        F.expr("_rescued IS NULL OR get_json_object(_rescued, '$._malformed') IS NULL").alias("_is_well_formed"),
        *JUDGED_LINEAGE,
    )
    typed = texts.select(
        *[F.expr(typed_of(column, f"_text_{name}")).alias(name) for name, column in contract.columns.items()],
        *[F.col(f"_text_{name}") for name in contract.columns],
        *[quoted(alias) for alias in raw.values()],
        "_is_well_formed",
        *JUDGED_LINEAGE,
    )
    checks = [each for each in checks_of(contract) if each.name not in contract.references or referred is not None]
    for name, rows in (referred or {}).items():
        is_the_same = [F.col(here) == F.col(_there(name, here)) for here in contract.references[name].match]
        typed = typed.join(rows, is_the_same, how="left")
    live = [IS_LIVE] if contract.has_deletes else []
    if live:
        typed = typed.withColumn(IS_LIVE, F.expr(f"NOT coalesce({contract.delete_when or 'false'}, false)"))
    judged = typed.select(
        *contract.columns,
        *live,
        *JUDGED_LINEAGE,
        *[quoted(alias) for alias in raw.values()],
        _collected([(check, check.message_sql) for check in checks if check.on_fail != "warn"]).alias("dq_errors"),
        _collected([(check, sql_text(check.name)) for check in checks]).alias("dq_failed"),
    )
    texts_that_landed = F.struct(*[F.col(quoted(alias)).alias(name) for name, alias in raw.items()])
    # not to_json yet: Spark compiles no stage with it, and this one has every row to go through
    parted = F.when(F.size("dq_errors") > 0, texts_that_landed).alias("raw")
    return judged.select(*contract.columns, *live, *JUDGED_LINEAGE, parted, "dq_errors", "dq_failed")


def known(rows: DataFrame, name: str, reference: Reference) -> DataFrame:
    """What the rows of another entity are to a reference: one row per value of `match`, and since when it counts."""
    [since] = reference.since.values() or [None]
    return rows.groupBy(*[F.col(there).alias(_there(name, here)) for here, there in reference.match.items()]).agg(
        (F.max(F.lit(True)) if since is None else F.min(since)).alias(_there(name))
    )


def _there(name: str, column: str = "") -> str:
    return f"_there_{name}_{column}"


def _is_met(name: str, reference: Reference) -> str:
    names_nothing = " OR ".join(f"`{here}` IS NULL" for here in reference.pairs)
    counts = "".join(f" AND `{_there(name)}` <= `{here}`" for here in reference.since)
    return f"{names_nothing} OR (`{_there(name)}` IS NOT NULL{counts})"


def checks_of(contract: Contract) -> list[Check]:
    """All checks of an entity, in the order in which a row lists them: form, types, key, version, rules, references.

    The names of those that no contract states begin with `_`, as no rule's name does.
    """
    checks = [Check("_well_formed", "_is_well_formed", "malformed record")]
    for name, column in contract.columns.items():
        if column.type != "string":
            reason = f"{name} is not {_a(column)}"
            shown = f'concat({sql_text(name + ": ")}, "\'", `_text_{name}`, "\'", {sql_text(" is not " + _a(column))})'
            good = f"`_text_{name}` IS NULL OR `{name}` IS NOT NULL"
            checks.append(Check(f"_{name}_type", _of_a_live_row(contract, name, good), reason, message=shown))
    for name in dict.fromkeys([*contract.key, *contract.latest_by]):
        # a text that does not cast is told by the type's own check
        good = f"`{name}` IS NOT NULL OR `_text_{name}` IS NOT NULL"
        checks.append(Check(f"_{name}_not_null", good, f"{name} is NULL"))
    checks += [
        Check(name, _of_a_live_row(contract, None, rule.expect), rule.message, rule.on_fail)
        for name, rule in contract.rules.items()
    ]
    checks += [
        Check(name, _of_a_live_row(contract, None, _is_met(name, each)), each.message, each.on_fail)
        for name, each in contract.references.items()
    ]
    # nothing more can be said of a line that could not be read
    return checks[:1] + [
        Check(c.name, f"NOT _is_well_formed OR ({c.good})", c.reason, c.on_fail, c.message) for c in checks[1:]
    ]


def _of_a_live_row(contract: Contract, column: str | None, good: str) -> str:
    """A condition that a row which says that its key is gone need not meet: only what identifies it counts."""
    is_asked_anyway = contract.delete_when is None or column in [*contract.key, *contract.latest_by]
    return good if is_asked_anyway else f"NOT {IS_LIVE} OR ({good})"


def tally(judged: DataFrame, contract: Contract) -> DataFrame:
    """One row: `rows`, `through` (the highest batch), `quarantined`, and per check `failed_<name>`; all BIGINT.

    One pass over the data, whatever the number of rules.
    """
    return judged.agg(
        F.count(F.lit(1)).alias("rows"),
        F.max("_batch_id").alias("through"),
        F.count_if(F.size("dq_errors") > 0).alias("quarantined"),
        *[
            F.count_if(F.array_contains("dq_failed", check.name)).alias(f"failed_{check.name}")
            for check in checks_of(contract)
        ],
    )


def totals(bronze: DataFrame, contract: Contract, sum_of: str | None) -> DataFrame:
    """One row per `_source_file`: `rows` BIGINT, and `total` DECIMAL(38,6), the sum of a column (NULL: none is asked).

    Takes rows of bronze before they have lineage. A value that is no number adds nothing: it shows as a difference.
    """
    total = F.lit(None)
    if sum_of is not None:
        landed = bronze.withColumn("_landed", texts_of(bronze, contract)[sum_of])
        bronze = landed.withColumn("_number", F.expr(text_of(contract.columns[sum_of], "_landed")))
        total = F.coalesce(F.sum(F.expr("try_cast(_number AS DECIMAL(28,6))")), F.lit(0))
    return bronze.groupBy("_source_file").agg(
        F.count(F.lit(1)).alias("rows"), total.cast("decimal(38,6)").alias("total")
    )


def compile_mistakes(spark: SparkSession, contract: Contract) -> list[str]:
    """What is wrong with a contract's SQL: each expression is analysed against the schema, no data is read."""
    value = spark.createDataFrame([], "value STRING")
    types = ", ".join(f"`{name}` {column.type}" for name, column in contract.columns.items())
    typed = spark.createDataFrame([], types)
    expressions = [(f"columns.{n}.clean", value, c.clean, "") for n, c in contract.columns.items() if c.clean]
    if contract.delete_when:
        expressions.append(("delete_when", typed, contract.delete_when, "boolean"))
    expressions += [(f"rules.{n}.expect", typed, rule.expect, "boolean") for n, rule in contract.rules.items()]
    if all(_compile_together(frame, [each for each in expressions if each[1] is frame]) for frame in (value, typed)):
        return []
    mistakes = []
    for place, frame, expression, expected in expressions:
        offence = _offence_of(frame, expression, expected)
        if offence:
            mistakes.append(f"{contract.source}/{contract.entity}.yml: {place}: {offence}")
    return mistakes


def _compile_together(frame: DataFrame, expressions: list[tuple[str, DataFrame, str, str]]) -> bool:
    """Are all of the expressions fine? Asked at once: one by one costs a second for what is nearly always so."""
    try:
        found = frame.selectExpr("*", *[f"({expression}) AS it" for _, _, expression, _ in expressions]).schema
    except (AnalysisException, ParseException):
        return False
    types = [field.dataType.simpleString() for field in found.fields[len(frame.columns) :]]
    return all(expected in ("", there) for (*_, expected), there in zip(expressions, types, strict=True))


def _offence_of(frame: DataFrame, expression: str, expected: str) -> str:
    try:
        # beside another column, where an aggregate is an offence
        found = frame.selectExpr("*", f"({expression}) AS it").schema[-1].dataType.simpleString()
    except (AnalysisException, ParseException) as error:
        # without Spark's own code and state before and after the sentence
        said = re.sub(r"^\[\S+\] | SQLSTATE: .*", "", " ".join(str(error).split()))
        return f"'{expression}': {said}"
    return f"'{expression}' is {found}, not {expected}" if expected and found != expected else ""


def text_of(column: ContractColumn, landed: str) -> str:
    """SQL for a column's text: what landed, without what means "no value", cleaned, or the default."""
    nulls = ", ".join(sql_text(text) for text in ["", *column.nulls])
    text = f"CASE WHEN trim(`{landed}`) NOT IN ({nulls}) THEN `{landed}` END"
    if column.clean:
        cleaned = f"CAST({bind(column.clean, f'({text})')} AS STRING)"
        text = f"nullif({cleaned}, '')"
    default = default_literal(column)
    return text if default is None else f"coalesce({text}, {sql_text(default)})"


def typed_of(column: ContractColumn, text: str) -> str:
    """SQL for a column's typed value: NULL where the text does not cast, never an error, never a rounded number."""
    decimal = decimal_of(column.type)
    if column.type == "string":
        return f"`{text}`"
    if decimal:
        precision, scale = decimal
        wide = f"DECIMAL(38,{max(scale, min(38 - (precision - scale), 18))})"
        exact = f"try_cast(`{text}` AS {column.type})"
        return f"CASE WHEN try_cast(`{text}` AS {wide}) = {exact} THEN {exact} END"
    if column.type not in ("date", "timestamp"):
        return f"try_cast(`{text}` AS {column.type})"
    # the ISO form first: a cast is four times as fast as a pattern. But it is too kind to go unguarded: it takes '2015'
    # and '2015-01-01 or so' for dates, and makes '12:30:00' a timestamp of today
    iso = f"CASE WHEN trim(`{text}`) RLIKE {sql_text(_ISO)} THEN try_cast(`{text}` AS {column.type}) END"
    patterns = [f"try_to_{column.type}(trim(`{text}`), {sql_text(pattern)})" for pattern in column.formats]
    return f"coalesce({', '.join([iso, *patterns])})" if patterns else iso


def _collected(checks: list[tuple[Check, str]]) -> Column:
    """The words of the checks that fail, as one ARRAY<STRING>.

    Most rows pass: for them one condition is evaluated and no array is put together.
    """
    if not checks:
        return F.expr("CAST(array() AS ARRAY<STRING>)")
    is_good = " AND ".join(f"coalesce({check.good}, false)" for check, _ in checks)
    words = ", ".join(f"CASE WHEN NOT coalesce({check.good}, false) THEN {said} END" for check, said in checks)
    return F.expr(f"CASE WHEN {is_good} THEN CAST(array() AS ARRAY<STRING>) ELSE array_compact(array({words})) END")


def _a(column: ContractColumn) -> str:
    article = "an" if column.type == "int" else "a"
    patterns = f" ({' or '.join(column.formats)})" if column.formats else ""
    return f"{article} {column.type.upper()}{patterns}"
