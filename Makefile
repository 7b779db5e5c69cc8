# Every target works on a fresh clone: it makes .venv and installs what it needs. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help demo test test-matrix test-versions check bench stack generate lock clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

demo: ## Train a small classifier with a planted fault and see what it finds (ARGS="--inject none")
	@$(PYTHON) scripts/make_venv.py demo
	@$(BIN)/otel-mldebug demo $(ARGS)

test: ## Run every test, those against the real collector and Prometheus included (ARGS are pytest's)
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/python -m stack.build --if-possible
	@$(BIN)/python -m pytest $(ARGS)

test-matrix: ## Run the tests without PyTorch on the other Pythons and on the oldest OpenTelemetry SDK
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/nox --no-error-on-missing-interpreters -s matrix oldest $(ARGS)

test-versions: ## Run the training tests on the oldest and the newest PyTorch (downloads both)
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/nox --no-error-on-missing-interpreters -s torch $(ARGS)

check: ## Lint, types, layers, generated files
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/contracts tests/semconv

bench: ## Measure what watching costs, as ratios, and write them as JSON
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/python -m benchmarks $(ARGS)

stack: ## Build (once) and start the real collector and Prometheus on loopback
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/python -m stack $(ARGS)

generate: ## Write everything that is generated: names, reference pages, dashboards
	@$(PYTHON) scripts/make_venv.py check
	@$(BIN)/python scripts/generate.py

lock: ## Resolve the versions of constraints/ anew (needs uv)
	@for set in "constraints --extra demo --group dev --group stack --group provoke --group serve" "oldest --group test --resolution lowest-direct"; do \
	  set -- $$set; name=$$1; shift; \
	  uv pip compile -q --universal --python-version 3.10 --no-header --no-annotate pyproject.toml $$@ -o constraints/$$name.txt || exit 1; \
	done

clean: ## Remove what the targets made in this directory
	rm -rf $(VENV) .nox .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build .mldebug
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
