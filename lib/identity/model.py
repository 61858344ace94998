"""The model that scores pairs of records: Splink's, learnt on the driver by DuckDB, used on the session's own Spark.

Fellegi & Sunter, A Theory for Record Linkage, JASA 64 (1969); its parameters are estimated from the records themselves
by expectation maximisation, with frequent values weighing less (https://moj-analytical-services.github.io/splink).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import splink.comparison_library as compare
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from splink import DuckDBAPI, Linker, SettingsCreator, SparkAPI, block_on

from lib.identity.settings import IdentityFile

_KINDS: dict[str, Callable[[str], Any]] = {
    "name": lambda column: compare.NameComparison(column).configure(term_frequency_adjustments=True),
    "date": lambda column: compare.DateOfBirthComparison(column, input_is_string=False),
    "email": compare.EmailComparison,
    "text": lambda column: compare.JaroWinklerAtThresholds(column, [0.92, 0.8]),
    "whole": compare.ExactMatch,
}

# Splink tells of every estimate; what a run says is ours
logging.getLogger("splink").setLevel(logging.ERROR)


def trained(records: DataFrame, rules: IdentityFile) -> dict[str, Any]:
    """Splink's settings for Spark, with what was learnt from the records: JSON, the same for the same records and seed.

    Learning is many small queries, each of which is a job to Spark and nothing to DuckDB: the records, of very many
    those with the smallest hashes, go to the driver. The share of pairs that match is the same in a sample.
    """
    model = rules.matching
    drawn = records.orderBy(F.xxhash64("key", F.lit(model.seed))).limit(model.train_on).toArrow()
    api = DuckDBAPI()
    linker = Linker(api.register(drawn), _settings(rules), log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*same) for same in rules.exact.values()], recall=model.found_by_exact
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=model.sampled_pairs, seed=model.seed)
    for same in model.training:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*same))
    return _for_spark(linker.misc.save_model_to_json(), rules)


def _for_spark(learnt: Mapping[str, Any], rules: IdentityFile) -> dict[str, Any]:
    """The same levels of the same comparisons in Spark's SQL, with the probabilities that DuckDB learnt of them."""
    settings: dict[str, Any] = _settings(rules).create_settings_dict("spark")
    for there, here in zip(learnt["comparisons"], settings["comparisons"], strict=True):
        for taught, level in zip(there["comparison_levels"], here["comparison_levels"], strict=True):
            level |= {name: taught[name] for name in ("m_probability", "u_probability") if name in taught}
    return settings | {"probability_two_random_records_match": learnt["probability_two_random_records_match"]}


def scored(pairs: DataFrame, records: DataFrame, parameters: Mapping[str, Any], *, review_above: float) -> DataFrame:
    """One row per pair worth a look: `key_l`, `key_r`, `score` DOUBLE, the probability that the two are one person.

    How frequent a value is counts over all records.
    """
    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=records.sparkSession, break_lineage_method="parquet"
    )
    pairs = pairs.localCheckpoint()
    ends = pairs.select(F.explode(F.array("key_l", "key_r")).alias("key")).distinct()
    # what Splink carries through its queries is the records of these pairs, and not all there are
    linker = Linker(
        api.register(records.join(ends, "key", how="left_semi").localCheckpoint()), dict(parameters), log_level=None
    )
    for column in _weighed(parameters):
        frequencies = api.register(_frequencies(records, column).localCheckpoint())
        linker.table_management.register_term_frequency_lookup(frequencies, column)
    blocked = pairs.select(
        F.lit("0").alias("match_key"), F.col("key_l").alias("join_key_l"), F.col("key_r").alias("join_key_r")
    )
    linker.table_management.register_blocked_pairs_for_predict(api.register(blocked))
    found: DataFrame = linker.inference.predict(
        threshold_match_probability=review_above, warning_mode="never"
    ).as_spark_dataframe()
    return found.select("key_l", "key_r", F.col("match_probability").alias("score"))


def _weighed(parameters: Mapping[str, Any]) -> list[str]:
    """The columns of which a frequent value says less than a rare one."""
    levels = [level for comparison in parameters["comparisons"] for level in comparison["comparison_levels"]]
    return sorted({each["tf_adjustment_column"] for each in levels if each.get("tf_adjustment_column")})


def _frequencies(records: DataFrame, column: str) -> DataFrame:
    """One row per value: `column`, and `tf_{column}` DOUBLE, its share of all values, as Splink has it."""
    counts = records.filter(F.col(column).isNotNull()).groupBy(column).agg(F.count(F.lit(1)).alias("_n"))
    total = records.agg(F.count(column).alias("_total"))
    shares = counts.crossJoin(F.broadcast(total))
    return shares.select(column, (F.col("_n") / F.col("_total")).alias(f"tf_{column}"))


def _settings(rules: IdentityFile) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="key",
        comparisons=[_KINDS[kind](column) for column, kind in rules.matching.comparisons.items()],
        blocking_rules_to_generate_predictions=[block_on(*same) for same in rules.matching.blocking],
        em_convergence=0.001,
    )
