"""Write rules/regimens.yaml from the regimen table of the lines-of-therapy reference (section d).

Usage: build_regimens.py REFERENCE.md OUT.yaml
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FAMILIES = {
    "LBCL": "lbcl",
    "FL": "fl",
    "MZL": "mzl",
    "MCL": "mcl",
    "CLL": "cll_sll",
    "B-ALL": "b_all",
    "MM": "multiple_myeloma",
}
TYPES = {"p": "pulsed", "c": "continuous", "x": "procedure"}
INGREDIENTS = {
    "pegylated liposomal doxorubicin": "doxorubicin_liposomal",
    "vincristine liposomal": "vincristine_liposomal",
}
HEAD = """\
# Named regimens: identity is the set of core ingredients; steroid, route and dose do not distinguish (F2, F1).
# type: pulsed, continuous, procedure (tied to a transplant or cell infusion; never opens a line).
# source: section (d) of the lines-of-therapy reference; check: its check column, UNVERIFIED kept as it stands.
# A regimen marked UNVERIFIED is never shown to a clinician by name (decision 39).
schema: cart-cds.regimens/1
regimens:
"""


def main(reference: str, out: str) -> None:
    """Read the table and write the YAML."""
    lines = [HEAD]
    for row in Path(reference).read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in row.strip("|").split("|")]
        if len(cells) < 7 or not cells[0].isdigit():
            continue
        number, name, disease, ingredients, role, kind, check = cells[:7]
        optional = re.search(r"\[(.*)\]", ingredients)
        core = _names(re.sub(r"\[.*\]", "", ingredients))
        extra = _names(optional[1] if optional else "")
        families = sorted(set(_families(disease)), key=list(FAMILIES.values()).index)
        lines.append(f"- number: {number}\n  name: {name!r}\n  families: [{', '.join(families)}]\n")
        lines.append(f"  core: [{', '.join(core)}]\n")
        if extra:
            lines.append(f"  optional: [{', '.join(extra)}]\n")
        lines.append(f"  role: {role!r}\n  type: {TYPES[kind]}\n")
        if "multi-part" in role:
            lines.append("  multi_part: true\n")
        lines.append(f"  check: {check!r}\n")
        if "UNVERIFIED" in check:
            lines.append("  unverified: true\n")
    Path(out).write_text("".join(lines), encoding="utf-8")


def _families(text: str) -> list[str]:
    if text.startswith("all"):
        return list(FAMILIES.values())
    return [FAMILIES[part.strip()] for part in text.split(",")]


def _names(text: str) -> list[str]:
    names = [n.strip() for n in text.split(",") if n.strip()]
    return [INGREDIENTS.get(n, n.replace(" ", "_")) for n in names]


if __name__ == "__main__":
    main(*sys.argv[1:3])
