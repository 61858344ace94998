# `make` alone lists the targets. Variables: ROOT, LANDING, ARGS, FAST, PYTHON (`make help` says what they do).
.DEFAULT_GOAL := help
.PHONY: help setup demo landing run identify train score explain export erase rotate publish queries dashboard maintain status quarantine test test-all bench check \
    docs format validate lock clean ready

# set here, so that only the command line changes them: an environment often has a ROOT or an ARGS of its own
ROOT :=
LANDING :=
ARGS :=
FAST :=
# .venv keeps the Python that it was made with, until another one is named
PYTHON := $(shell .venv/bin/python -c '' 2>/dev/null && echo .venv/bin/python || echo python3)
ifneq ($(ROOT),)
export LAKEHOUSE_ROOT := $(ROOT)
endif
ifneq ($(LANDING),)
export LAKEHOUSE_LANDING := $(LANDING)
endif

# Jobs run as plain Python, which starts the JVM itself: under spark-submit their stdout is a pipe and not the terminal.
# The archive of classes (tools/setup.py makes it) halves the start; -Xlog: a JVM that cannot use it says nothing of it.
# FAST stops at the quick compiler: best for small work (the demo), twice as long for a big load or some hundred runs.
# TINY has rows outside of Spark's fused stages interpreted: best for a few rows (a fifth of the tests' time), and half as
# long again for some ten thousand; plans are described in short, which nobody reads. It has a larger heap, for one
# session keeps the plans of hundreds of runs, and room for what is compiled of all that plans them.
JVM = "-Dlog4j2.configurationFile=$(CURDIR)/conf/spark/log4j2.properties" \
      "-XX:SharedArchiveFile=$(CURDIR)/.venv/spark.jsa" -Xshare:auto \
      -Xlog:disable -Xlog:all=error,cds*=off:stderr $(if $(FAST),-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m) \
      $(if $(TINY),-XX:ReservedCodeCacheSize=480m)
export PYSPARK_SUBMIT_ARGS = --properties-file "$(CURDIR)/conf/spark/local.conf" \
    $(if $(TINY),--driver-memory 4g --conf spark.sql.codegen.factoryMode=NO_CODEGEN \
        --conf spark.sql.debug.maxToStringFields=4) --driver-java-options '$(JVM)' pyspark-shell
# .venv's Spark and Python, whatever other ones the user's environment names
export PYSPARK_PYTHON := $(CURDIR)/.venv/bin/python
unexport SPARK_HOME SPARK_CONF_DIR PYSPARK_DRIVER_PYTHON PYTHONPATH

JOB = .venv/bin/python jobs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'ROOT=folder      the lake (default: .lakehouse; or LAKEHOUSE_ROOT in the environment)'
	@echo 'LANDING=folder   files to copy into landing first (or LAKEHOUSE_LANDING)'
	@echo 'ARGS="..."       more arguments for the job, pytest or the tool, e.g. ARGS=--help'
	@echo 'FAST=1 or FAST=  run: for a small load or for a large one (default: by what waits in landing)'
	@echo 'PYTHON=program   setup: the Python to use (default: python3)'

setup: ready ## packages, Delta and a faster start into .venv; every other target does it when needed
	@echo 'ready: .venv'

demo: FAST := 1
demo: ready ## a small lake from generated files (or LANDING) to customer_360
	$(if $(LAKEHOUSE_LANDING),,$(JOB)/generate_landing.py)
	$(JOB)/run_pipeline.py --show $(ARGS)

landing: ready ## generate landing files
	$(JOB)/generate_landing.py $(ARGS)

# a small load, less than 100 MB of waiting files, is done before the better compiler would pay
LAKE = $(or $(LAKEHOUSE_ROOT),.lakehouse)
run: FAST := $(if $(findstring ://,$(LAKE)),,$(shell du -sk "$(LAKE)/landing" $(if $(LAKEHOUSE_LANDING),"$(LAKEHOUSE_LANDING)") 2>/dev/null | \
    awk '{ kb += $$1 } END { if (kb < 100000) print 1 }'))
