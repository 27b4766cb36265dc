# Tasks of the house; `make help` lists them. Everything runs in ./.venv, made on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed.stamp
SPINE := $(VENV)/spine.stamp

.DEFAULT_GOAL := help
.PHONY: help install demo test check fix docs clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## (.*)/  make \1\t\2/' | expand -t 20

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

# What a user needs.
$(SPINE): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

# What a developer needs on top.
$(INSTALLED): $(SPINE)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[raw,train]" --group test --group lint
	@touch $@

install: $(INSTALLED)  ## make .venv with everything that developing needs

demo: $(SPINE)  ## merge the example bracket and say where the results are
	@mkdir -p demo-output
	$(BIN)/ahdr merge examples/low.jpg examples/mid.jpg examples/high.jpg -o demo-output/merged.exr --overwrite
	$(BIN)/ahdr merge examples/low.jpg examples/mid.jpg examples/high.jpg -o demo-output/merged.hdr --overwrite --no-preview
	@echo
	@echo "The merged radiance:   demo-output/merged.exr and demo-output/merged.hdr"
	@echo "A tonemapped preview:  demo-output/merged_preview.png"

check: $(INSTALLED)  ## formatting, lint, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## check, then the whole suite
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

fix: $(INSTALLED)  ## let the tools mend formatting and lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## write the help of every command to docs/commands.md
	$(BIN)/python docs/generate.py

clean:  ## remove .venv, caches and demo output
	rm -rf $(VENV) demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
