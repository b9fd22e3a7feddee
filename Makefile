# Two commands for a bare machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test coverage lowest lint docs lock clean

demo: .venv/installed
	$(BIN)/manifest-tools prepare sample_data/images --labels sample_data/labels.csv \
		--predictions sample_data/predictions.manifest --target Alcohol:false-positives \
		--to s3://example-bucket/demo --out demo-out

test: .venv/installed-test
	$(BIN)/python -m pytest -n auto

coverage: .venv/installed-test
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered

# The same tests with the lowest versions that pyproject.toml allows; TESTS names some of them.
lowest: .venv/lowest/installed
	.venv/lowest/bin/python -m pytest -n auto $(TESTS)

lint: .venv/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site: build/docs/index.html.
docs: .venv/installed-docs
	$(BIN)/python -m sphinx -W --keep-going --quiet -d build/doctrees docs build/docs

# The exact versions of a developer's environment, for every system and Python that pyproject.toml allows.
lock: .venv/installed
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml --output-file requirements-dev.txt

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/installed-%: .venv/installed
	$(BIN)/pip install --quiet --editable '.[$*]'
	touch $@

.venv/lowest/installed: pyproject.toml .venv/installed
	$(BIN)/pip install --quiet uv
	$(PYTHON) -m venv .venv/lowest
	$(BIN)/uv pip install --quiet --python .venv/lowest/bin/python --resolution lowest-direct --editable '.[test]'
	touch $@

clean:
	rm -rf .venv build dist demo-out docs/_generated
