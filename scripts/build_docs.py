"""Write every part of the documentation that is made from the product: tables, pictures, hook requests.

Usage: build_docs.py [--check]   (--check: write nothing, name what is out of date, exit 1 if anything is)

Pages hold generated parts between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Running it twice changes nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from docs_parts import ROOT, hooks, pictures, rule_ids, tables, trace

from cds_service.pipeline import Pipeline
from cds_service.settings import settings_markdown

BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def outputs(pipeline: Pipeline) -> dict[Path, str]:
    """Every generated or partly generated file with the content it is to have."""
    service = hooks.Service(pipeline)
    made: dict[str, Callable[[], str]] = {
        "intended-use": lambda: pipeline.wording.intended_use + "\n",
        "indications": lambda: tables.indications(pipeline),
        "configuration": settings_markdown,
        "prefetch": lambda: tables.prefetch(pipeline),
        "link-hosts": lambda: tables.link_hosts(pipeline),
        "method-rules": rule_ids.rule_table,
        "requirements": trace.requirements,
        "hazards": trace.hazards,
        "coverage": trace.summary,
        "changelog": changelog,
    }
    files: dict[Path, str] = {
        ROOT / "fhir_samples" / "README.md": tables.samples(pipeline),
        ROOT / "docs" / "images" / "card.svg": pictures.card_picture(service.card("patient-view", hooks.PICTURED)),
        ROOT / "docs" / "images" / "timeline.svg": pictures.timeline_picture(hooks.PICTURED),
    }
    for hook in hooks.REQUESTS:
        files[ROOT / "fhir_samples" / "hooks" / f"{hook}.json"] = hooks.request_file(service, hook)
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if "<!-- generated:" in text:
            files[page] = filled(text, made)
    return files


def pages() -> list[Path]:
    """README and every page of docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def changelog() -> str:
    """The changelog without its heading."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n")[2]


def filled(text: str, made: dict[str, Callable[[], str]]) -> str:
    """A page with its generated parts anew. Raises KeyError for a part nobody makes."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{made[found[2]]().strip()}\n\n{found[3]}", text)


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    stale = []
    for path, wanted in outputs(Pipeline()).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted, encoding="utf-8")
    for name in stale:
        print(f"{'out of date' if '--check' in arguments else 'written'}: {name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
