# Every target sets up what it needs: Python 3.11 or newer with pip is enough. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test test-clients conformance chaos chaos-long lint types bench docs wheel-test clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# PYTHON=... picks the interpreter; else it is the first of these that runs and is new enough.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python)
# ARGS=... goes to pytest: make test ARGS="-k confirm -x".
ARGS ?=
# Tests at the same time; more than the cores, since many wait for child processes.
WORKERS ?= 4

# pyright asks npm for a newer pyright, else; the one to use is the one that was installed.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

define find_python
python=; for candidate in $(CANDIDATES); do \
  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
    python=$$candidate; break; \
  fi; \
done; \
if [ -z "$$python" ]; then \
  echo "fly-mcp needs Python 3.11 or newer, and there is none under: $(CANDIDATES)." >&2; \
  echo "Say where it is: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.11" >&2; \
  exit 1; \
fi
endef

# $(call install,FOLDER,WHAT): a virtual environment with WHAT in it. Debian's Python may lack ensurepip;
# then its own pip fills the environment.
define install
$(find_python); \
echo "Setting up $(1) with $$($$python --version 2>&1). It takes a minute, once."; \
if command -v uv >/dev/null 2>&1; then \
  uv venv --quiet --allow-existing --python "$$python" $(1) \
  && uv pip install --quiet --python $(1)/bin/python $(2); \
else \
  { $$python -m venv $(1) >/dev/null 2>&1 \
    || { $$python -m venv --clear --without-pip $(1) \
         && $$python -m pip --python $(1)/bin/python install --quiet pip; }; } \
  && $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); \
fi
endef

$(READY): pyproject.toml
	@$(call install,$(VENV),-e '.[dev]')
	@touch $@

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Play the documented use cases against the embedded Fly; no account needed
	@$(BIN)/fly-mcp demo

test: $(READY) ## Run the tests (ARGS=... goes to pytest)
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

test-clients: $(READY) ## Run clients written for the real Fly against the emulator (Go and Node needed)
	@$(BIN)/python tests/clients/run.py $(ARGS)

conformance: $(READY) ## Run MCP's own conformance suite against the HTTP server (Node's npm needed)
	@$(BIN)/python tests/conformance/run.py

# ARGS="--seed 7" runs another one; docs/chaos.md says what is run and what is judged.
chaos: $(READY) ## Run 5,000 random calls against an unwell Fly, and kill servers, and judge what they said
	$(BIN)/python -m tests.chaos $(ARGS)
	$(BIN)/python -m tests.chaos.real

MINUTES ?= 30
chaos-long: $(READY) ## The same with seeds by chance, for half an hour (MINUTES=30)
	$(BIN)/python -m tests.chaos --minutes $(MINUTES)
	$(BIN)/python -m tests.chaos.real --long

lint: $(READY) ## Check style, format and that the generated documentation is fresh
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/fly-mcp docs --check

types: $(READY) ## Check types, with mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(READY) ## Measure start-up, a read tool and tokens against baselines (BENCH_N=20)
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.remote

docs: $(READY) ## Rewrite the generated parts of the documentation
	$(BIN)/fly-mcp docs --write

WHEEL := build/wheel
WHEEL_VENV := .venv-wheel
# What the tests read besides themselves.
WITH_TESTS := tests docs pyproject.toml README.md CHANGELOG.md LICENSE Makefile claude_desktop_config.example.json

wheel-test: $(READY) ## Build the wheel and run a copy of the tests against it, outside the checkout
	@rm -rf $(WHEEL) $(WHEEL_VENV)
	$(BIN)/python -m build --wheel --outdir $(WHEEL) .
	@$(call install,$(WHEEL_VENV),"$$(echo $(WHEEL)/*.whl)[test]")
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT \
	&& cp -R $(WITH_TESTS) "$$copy" && find "$$copy" -name __pycache__ -prune -exec rm -rf {} + \
	&& cd "$$copy" && "$(CURDIR)/$(WHEEL_VENV)/bin/pytest" -q -n $(WORKERS) --dist worksteal -p no:cacheprovider $(ARGS)

clean: ## Remove what these targets made
	rm -rf $(VENV) $(WHEEL_VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
