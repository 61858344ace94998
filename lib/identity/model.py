"""The model that scores pairs of records: Splink's, on the session's own Spark.

Fellegi & Sunter, A Theory for Record Linkage, JASA 64 (1969); its parameters are estimated from the records themselves
by expectation maximisation, with frequent values weighing less (https://moj-analytical-services.github.io/splink).
"""

import logging
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import splink.comparison_library as compare
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from splink import Linker, SettingsCreator, SparkAPI, block_on

from lib.identity.settings import IdentityFile

_KINDS: dict[str, Callable[[str], Any]] = {
    "name": lambda column: compare.NameComparison(column).configure(term_frequency_adjustments=True),
    "date": lambda column: compare.DateOfBirthComparison(column, input_is_string=False),
    "email": compare.EmailComparison,
    "text": lambda column: compare.JaroWinklerAtThresholds(column, [0.92, 0.8]),
    "whole": compare.ExactMatch,
}
_WEIGHED = ("name", "email")
"""The kinds of which a frequent value says less than a rare one."""

# Splink tells of every estimate; what a run says is ours
logging.getLogger("splink").setLevel(logging.ERROR)


def trained(records: DataFrame, rules: IdentityFile) -> dict[str, Any]:
    """Splink's settings with parameters learnt from the records: JSON, the same for the same records and seed."""
    linker, _ = _linker(records, _settings(rules))
    model = rules.matching
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*same) for same in rules.exact.values()], recall=model.found_by_exact
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=model.sampled_pairs, seed=model.seed)
    for same in model.training:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*same))
    found: dict[str, Any] = linker.misc.save_model_to_json()
    return found


def scored(changed: DataFrame, records: DataFrame, parameters: Mapping[str, Any], rules: IdentityFile) -> DataFrame:
    """One row per pair of a changed record and another one worth a look: `key_l`, `key_r`, `score`.

    `changed` are some of the `records`. How frequent a value is counts over all records.
    """
    linker, api = _linker(records, dict(parameters))
    for column, kind in rules.matching.comparisons.items():
        if kind in _WEIGHED:
            linker.table_management.compute_tf_table(column)
    others = records.join(changed.select("key"), "key", how="left_anti")
    new, old = api.register(changed), api.register(others)
    within = linker.inference.predict_within(new, threshold_match_probability=rules.review_above)
    between = linker.inference.predict_between(new, old, threshold_match_probability=rules.review_above)
    found: DataFrame = reduce(DataFrame.union, [_pairs(each.as_spark_dataframe()) for each in (within, between)])
    return found


def _pairs(predicted: DataFrame) -> DataFrame:
    return predicted.select(
        F.least("key_l", "key_r").alias("key_l"),
        F.greatest("key_l", "key_r").alias("key_r"),
        F.col("match_probability").alias("score"),
    )


def _linker(records: DataFrame, settings: SettingsCreator | dict[str, Any]) -> tuple[Linker, SparkAPI]:
    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=records.sparkSession, break_lineage_method="parquet"
    )
    return Linker(api.register(records), settings, log_level=None), api


def _settings(rules: IdentityFile) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="key",
        comparisons=[_KINDS[kind](column) for column, kind in rules.matching.comparisons.items()],
        blocking_rules_to_generate_predictions=[block_on(*same) for same in rules.matching.blocking],
        em_convergence=0.001,
    )
