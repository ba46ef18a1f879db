"""How a record is written changes nothing in what is read: order, duplicates, reference style, pages."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

from fhir_kit import PATIENT, all_of, bundle, coded, read, resource
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.integers(0, 5).map(str)
DATES = st.dates().map(str).flatmap(lambda d: st.sampled_from((d, d[:7], d[:4])))
CODES = st.sampled_from(("1", "2", "3")).map(coded)
BASE = "https://ehr.example.org/fhir"


@st.composite
def resources(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A patient and up to a dozen resources that refer to one another, no two with one id."""
    made: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(
            st.sampled_from(("Condition", "Observation", "Medication", "MedicationRequest", "MedicationAdministration"))
        )
        one = resource(kind, draw(NAMES), code=draw(CODES))
        if kind == "Observation":
            one |= {"effectiveDateTime": draw(DATES), "focus": [{"reference": f"Condition/{draw(NAMES)}"}]}
        elif kind == "Condition":
            one |= {"onsetDateTime": draw(DATES)}
        elif kind == "Medication":
            del one["subject"]
            one |= {"ingredient": [{"itemCodeableConcept": draw(CODES)}]}
        else:
            one |= {
                "medicationReference": {"reference": f"Medication/{draw(NAMES)}"},
                "reasonReference": [{"reference": f"Condition/{draw(NAMES)}"}],
            }
            if kind == "MedicationAdministration":
                one["request"] = {"reference": f"MedicationRequest/{draw(NAMES)}"}
                one["effectiveDateTime"] = draw(DATES)
            else:
                one["authoredOn"] = draw(DATES)
        made[f"{kind}/{one['id']}"] = one
    return [PATIENT, *made.values()]


def rewritten(value: Any, addresses: dict[str, str]) -> Any:
    """The value with every reference that has an address written in that style."""
    if isinstance(value, list):
        return [rewritten(item, addresses) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: addresses.get(inner, inner)
        if key == "reference" and isinstance(inner, str)
        else rewritten(inner, addresses)
        for key, inner in value.items()
    }


@given(resources(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_entries_changes_nothing(found: list[dict[str, Any]], random: Any) -> None:
    shuffled = copy.copy(found)
    random.shuffle(shuffled)
    assert all_of(read(bundle(*shuffled))) == all_of(read(bundle(*found)))


@given(resources(), st.data())
@settings(max_examples=50, deadline=None)
def test_a_resource_sent_twice_is_one_resource(found: list[dict[str, Any]], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(found)))
    assert all_of(read(bundle(*found, *again))) == all_of(read(bundle(*found)))


@given(resources(), st.sampled_from(("absolute", "versioned", "urn")))
@settings(max_examples=50, deadline=None)
def test_the_style_of_references_changes_nothing(found: list[dict[str, Any]], style: str) -> None:
    known = [f"{r['resourceType']}/{r['id']}" for r in found]
    address = {
        "absolute": lambda key: f"{BASE}/{key}",
        "versioned": lambda key: f"{BASE}/{key}/_history/4",
        "urn": lambda key: f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, key)}",
    }[style]
    addresses = {key: address(key) for key in known}
    urls = addresses if style == "urn" else {key: f"{BASE}/{key}" for key in known}
    entries = [
        {"fullUrl": urls[key], "resource": rewritten(one, addresses)} for key, one in zip(known, found, strict=True)
    ]
    written = all_of(read({"resourceType": "Bundle", "entry": entries}))
    plain = all_of(read(bundle(*found)))
    assert {k: v for k, v in written.items() if k != "patient"} == {k: v for k, v in plain.items() if k != "patient"}
    assert written["patient"].ids >= plain["patient"].ids


@given(resources(), st.integers(1, 4), st.booleans())
@settings(max_examples=50, deadline=None)
def test_the_way_a_list_is_split_into_pages_changes_nothing(
    found: list[dict[str, Any]], size: int, as_lines: bool
) -> None:
    parts = [found[n : n + size] for n in range(0, len(found), size)]
    pages = []
    for number, part in enumerate(parts):
        links = [{"relation": "self", "url": f"u{number}"}]
        if number + 1 < len(parts):
            links.append({"relation": "next", "url": f"u{number + 1}"})
        pages.append(bundle(*part, type="searchset", total=len(found), link=links))
    body = "\n".join(map(json.dumps, pages)) if as_lines else json.dumps(pages)
    assert all_of(read(body.encode())) == all_of(read(bundle(*found)))


@given(resources())
@settings(max_examples=50, deadline=None)
def test_one_odd_element_somewhere_changes_nothing_else(found: list[dict[str, Any]]) -> None:
    odd = PATIENT | {"gender": {"not": "a code"}}
    one, other = all_of(read(bundle(odd, *found[1:]))), all_of(read(bundle(*found)))
    assert [i.problem for i in set(one.pop("issues")) - set(other.pop("issues"))] == [
        "element gender has an unexpected type; it was not read"
    ]
    assert one == other


@given(resources(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_resources_without_ids_are_named_alike_in_any_order(found: list[dict[str, Any]], random: Any) -> None:
    nameless = [PATIENT] + [{k: v for k, v in one.items() if k != "id"} for one in found[1:]]
    shuffled = copy.copy(nameless)
    random.shuffle(shuffled)
    assert all_of(read(bundle(*shuffled))) == all_of(read(bundle(*nameless)))
