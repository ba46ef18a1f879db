"""Duplicates, versions, pages and failed lists."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_kit import PATIENT, bundle, coded, problems, read, resource


def searchset(*resources: Any, total: int | None = None, own: str = "", following: str = "") -> dict[str, Any]:
    links = [{"relation": "self", "url": own}] if own else []
    links += [{"relation": "next", "url": following}] if following else []
    page = bundle(*resources, type="searchset", link=links)
    return page if total is None else page | {"total": total}


def outcome(severity: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def conditions(*names: str) -> list[dict[str, Any]]:
    return [resource("Condition", name, code=coded(name)) for name in names]


def test_a_next_link_means_that_the_list_was_cut_off() -> None:
    record = read([PATIENT, searchset(*conditions("a"), following="https://x/page2")])
    assert record.coverage.truncated
    assert record.coverage.incomplete == {"Condition"}
    assert problems(record) == ["the list of Condition resources was cut off; more exists"]


def test_a_list_whose_every_page_came_is_whole() -> None:
    first = searchset(*conditions("a", "b"), total=3, own="u1", following="u2")
    second = searchset(*conditions("c"), total=3, own="u2")
    record = read([second, PATIENT, first])
    assert not record.coverage.truncated
    assert [c.reference for c in record.conditions] == ["Condition/a", "Condition/b", "Condition/c"]


def test_a_last_page_that_states_no_total_ends_its_list() -> None:
    pages = [searchset(*conditions("a"), own="u1", following="u2"), searchset(*conditions("b"), own="u2")]
    for order in (pages, pages[::-1]):
        assert not read([PATIENT, *order]).coverage.truncated


def test_a_list_with_its_last_page_missing_is_cut_off() -> None:
    pages = [searchset(*conditions(n), own=n, following=f) for n, f in (("a", "b"), ("b", "c"))]
    assert read([PATIENT, *pages]).coverage.incomplete == {"Condition"}


def test_pages_that_point_in_a_circle_come_to_an_end() -> None:
    pages = [searchset(*conditions(n), own=n, following=f) for n, f in (("a", "b"), ("b", "a"))]
    assert read([PATIENT, *pages]).coverage.truncated


def test_a_total_above_the_matches_means_cut_off_and_included_resources_do_not_count() -> None:
    page = searchset(*conditions("a"), total=2)
    page["entry"].append({"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}})
    assert read([PATIENT, page]).coverage.incomplete == {"Condition"}
    assert not read([PATIENT, page | {"total": 1}]).coverage.truncated


@pytest.mark.parametrize("severity", ["error", "fatal", "warning", ""])
def test_pre_14_an_outcome_beside_matches_means_that_some_were_left_out(severity: str) -> None:
    record = read([PATIENT, searchset(*conditions("a"), outcome(severity))])
    assert record.coverage.incomplete == {"Condition"}
    assert [c.reference for c in record.conditions] == ["Condition/a"]


def test_pre_14_a_warning_beside_a_whole_record_is_told_and_takes_nothing_away() -> None:
    everything = searchset(PATIENT, *conditions("a"), outcome("warning"))
    record = read(everything)
    assert not record.coverage.truncated
    assert problems(record) == ["the source warns about the list of resources"]


def test_pre_14_holds_for_drugs_that_bring_their_medications_without_a_mode() -> None:
    held = resource("MedicationRequest", id="m", medicationReference={"reference": "Medication/x"})
    page = searchset(held, {"resourceType": "Medication", "id": "x"}, outcome("warning"))
    assert read([PATIENT, page]).coverage.incomplete == {"MedicationRequest"}


def test_pre_14_a_mere_information_beside_matches_takes_nothing_away() -> None:
    assert not read([PATIENT, searchset(*conditions("a"), outcome("information"))]).coverage.truncated


def test_the_notice_under_every_search_of_epic_takes_nothing_away_and_is_told() -> None:
    notice = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.5325.1.7.2.657369", "code": "4119"}]}
    said = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "details": notice}]}
    record = read([PATIENT, searchset(*conditions("a"), said)])
    assert not record.coverage.truncated
    assert problems(record) == ["the source warns about the list of Condition resources"]
    said["issue"] = [*said["issue"], {"severity": "warning"}]
    assert read([PATIENT, searchset(*conditions("a"), said)]).coverage.incomplete == {"Condition"}


def test_pre_13_a_warning_without_matches_says_that_nothing_was_found() -> None:
    record = read([PATIENT, searchset(outcome("warning"), total=0)])
    assert not record.coverage.truncated
    assert problems(record) == ["the source warns about the list of resources"]


def test_a_warning_in_an_export_says_nothing_about_its_lists() -> None:
    """One that came from an empty search stands among everything else there."""
    record = read(bundle(PATIENT, *conditions("a"), outcome("warning")))
    assert not record.coverage.truncated
    assert problems(record) == ["the source warns about the list of resources"]


def test_a_refused_part_of_a_batch_is_missing() -> None:
    batch = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "403 Forbidden"}}]}
    record = read([PATIENT, batch])
    assert record.coverage.truncated
    assert problems(record) == ["the source refused a part of the request (status 403)"]


def test_what_the_caller_knows_to_be_missing_is_incomplete() -> None:
    assert read(bundle(PATIENT), "Procedure").coverage.incomplete == {"Procedure"}


def test_the_latest_version_of_a_resource_is_read() -> None:
    def version(number: str, code: str) -> dict[str, Any]:
        return resource("Condition", "c", code=coded(code), meta={"versionId": number})

    for order in (("9", "10"), ("10", "9")):
        record = read(bundle(PATIENT, *(version(n, n) for n in order)))
        assert [c.code.codings[0].code for c in record.conditions] == ["10"]
        assert problems(record) == []


def test_the_later_of_two_instants_counts_whatever_their_offsets() -> None:
    early = resource("Condition", "c", code=coded("old"), meta={"lastUpdated": "2024-01-02T08:00:00+14:00"})
    late = resource("Condition", "c", code=coded("new"), meta={"lastUpdated": "2024-01-01T23:00:00Z"})
    assert read(bundle(PATIENT, early, late)).conditions[0].code.codings[0].code == "new"


def test_two_contents_of_one_resource_without_a_version_are_reported() -> None:
    first, second = resource("Condition", "c", code=coded("1")), resource("Condition", "c", code=coded("2"))
    one, other = read(bundle(PATIENT, first, second)), read(bundle(PATIENT, second, first))
    assert one.conditions == other.conditions
    assert "nothing says which is later" in problems(one)[0]


def dose(name: str, version: str, **more: Any) -> dict[str, Any]:
    shared = {"identifier": [{"system": "urn:x", "value": "1"}], "effectiveDateTime": "2024-01-02"}
    code = {"medicationCodeableConcept": coded("1")}
    return resource("MedicationAdministration", name, meta={"versionId": version}, **shared) | code | more


def test_a_retracted_later_version_under_another_id_replaces_the_earlier_one() -> None:
    record = read(bundle(PATIENT, dose("a", "1", status="completed"), dose("b", "2", status="entered-in-error")))
    assert [(m.reference, m.status) for m in record.medications] == [("MedicationAdministration/b", "entered-in-error")]
    assert problems(record) == ["superseded by MedicationAdministration/b, a later version; not read"]


def test_doses_that_share_an_order_number_stay_several() -> None:
    other_day = dose("b", "2", effectiveDateTime="2024-01-23")
    other_drug = dose("c", "3", medicationCodeableConcept=coded("2"))
    same_version = dose("d", "1")
    assert len(read(bundle(PATIENT, dose("a", "1"), other_day, other_drug, same_version)).medications) == 4


def test_a_resource_without_an_id_is_named_by_its_fullurl() -> None:
    entry = {"fullUrl": "urn:uuid:c0", "resource": resource("Condition", code=coded("1"))}
    plain = {"resource": resource("Condition", code=coded("2"))}
    record = read({"resourceType": "Bundle", "entry": [{"resource": PATIENT}, plain, entry]})
    assert [c.reference for c in record.conditions] == ["Condition/unnamed-1", "urn:uuid:c0"]


def test_one_problem_of_very_many_resources_is_summed_up() -> None:
    many = [{"resourceType": "Observation", "id": f"o{n:03}"} for n in range(120)]
    found = problems(read(bundle(PATIENT, *many)))
    assert len(found) == 21
    assert found[0] == "100 more Observation resources with the same problem: names no patient; read as this patient's"
