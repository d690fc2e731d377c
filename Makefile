.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # modules are compiled where they are used first, not all of them at installation

# The lock names all that is installed, so nothing is resolved; a new pip needs half the time of that of an old Python.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
STORED := --config-settings="--build-option=bdist_wheel --compression=stored"  # PySpark's wheel is built: 450 MB of jars
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
EXTRA := import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]])

.PHONY: help run know test test-all soak lint docs page notebook pythons release lock clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/installed: requirements.lock requirements-pip.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(INSTALL) -r requirements-pip.lock
	$(INSTALL) --no-compile -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: .venv/installed  ## Train the default runs, score, and write the lists
	@$(BIN)/python -m crm_ml.train
	@$(BIN)/python -m crm_ml.score || test $$? -eq 3
	@$(BIN)/python -m crm_ml.score score/simulated || test $$? -eq 3
	@echo "Did it come true? A list of 1 December, by models that knew nothing later; and the simulated list played out."
	@$(BIN)/python -m crm_ml.train churn/december clv/december
	@$(BIN)/python -m crm_ml.score score/december || test $$? -eq 3
	@$(BIN)/python -m crm_ml.score.realised score/december --as-of 2018-01-01
	@$(BIN)/python -m crm_ml.score.play_out
	@echo "MLflow page: make page, then open http://localhost:5000"

KNOW := $(BIN)/python experiments/017_know_your_customers/exports.py
FIRST := 2023-11-01
NEXT := 2023-11-02

know: .venv/installed  ## Make customers of profiles, their tags and layers, a list that reads them, and the next day
	@$(KNOW) profiles --as-of $(FIRST)
	@$(BIN)/python -m crm_ml.identity configs/identity/channels.yaml --as-of $(FIRST) || test $$? -eq 3
	@$(KNOW) sales --as-of $(FIRST)
	@$(BIN)/python -m crm_ml.tags tags/know --as-of $(FIRST) --audience "recent and many_channels"
	@$(BIN)/python -m crm_ml.layers know --as-of $(FIRST) || test $$? -eq 3
	@$(BIN)/python -m crm_ml.score score/know --as-of $(FIRST) || test $$? -eq 3
	@$(KNOW) profiles --as-of $(NEXT)
	@$(BIN)/python -m crm_ml.identity configs/identity/channels.yaml --as-of $(NEXT) || test $$? -eq 3
	@$(KNOW) sales --as-of $(NEXT)
	@$(BIN)/python -m crm_ml.tags tags/know --as-of $(NEXT) --previous data/tags/know --audience "recent and many_channels"
	@$(BIN)/python -m crm_ml.layers know --as-of $(NEXT) --previous data/layers/know || test $$? -eq 3
	@$(BIN)/python -m crm_ml.score score/know --as-of $(NEXT) || test $$? -eq 3

test: .venv/installed  ## Run the tests that are quick, which guard every promise once
	@$(PYTEST) -m "not slow"

test-all: .venv/docs-installed .venv/spark-installed  ## Run all tests: also a browser, servers, whole data sets, more kills and longer replays
	@CRM_ML_TESTS=all $(PYTEST) --durations=20

soak: .venv/installed  ## Play kills, replays and random examples whole, for hours, and write the counts into tests/soak.md
	@CRM_ML_TESTS=soak $(PYTEST) -m soak --timeout=0

lint: .venv/installed  ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.venv/docs-installed: .venv/installed requirements-docs.lock
	$(INSTALL) -r requirements-docs.lock
	@touch $@

.venv/spark-installed: .venv/installed requirements-spark.lock
	$(INSTALL) --no-compile --no-build-isolation $(STORED) -r requirements-spark.lock
	@touch $@

site/index.html: .venv/docs-installed mkdocs.yml $(shell find docs crm_ml experiments notebooks *.md -type f -not -path '*/__pycache__/*')
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict || { rm -rf site; exit 1; }

docs: site/index.html  ## Build the documentation into site/, with executed notebooks; a warning is an error
	@echo "Read it: $(BIN)/python -m http.server --directory site 8000, then http://localhost:8000"

page: .venv/installed  ## Open the MLflow page of the local store on port 5000
	@$(BIN)/mlflow server --backend-store-uri "sqlite:///$${CRM_ML_RUNS:-runs}/mlflow.db" --port 5000

notebook: .venv/installed  ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

pythons: .venv/installed  ## Compile and import under each other Python at hand, without libraries
	@$(BIN)/python tests/helpers/pythons.py

release: .venv/installed  ## Build into dist/, check, and try the wheel in a fresh environment of each Python at hand
	@$(BIN)/python tests/helpers/check_release.py

lock:  ## Pin the dependencies again (needs uv)
	$(LOCK) --extra dev pyproject.toml -o requirements.lock
	echo pip | $(LOCK) - -o requirements-pip.lock
	for extra in docs spark; do \
	  $(PYTHON) -c '$(EXTRA)' $$extra | tr ' ' '\n' | $(LOCK) -c requirements.lock - -o requirements-$$extra.lock; \
	done

clean:  ## Remove the environment and everything derived
	rm -rf .venv dist site runs mlruns data/tables data/scores data/features data/lists data/notebooks .mypy_cache .ruff_cache .pytest_cache