run: ready ## all layers: what is new in landing, to gold
	$(JOB)/run_pipeline.py $(ARGS)

identify: ready ## which records of the sources are one person; ARGS=--help: decisions, a new model
	$(JOB)/resolve_identities.py $(ARGS)

train: ready ## models of who leaves and of what customers will be worth; what beats its baselines scores from then on
	$(JOB)/train_models.py $(ARGS)

score: ready ## customers by these models, as every run does; published
	$(JOB)/score_customers.py $(ARGS)

export: ready ## all that is known of a person as JSON: ARGS="--customer pos:C0001234 [--to person.json]"
	$(JOB)/export_customer.py $(ARGS)

erase: ready ## forget a person, and prove it: ARGS="--customer pos:C0001234 --reason 'asked by letter'"
	$(JOB)/erase_customer.py $(ARGS)

rotate: ready ## personal columns under the current key (`encryption` in lakehouse.yml); ARGS=--at-once: older versions go
	$(JOB)/rotate_keys.py $(ARGS)

publish: ready ## gold to the database that serves it, as every run does; ARGS=--list, ARGS=--rollback
	$(JOB)/publish_gold.py $(ARGS)

queries: ready ## the queries of conf/queries, asked of that database; ARGS="monthly_trend --limit 50"
	$(JOB)/run_queries.py $(ARGS)

maintain: ready ## fewer and better files, unused ones deleted: weekly; ARGS=--dry-run: what it would do
	$(JOB)/maintain_tables.py $(ARGS)

status: ready ## how the lake is: last runs, freshness, quarantine, trends
	$(JOB)/status.py $(ARGS)

explain: ready ## why a customer's row says what it says: ARGS="--customer pos:C0001234 [--column total_spend]"
	$(JOB)/explain_customer.py $(ARGS)

dashboard: ready ## what was published, in a browser on this machine; ARGS="--port 8600", ARGS=--help
	$(JOB)/dashboard.py $(ARGS)

quarantine: ready ## rows that wait: ARGS="list", "show pos_sales", "export", "replay pos_sales file", "discard ..."
	$(JOB)/quarantine.py $(or $(ARGS),list)

test test-all: TINY := 1
test: ready ## the tests but for the slow ones; ARGS="tests/test_silver.py -k late"
	.venv/bin/python -m pytest $(ARGS)

test-all: ready ## all tests, the slow ones too: what a change has to pass
	.venv/bin/python -m pytest -m "slow or not slow" $(ARGS)

bench: ready ## time and memory beside two other pipelines, some minutes; ARGS=tills, identity, serving, models or anomalies: these alone
	.venv/bin/python -m tests.benchmarks $(ARGS)

check: ready ## format, lint, types, and that the generated documents are current
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	$(JOB)/generate_docs.py --check

docs: ready ## the table catalogue, schemas for editors, notebooks for Fabric, the Power BI project
	$(JOB)/generate_docs.py

format: ready ## put the code into shape
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

validate: ready ## the configuration: every mistake, with file and key
	$(JOB)/validate_config.py $(ARGS)

COMPILE = .venv/bin/uv pip compile --universal --python-version 3.10 --fork-strategy fewest --quiet \
    --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
lock: ready ## requirements.lock anew from pyproject.toml; ARGS=--upgrade takes the newest versions
	$(COMPILE) pyproject.toml --group dev --output-file requirements.lock $(ARGS)
	$(COMPILE) --group airflow --output-file schedulers/airflow/requirements.txt $(ARGS)

clean: ## remove the environment, caches and leftovers; lakes stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info spark-warehouse metastore_db derby.log
	find jobs lib schedulers tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	    echo 'setup: Python 3.10 or newer is needed, but $(PYTHON) is' "$$($(PYTHON) --version 2>&1 | tail -n 1)." >&2; \
	    echo '  Another one that is installed: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) tools/setup.py
