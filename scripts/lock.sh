#!/bin/sh
# Writes the pinned requirements with hashes: dev.txt (everything), run.txt (the service alone), build.txt
# (what builds durable-rules), wheel.txt (what builds our wheel), fuzz.txt (what make fuzz adds).
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv 2>/dev/null || echo .uv/bin/uv)
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$@"; }
compile pyproject.toml --group dev -o requirements/dev.txt
compile pyproject.toml --extra postgresql -c requirements/dev.txt -o requirements/run.txt
compile requirements/build.in -o requirements/build.txt
compile requirements/wheel.in -o requirements/wheel.txt
compile requirements/fuzz.in -o requirements/fuzz.txt
