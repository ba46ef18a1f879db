"""Long fuzzing (make fuzz): whatever an EHR sends is answered or refused; nothing crashes a room."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cds_service.cards import CardOptions, HookView, card_json
from cds_service.errors import CartCdsError
from cds_service.fhir import read_record
from cds_service.fhir.decode import decode_record
from cds_service.labels import as_json
from cds_service.pipeline import JURISDICTIONS, Pipeline

pytestmark = pytest.mark.fuzz

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "fhir_samples").glob("*.json"))
AS_OF = date(2026, 11, 21)
DECODER_SECONDS, EXAMPLES = 150, 6000
OPTIONS = CardOptions(base_url="https://cds.example.org")
HOOK = HookView(hook="patient-view", hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", service_id="cart-cds")
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 0.5, "", " ", "2026-02-30", "9999", "0001-01-01", "#", "urn:uuid:", "unknown", "C83.30",
    [], [None], {}, {"value": "x"}, {"reference": "#"}, {"coding": [None]}, {"start": "2026", "end": "2020"},
)  # fmt: skip


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this machine")
def test_no_bytes_crash_the_decoder(tmp_path: Path) -> None:
    """Coverage-guided, from the sample patients."""
    seeds, found = tmp_path / "seeds", tmp_path / "found"
    seeds.mkdir()
    found.mkdir()
    for path in SAMPLES:
        entries = json.loads(path.read_bytes())["entry"]
        for at in range(0, len(entries), 4):
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries[at : at + 4]}
            (seeds / f"{path.stem}-{at}").write_text(json.dumps(bundle), encoding="utf-8")
    limits = [f"-max_total_time={DECODER_SECONDS}", "-max_len=8192", "-timeout=60", f"-artifact_prefix={found}/"]
    target = Path(__file__).with_name("fuzz_decoder.py")
    run = subprocess.run([sys.executable, target, found, seeds, *limits], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]


@cache
def pipeline() -> Pipeline:
    return Pipeline()


@cache
def sample(number: int) -> Any:
    return json.loads(SAMPLES[number].read_bytes())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in inner] + [p for key, v in inner for p in places(v, (*path, key))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A sample patient with up to eight elements lost, replaced, doubled or swapped for those of another place."""
    chart = copy.deepcopy(sample(draw(st.integers(0, len(SAMPLES) - 1))))
    for _ in range(draw(st.integers(1, 8))):
        path = draw(st.sampled_from(places(chart)))
        holder = chart
        for key in path[:-1]:
            holder = holder[key]
        kind = draw(st.sampled_from(("lost", "odd", "double", "other")))
        if kind == "lost":
            del holder[path[-1]]
        elif kind == "odd":
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif kind == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        else:
            other = draw(st.sampled_from(places(chart)))
            if other[: len(path)] != path:
                value = chart
                for key in other:
                    value = value[key]
                holder[path[-1]] = copy.deepcopy(value)
        if not isinstance(chart, dict) or not places(chart):
            break
    return chart


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink)
)
@given(damaged())
def test_a_damaged_chart_is_answered_or_refused(chart: Any) -> None:
    """Through every room: decoded, described, judged for the US and the EU by both evaluators, put on cards."""
    try:
        decoded = decode_record(json.dumps(chart).encode())
        record = read_record(decoded.resources, decoded.issues, known=pipeline().reads)
    except CartCdsError:
        return
    for jurisdiction in JURISDICTIONS:
        assessment = pipeline().assessment(record, AS_OF, jurisdiction)
        json.dumps(as_json(assessment))
        for card in pipeline().cards(assessment, HOOK, OPTIONS):
            assert len(card_json(card)["summary"]) < 140
