#!/bin/sh
# Sets up .venv at the root: a Python 3.11 or 3.12, every dependency at its pinned version with its hash, cart-cds itself.
# Does nothing when the environment already fits the pinned versions.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
# The certificates the machine trusts: behind a hospital's proxy they are not the ones uv ships.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
say() { printf '%s\n' "cart-cds setup: $*" >&2; }
stop() { say "$*"; exit 1; }

stamp=.venv/.cart-cds-stamp
# Of pyproject.toml only what concerns the installation: settings of the linters rebuild nothing.
wanted=$({ cat requirements/dev.txt scripts/setup.sh; sed '/^\[tool\.ruff\]/,$d' pyproject.toml; } | cksum)
if [ -x .venv/bin/cart-cds ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

for compiler in "${CC:-cc}" gcc clang; do
  if command -v "$compiler" >/dev/null 2>&1; then found=yes; break; fi
done
[ "${found:-}" = yes ] || stop "a C compiler is missing (durable-rules is built from source): install gcc or clang, for instance the package build-essential, then run this again"

python=
for name in python3.12 python3.11 python3 python; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then python=$name; break; fi
done
[ -n "$python" ] || stop "no Python 3 found: install Python 3.11 or 3.12, then run this again"

if command -v uv >/dev/null 2>&1; then uv=uv
elif [ -x .uv/bin/uv ]; then uv=.uv/bin/uv
else
  say "fetching uv $UV_VERSION"
  if "$python" -m venv .uv >/dev/null 2>&1; then
    .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" \
      || stop "uv could not be installed: check that the package index can be reached"
  else
    rm -rf .uv
    "$python" -m pip install --quiet --disable-pip-version-check --target .uv/lib "uv==$UV_VERSION" \
      || stop "neither venv nor pip works with $python: install the packages python3-venv and python3-pip, then run this again"
    mkdir -p .uv/bin && ln -sf ../lib/bin/uv .uv/bin/uv
  fi
  uv=.uv/bin/uv
fi

interpreter=
for name in python3.12 python3.11 python3 python; do
  path=$(command -v "$name" 2>/dev/null) || continue
  if "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' >/dev/null 2>&1; then interpreter=$path; break; fi
done
if [ -z "$interpreter" ]; then
  interpreter=$("$uv" python find '>=3.11,<3.13' 2>/dev/null) || interpreter=
fi
if [ -z "$interpreter" ]; then
  say "no Python 3.11 or 3.12 found; fetching 3.12"
  "$uv" python install --quiet 3.12 >/dev/null 2>&1 \
    || stop "Python 3.11 or 3.12 is needed (durable-rules loads on no newer one) and could not be fetched: install one, then run this again"
  interpreter=3.12
fi

say "installing into .venv with $interpreter"
"$uv" venv --quiet --clear --python "$interpreter" .venv || stop "the environment .venv could not be made with $interpreter"
"$uv" pip sync --quiet --require-hashes --build-constraint requirements/build.txt --python .venv/bin/python requirements/dev.txt \
  || stop "the dependencies could not be installed: check that the package index can be reached and that the C compiler works (Python's header files are needed too: package python3-dev)"
"$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python -e . || stop "cart-cds itself could not be installed"
.venv/bin/python -c 'import durable.engine' 2>/dev/null || stop "durable-rules was built but does not load with $interpreter"
printf '%s' "$wanted" > "$stamp"
