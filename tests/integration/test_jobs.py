"""The jobs as a user starts them: by Python and by spark-submit, elsewhere, on a lake whose path has a space."""

import os
import shutil
import sys
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib.generate.adventureworks import generate
from lib.lock import locked
from tests.builders import CONF, Lake
from tests.integration.contents import table_rows
from tests.integration.processes import FAST, HOME, SPARK_SUBMIT, environment, run

NO_JAVA = {"JAVA_HOME": "/nowhere"}
"""Whatever would start Spark fails."""

LOCAL_CONF = CONF / "spark" / "local.conf"
ACTIVATED = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
BY_PYTHON = {
    "PYSPARK_PYTHON": sys.executable,
    # that of `make test`, which starts faster, if there is one
    "PYSPARK_SUBMIT_ARGS": os.environ.get("PYSPARK_SUBMIT_ARGS", f'--properties-file "{LOCAL_CONF}" pyspark-shell'),
}

ONLY = "customer_360"
"""With all that it is made from: half of gold."""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's files."""
    folder = tmp_path_factory.mktemp("of the user")
    generate(folder, customers=60, start=date(2017, 1, 1), end=date(2017, 6, 30), seed=5)
    return folder


def job(name: str) -> Path:
    return HOME / "jobs" / f"{name}.py"


@pytest.mark.slow
@pytest.mark.integration
def test_the_layers_one_by_one_make_the_gold_of_the_whole_pipeline_and_a_rejected_file_is_told(
    spark: SparkSession, landed: Path, tmp_path: Path
) -> None:
    whole, parts = (Lake(spark, tmp_path / name, CONF) for name in ("in one go", "layer by layer"))
    outcome = whole.run(copy_from=landed, only=[ONLY], resolved=True)
    assert outcome.status == 0, outcome.text

    shutil.copytree(landed, parts.landing / "adventureworks")
    parts.land_lines("Sales_2018", "OrderDate,OrderNumber", "1/1/2018,SO1")
    by_submit = [SPARK_SUBMIT, "--properties-file", LOCAL_CONF, "--driver-java-options", FAST]
    said = {}
    for name, start, env, status in (
        ("ingest_bronze", by_submit, ACTIVATED, 1),
        ("refine_silver", [sys.executable], BY_PYTHON, 0),
        ("build_gold", [sys.executable], BY_PYTHON, 0),
    ):
        done = run(
            *start, job(name), "--root", parts.root, "--only", ONLY, cwd=tmp_path, env=environment(**env), timeout=300
        )
        said[name] = done.stdout + done.stderr
        assert done.returncode == status, said[name]
        assert f"{status} failed" in done.stdout.splitlines()[-1]
    assert "AdventureWorks_Sales_2018.csv: rejected: columns OrderLineItem, StockDate, " in said["ingest_bronze"]

    expected = table_rows(whole, ["gold"])
    assert {"gold.fact_sales", "gold.customer_metrics"} <= {*expected}
    assert len(expected["gold.customer_360"]) == 60
    assert table_rows(parts, ["gold"]) == expected


def test_every_mistake_in_the_configuration_is_told_before_spark_starts(tmp_path: Path) -> None:
    conf, root = tmp_path / "my conf", tmp_path / "lake"
    shutil.copytree(CONF, conf)
    sales, returns = (conf / "contracts" / "adventureworks" / f"{name}.yml" for name in ("sales", "returns"))
    sales.write_text(sales.read_text().replace("key: [order_number, order_line]", "key: [order_id, order_line]"))
    returns.write_text(returns.read_text().replace("type: int", "type: whole"))
    done = run(
        sys.executable, job("run_pipeline"), "--root", root, "--conf", conf,
        cwd=tmp_path, env=environment(**NO_JAVA), timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [str(returns)] * 3 + [str(sales)]
    assert lines[0].startswith(f"{returns}: columns.territory_key.type: 'whole' is not a type (allowed: string, int")
    assert lines[3].startswith(f"{sales}: key: 'order_id' is not a column (there are order_number, order_line")
    assert not root.exists()


def test_a_lake_that_another_run_holds_is_left_alone_before_spark_starts(tmp_path: Path) -> None:
    root = tmp_path / "my lake"
    (root / "landing").mkdir(parents=True)
    with locked(root):
        before = (root / ".lock").read_text()
        done = run(
            sys.executable, job("run_pipeline"), "--root", root,
            cwd=tmp_path, env=environment(**NO_JAVA), timeout=60,
        )  # fmt: skip
        assert (root / ".lock").read_text() == before
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"another run holds {root / '.lock'} since ")
    assert line.endswith("on this host); nothing was changed")
    assert sorted(file.name for file in root.iterdir()) == [".lock", "landing"]
