"""MLflow: the record of every training, the registry of models, and which of them is the champion.

By default its records are a SQLite file and a folder below the lake; nothing is sent anywhere. The models are of
MLflow's own flavours, so that whatever reads MLflow can load them; beside each lies `card.json`, the same model as
plain numbers, which is what gold is computed with.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark
from pyspark.sql import functions as F

from lib.errors import LakehouseError
from lib.models.champions import Champion, Champions
from lib.models.settings import EMBEDDED, Tracking
from lib.secrets import looked_up
from lib.transient import in_words

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from lib.models.learning import Learnt
    from lib.models.lifetime import ValueModel

CHAMPION = "champion"
"""The alias by which the registry names the model that scores."""

_EXPERIMENT = "customer-360"
_CARD = "card.json"
_NAMES = {"churn": "customer-churn", "value": "customer-value"}


@dataclass(frozen=True)
class Tracker:
    """MLflow as an environment has it; `folder` is where the embedded one is."""

    settings: Tracking
    folder: Path

    @property
    def is_empty(self) -> bool:
        """Is it the embedded one, and nothing was ever put into it?"""
        return self.settings.uri == EMBEDDED and not self._database.is_file()

    @property
    def _database(self) -> Path:
        return self.folder / "mlflow.db"

    def champions(self) -> Champions:
        """The models that score, as far as there are any.

        Raises:
            LakehouseError: if the registry cannot be read.
        """
        if self.is_empty:
            return Champions()
        try:
            with self._client() as client:
                return Champions(**{each.name: self._champion(client, each.name) for each in fields(Champions)})
        except LakehouseError:
            raise
        except Exception as error:
            # of MLflow, SQLAlchemy, requests, a store's own client: their texts may name an address with its password
            what = f"the registry of models cannot be read ({type(error).__name__}), and scores wait for it: "
            remedy = (
                f"move {self._database} away, and `make train` begins anew"
                if self.settings.uri == EMBEDDED
                else "see that the server at models.uri (conf/environments) answers"
            )
            raise in_words(what + remedy, error) from error

    def record(self, kind: str, learnt: "Learnt", data: Mapping[str, int]) -> str:
        """Put a model on record with all that it was judged by, as the champion if it is the better one; its version.

        `data` are the versions of the tables that it was learnt from.
        """
        import mlflow

        from lib.models.cards import card_of

        name = self._name(kind)
        with self._client() as client, self._run(client, kind) as run:
            mlflow.log_params(dict(learnt.parameters))
            mlflow.log_metrics(dict(learnt.metrics))
            mlflow.set_tags({"judgement": learnt.why, **{f"data.{table}": each for table, each in data.items()}})
            for title, plot in learnt.plots.items():
                mlflow.log_figure(plot, f"plots/{title}.png")
            mlflow.log_dict(card_of(learnt.model, learnt.reference), _CARD)
            place = _saved(learnt, str(self.folder.parent / ".scratch"))
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            tags = {"judgement": learnt.why}
            version = str(client.create_model_version(name, place, run_id=run, tags=tags).version)
            if learnt.is_better:
                client.set_registered_model_alias(name, CHAMPION, version)
            return version

    def _name(self, kind: str) -> str:
        return f"{self.settings.prefix}{_NAMES[kind]}"

    def _champion(self, client: "MlflowClient", kind: str) -> Champion | None:
        from mlflow.artifacts import load_dict
        from mlflow.exceptions import MlflowException

        from lib.models.cards import champion_of

        try:
            version = client.get_model_version_by_alias(self._name(kind), CHAMPION)
        except MlflowException as error:
            # neither a model nor an alias of that name: nobody has trained one yet
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"}:
                return None
            raise
        card = load_dict(f"runs:/{version.run_id}/{_CARD}")
        return champion_of(kind, self._name(kind), str(version.version), card)

    @contextmanager
    def _client(self) -> Iterator["MlflowClient"]:
        # before mlflow is imported: it would send statistics of its use
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # a step that meets a server which is away is done again by the run (lib/transient.py); MLflow's own patience
        # is minutes
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        import mlflow

        # it advises whoever logs a model by hand
        logging.getLogger("mlflow").setLevel(logging.ERROR)

        uri = looked_up(self.settings.uri, "models.uri")
        if uri == EMBEDDED:
            self.folder.mkdir(parents=True, exist_ok=True)
            uri = f"sqlite:///{self._database}"
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(looked_up(self.settings.registry_uri, "models.registry_uri") or uri)
        yield mlflow.MlflowClient()

    @contextmanager
    def _run(self, client: "MlflowClient", kind: str) -> Iterator[str]:
        import mlflow

        known = client.get_experiment_by_name(_EXPERIMENT)
        if known is None:
            place = (self.folder / "artifacts").as_uri() if self.settings.uri == EMBEDDED else None
            experiment = client.create_experiment(_EXPERIMENT, artifact_location=place)
        else:
            experiment = known.experiment_id
        with mlflow.start_run(experiment_id=experiment, run_name=kind) as run:
            yield run.info.run_id


def _saved(learnt: "Learnt", scratch: str) -> str:
    """Have MLflow keep the model in a form of its own, in the run that is active; gives its address."""
    import mlflow
    from mlflow.models import infer_signature

    from lib.models.lifetime import ValueModel

    # a signature has no DECIMAL, and a whole number of it cannot be missing
    read = learnt.read.select(*[F.col(name).cast("double").alias(name) for name in learnt.read.columns])
    if isinstance(learnt.model, ValueModel):
        saved = mlflow.pyfunc.log_model(
            python_model=_as_function(learnt.model), name="model", signature=infer_signature(read),
            pip_requirements=["numpy", "pandas", "scipy"],
        )  # fmt: skip
    else:
        said = learnt.pipeline.transform(read).select("prediction") if learnt.pipeline else None
        saved = mlflow.spark.log_model(
            learnt.pipeline, artifact_path="model", signature=infer_signature(read, said), dfs_tmpdir=scratch,
            pip_requirements=[f"pyspark=={pyspark.__version__}", "numpy"],
        )  # fmt: skip
    return str(saved.model_uri)


def _as_function(model: "ValueModel") -> Any:
    """The model as MLflow takes one that is of no library: of customers, what each is worth in so many days."""
    import cloudpickle
    import pandas as pd
    from mlflow.pyfunc.model import PythonModel

    from lib.models import value

    # who loads it need not have this project
    cloudpickle.register_pickle_by_value(value)
    purchases, spend, foretell = model.purchases, model.spend, value.foretell

    class Foretell(PythonModel):
        """`params` may have `days`, 365 if not."""

        def predict(
            self,
            context: Any,  # noqa: ARG002 so MLflow calls it
            model_input: pd.DataFrame,
            params: dict[str, Any] | None = None,
        ) -> pd.DataFrame:
            read = ("purchases", "days_since_last_order", "tenure_days", "repeat_spend")
            columns = [model_input[name].to_numpy("float64") for name in read]
            return pd.DataFrame(foretell(purchases, spend, (params or {}).get("days", 365), *columns))

    return Foretell()
