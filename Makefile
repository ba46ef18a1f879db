# Four commands: make demo, make test, make setup, make soak. Each does its own set-up.
.POSIX:
.PHONY: demo test setup lint soak fuzz bench docs lock clean

BIN = .venv/bin
DEMO_PORT = 8080

demo: setup
	@DEMO_PORT=$(DEMO_PORT) $(BIN)/python scripts/demo.py

test: setup lint
	@$(BIN)/python -m pytest -n auto -m "not soak and not fuzz" -rs

setup:
	@sh scripts/setup.sh

lint: setup
	@$(BIN)/ruff format --check --quiet . || { echo "formatting differs: run .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >.venv/imports.log 2>&1 || { cat .venv/imports.log >&2; exit 1; }

soak: setup
	@$(BIN)/python -m pytest -m soak -rs --timeout 3600

# About five minutes. The decoder is fuzzed by atheris where it has a wheel, else the property tests run alone.
fuzz: setup
	@"$$(command -v uv || echo .uv/bin/uv)" pip install --quiet --only-binary :all: --require-hashes --python $(BIN)/python -r requirements/fuzz.txt || echo "no atheris for this machine" >&2
	@$(BIN)/python -m pytest -m fuzz -rs --timeout 3600

bench: setup
	@$(BIN)/python -m benchmarks.patient_view
	@$(BIN)/python -m benchmarks.history

docs: setup
	@$(BIN)/mkdocs build --strict --quiet

lock:
	@sh scripts/lock.sh

clean:
	@rm -rf .venv .uv site var
