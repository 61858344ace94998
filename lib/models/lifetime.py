"""What a customer will be worth: the model of `lib.models.value` over rows of `lib.models.features`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from pyspark import cloudpickle
from pyspark.sql import Column
from pyspark.sql import functions as F

from lib.models import value
from lib.models.value import Purchases, Spend, foretell

# a worker knows nothing of this project but what a function brings along
cloudpickle.register_pickle_by_value(value)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class ValueModel:
    """How often customers buy and for how much; `held_out_days` says how it was tested."""

    purchases: Purchases
    spend: Spend
    held_out_days: int

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "ValueModel":
        """The model that `as_json` wrote."""
        return cls(Purchases(**said["purchases"]), Spend(**said["spend"]), said["held_out_days"])

    def foretold(self, days: int) -> Column:
        """STRUCT<alive: DOUBLE, purchases: DOUBLE, value: DOUBLE> of a row of `lib.models.features`: the probability
        to buy ever again, and the purchases and their value, US dollars, to be expected in so many days.

        The rows go to Python and back as Arrow, thousands at a time: SQL has no hypergeometric function.
        """
        purchases, spend, of_columns = self.purchases, self.spend, foretell

        def of(bought: pd.Series, since_last: pd.Series, tenure: pd.Series, repeat_spend: pd.Series) -> pd.DataFrame:
            columns = [each.to_numpy("float64") for each in (bought, since_last, tenure, repeat_spend)]
            return pd.DataFrame(of_columns(purchases, spend, days, *columns))

        vectorised = F.pandas_udf(of, "alive DOUBLE, purchases DOUBLE, value DOUBLE")  # type: ignore[attr-defined] # no types
        read = ("purchases", "days_since_last_order", "tenure_days", "repeat_spend")
        result: Column = vectorised(*[F.col(name).cast("double") for name in read])
        return result
