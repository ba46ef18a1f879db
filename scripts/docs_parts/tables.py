"""Tables of README and docs made from the rule packs, the settings and the story of each sample patient."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from cds_service.cdshooks.prefetch import load_templates
from cds_service.pipeline import Pipeline
from cds_service.rule_files import read_yaml
from docs_parts import ROOT

SAMPLES = ROOT / "fhir_samples"
PLACES = {"us": "United States (FDA)", "eu": "European Union (EMA)"}
OUTCOMES = {
    "match": "a card that suggests a referral review",
    "review": "a card: the label leaves the answer to a clinician",
    "unknown": 'a card: "cannot determine", with what is missing',
    "near miss": "close to a label, and silent",
    "silent": "silent",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    first = list(head)
    lines = [first, ["---"] * len(first), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def story() -> dict[str, Any]:
    """``fhir_samples/patients.yaml``."""
    content: dict[str, Any] = read_yaml(SAMPLES / "patients.yaml", "patients.yaml").content
    return content


def told_on() -> date:
    """The day the sample patients are judged on; the documentation speaks of the same day."""
    return date.fromisoformat(story()["as_of"])


def indications(pipeline: Pipeline) -> str:
    """Every indication in force, by jurisdiction, as the packs say it."""
    parts = []
    for jurisdiction, place in PLACES.items():
        ruleset = pipeline.rulesets[jurisdiction]
        found = ruleset.in_force(told_on())
        rows = [
            (
                f"`{one.id}`",
                f"{one.product.name} ({one.product.brand})",
                one.title,
                one.approval,
                one.effective_from.isoformat(),
            )
            for one in found
        ]
        head = ("Rule", "Product", "Indication, in our words", "Approval", "This wording since")
        products = len({one.product.brand for one in found})
        parts.append(f"**{place}: {len(found)} indications of {products} products**\n\n{table(head, rows)}")
    day = told_on().isoformat()
    return "\n".join([*parts, f"Label rules {pipeline.rulesets['us'].version}, in force on {day}.\n"])


def prefetch(pipeline: Pipeline) -> str:
    """What each prefetch key asks for and what it is needed for (PRE-11), then the queries to copy (PRE-16)."""
    templates = load_templates(pipeline.rules)
    rows = [(f"`{one.key}`", one.type, one.needed_for) for one in templates]
    queries = "\n".join(f"{one.key}: {one.query}" for one in templates)
    return f"{table(('Key', 'Resources', 'Needed for'), rows)}\n```text\n{queries}\n```\n"


def link_hosts(pipeline: Pipeline) -> str:
    """The hosts that links of cards lead to, by jurisdiction (LNK-05)."""
    rows = []
    for jurisdiction, place in PLACES.items():
        pages = {one.product.page for one in pipeline.rulesets[jurisdiction].in_force(told_on())}
        hosts = sorted({urlsplit(page).hostname or "" for page in pages})
        rows.append((place, ", ".join(f"`{host}`" for host in hosts)))
    return table(("Label rules", "Hosts of links, beside that of `CART_CDS_PUBLIC_URL`"), rows)


def samples(pipeline: Pipeline) -> str:
    """The README of the sample patients."""
    told = story()
    families = pipeline.wording.families
    rows = []
    for patient in told["patients"]:
        cards = patient["expect"].get("cards", {})
        count = ", ".join(f"{j} {n}" for j, n in cards.items())
        family = families.get(patient.get("family") or "", "none of the label diseases")
        name = patient["id"]
        rows.append((f"[{name}]({name}.json)", patient["story"], family, OUTCOMES[patient["outcome"]], count))
    head = ("Patient", "Story", "Disease", "What the service does", "Cards at patient-view")
    return SAMPLES_TEXT.format(count=len(rows), day=told["as_of"], table=table(head, rows))


SAMPLES_TEXT = """<!-- Made by scripts/build_docs.py from patients.yaml. Change the story there. -->

# Sample patients

{count} invented people, one FHIR R4 Bundle each. Nobody here exists; every resource carries the tag `HTEST` (test
health data). The stories stand in `patients.yaml`, `scripts/build_samples.py` writes the Bundles from them, and
`tests/samples` holds every promise below. All stories are told on {day}: later the same records read differently,
since a relapse grows old and people have birthdays.

```sh
.venv/bin/cart-cds evaluate fhir_samples/dlbcl-third-line.json --as-of {day}
.venv/bin/cart-cds timeline fhir_samples/dlbcl-third-line.json --as-of {day} --out history.svg
```

{table}
## Whole CDS Hooks requests

`hooks/` holds requests as an EHR would send them, with every prefetch key answered:

| File | Send it to |
|---|---|
| [hooks/patient-view.json](hooks/patient-view.json) | `POST /cds-services/cart-referral-patient-view` |
| [hooks/order-select.json](hooks/order-select.json) | `POST /cds-services/cart-referral-order-select` |

`cart-cds call FILE --hook H` makes such a request from any Bundle; with `--show-request` it prints it and sends
nothing.
"""
