.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY := PASSIVE
unexport PYTHONDONTWRITEBYTECODE  # modules are compiled where they are used first, not all of them at installation

.PHONY: help run test lint page notebook lock clean

help:  ## Show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: .venv/installed  ## Train the default runs, score, and write the lists
	@$(BIN)/python -m crm_ml.train
	@$(BIN)/python -m crm_ml.score || test $$? -eq 3
	@$(BIN)/python -m crm_ml.score score/simulated || test $$? -eq 3
	@echo "MLflow page: make page, then open http://localhost:5000"

test: .venv/installed  ## Run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/installed  ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

page: .venv/installed  ## Open the MLflow page of the local store on port 5000
	@$(BIN)/mlflow server --backend-store-uri "sqlite:///$${CRM_ML_RUNS:-runs}/mlflow.db" --port 5000

notebook: .venv/installed  ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

lock:  ## Pin the dependencies again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev \
	  --no-header --no-annotate pyproject.toml -o requirements.lock

clean:  ## Remove the environment and everything derived
	rm -rf .venv runs mlruns data/tables data/scores data/features data/lists .mypy_cache .ruff_cache .pytest_cache
