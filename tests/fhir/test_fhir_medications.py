"""Which element of which FHIR version feeds a medication entry (docs/reading.md)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_kit import PATIENT, RXNORM, bundle, coded, read, resource, text

from cds_service.fhir.model import MedicationEntry

DRUG = coded("121191", RXNORM)


def medication(kind: str, *others: Any, **elements: Any) -> MedicationEntry:
    elements = (
        elements
        if any(k.startswith("medication") for k in elements)
        else elements | {"medicationCodeableConcept": DRUG}
    )
    return read(bundle(PATIENT, resource(kind, "m", **elements), *others)).medications[0]


class TestDrugs:
    @pytest.mark.parametrize(
        "form",
        [
            {"medicationCodeableConcept": DRUG},
            {"medication": {"concept": DRUG}},
            {"medication": DRUG},
            {"medicationReference": {"reference": "Medication/d"}},
            {"medicationReference": {"reference": "https://ehr.example.org/fhir/Medication/d/_history/2"}},
            {"medicationReference": {"identifier": {"system": "urn:x", "value": "9"}}},
            {"medication": {"reference": {"reference": "Medication/d"}}},
            {"medicationReference": {"reference": "urn:uuid:d"}},
            {"medicationReference": {"reference": "d"}},
            {
                "medicationReference": {"reference": "#k"},
                "contained": [{"resourceType": "Medication", "id": "k", "code": DRUG}],
            },
        ],
        ids=str,
    )
    def test_the_drug_is_found_however_it_is_named(self, form: dict[str, Any]) -> None:
        known = {
            "resourceType": "Medication",
            "id": "d",
            "code": DRUG,
            "identifier": [{"system": "urn:x", "value": "9"}],
        }
        found = medication("MedicationAdministration", known, **form)
        assert found.drug.codings[0].code == "121191"
        assert found.resolved

    def test_every_ingredient_is_read(self) -> None:
        items = [
            {"itemCodeableConcept": coded("1")},
            {"itemReference": {"reference": "Medication/inner"}},
            {"item": {"concept": coded("3")}},
        ]
        others = [
            {"resourceType": "Medication", "id": "d", "ingredient": items},
            {"resourceType": "Medication", "id": "inner", "code": coded("2")},
        ]
        found = medication("MedicationStatement", *others, medicationReference={"reference": "Medication/d"})
        assert [i.codings[0].code for i in found.ingredients] == ["1", "2", "3"]

    def test_a_reference_that_leads_nowhere_keeps_its_label_and_says_so(self) -> None:
        found = medication("MedicationRequest", medicationReference={"reference": "Medication/x", "display": "Rituxan"})
        assert (found.label, found.resolved) == ("Rituxan", False)

    def test_a_resource_without_any_drug_is_an_unknown_drug_without_a_dangling_reference(self) -> None:
        found = read(bundle(PATIENT, resource("MedicationRequest", "m"))).medications[0]
        assert (found.drug.codings, found.label, found.resolved) == ((), "", True)


class TestMedicationDates:
    @pytest.mark.parametrize(
        "element", ["effectiveDateTime", "occurenceDateTime", "occurrenceDateTime", "effectiveTimeDateTime"]
    )
    def test_an_administration_has_one_moment(self, element: str) -> None:
        found = medication("MedicationAdministration", **{element: "2024-03-05T10:00:00+01:00"})
        assert (text(found.start), text(found.end), found.date_source) == ("2024-03-05", "2024-03-05", "effective")

    def test_a_period_without_an_end_is_open(self) -> None:
        found = medication("MedicationStatement", effectivePeriod={"start": "2024-03"})
        assert (text(found.start), found.end, found.open_ended, found.period_less) == ("2024-03", None, True, False)

    def test_a_statement_without_a_date_is_dated_at_the_latest_by_its_assertion(self) -> None:
        found = medication("MedicationStatement", dateAsserted="2024-03-05")
        assert found.start is not None
        assert (found.start.first.year, found.start.last.isoformat()) == (1, "2024-03-05")
        assert found.date_source == "dateAsserted"

    def test_a_dispense_lasts_as_long_as_its_supply(self) -> None:
        found = medication("MedicationDispense", whenHandedOver="2024-03-01", daysSupply={"value": 4, "unit": "weeks"})
        assert (text(found.end), found.days) == ("2024-03-28", 28)
        prepared = medication("MedicationDispense", whenPrepared="2024-03-01")
        assert (text(prepared.end), prepared.date_source) == ("2024-03-01", "whenPrepared")

    def test_an_order_is_dated_by_all_its_dosages_then_its_validity_then_its_writing(self) -> None:
        def bounds(start: str, end: str) -> dict[str, Any]:
            return {"timing": {"repeat": {"boundsPeriod": {"start": start, "end": end}}}}

        dosages = [bounds("2024-03-08", "2024-03-20"), bounds("2024-03-01", "2024-03-10")]
        validity = {"validityPeriod": {"start": "2024-02-01", "end": "2024-08-01"}}
        order = {"authoredOn": "2024-01-01", "dispenseRequest": validity, "dosageInstruction": dosages}
        found = medication("MedicationRequest", **order)
        assert (text(found.start), text(found.end), found.date_source) == ("2024-03-01", "2024-03-20", "boundsPeriod")
        found = medication("MedicationRequest", **order | {"dosageInstruction": []})
        assert (text(found.start), found.date_source) == ("2024-02-01", "validityPeriod")
        found = medication("MedicationRequest", authoredOn="2024-01-01")
        assert (text(found.start), found.period_less, found.date_source) == ("2024-01-01", True, "authoredOn")
        found = medication("MedicationRequest", effectiveDosePeriod={"start": "2024-05", "end": "2024-06"})
        assert (text(found.start), text(found.end)) == ("2024-05", "2024-06")

    def test_the_last_update_of_a_resource_never_dates_it(self) -> None:
        assert medication("MedicationRequest", meta={"lastUpdated": "2024-01-01T00:00:00Z"}).start is None


class TestMedicationStatus:
    @pytest.mark.parametrize(
        ("kind", "element", "status"),
        [
            ("MedicationAdministration", {"status": "completed", "notGiven": True}, "not-done"),
            ("MedicationAdministration", {"status": "completed", "wasNotGiven": True}, "not-done"),
            ("MedicationDispense", {"status": "completed", "notDone": True}, "declined"),
            ("MedicationRequest", {"status": "Entered-In-Error "}, "entered-in-error"),
            ("MedicationRequest", {}, ""),
        ],
    )
    def test_older_flags_that_nothing_was_given_count_as_the_status(
        self, kind: str, element: dict[str, Any], status: str
    ) -> None:
        assert medication(kind, **element).status == status

    def test_whether_it_was_taken_is_told_in_each_version(self) -> None:
        assert medication("MedicationStatement", wasNotTaken=True).taken == "n"
        assert medication("MedicationStatement", taken="n").taken == "n"
        found = medication("MedicationStatement", adherence={"code": coded("not-taking"), "reason": coded("105480006")})
        assert found.adherence == "not-taking"
        assert found.status_reasons[0].codings[0].code == "105480006"

    @pytest.mark.parametrize(
        ("kind", "element"),
        [
            ("MedicationRequest", {"statusReason": coded("1")}),
            ("MedicationStatement", {"statusReason": [coded("1")]}),
            ("MedicationStatement", {"reasonNotTaken": [coded("1")]}),
            ("MedicationAdministration", {"reasonNotGiven": [coded("1")]}),
            ("MedicationDispense", {"statusReasonCodeableConcept": coded("1")}),
            ("MedicationDispense", {"notPerformedReason": {"concept": coded("1")}}),
            ("MedicationDispense", {"notDoneReasonCodeableConcept": coded("1")}),
        ],
    )
    def test_the_reason_of_a_status_is_read_in_each_version(self, kind: str, element: dict[str, Any]) -> None:
        assert [c.codings[0].code for c in medication(kind, **element).status_reasons] == ["1"]

    @pytest.mark.parametrize(
        ("kind", "element"),
        [
            ("MedicationRequest", {"reasonCode": [coded("1")]}),
            ("MedicationRequest", {"reasonCodeableConcept": coded("1")}),
            ("MedicationStatement", {"reasonForUseCodeableConcept": coded("1")}),
            ("MedicationAdministration", {"reasonGiven": [coded("1")]}),
            ("MedicationAdministration", {"reason": [{"concept": coded("1")}]}),
        ],
    )
    def test_a_reason_is_read_in_each_version(self, kind: str, element: dict[str, Any]) -> None:
        assert [r.concept.codings[0].code for r in medication(kind, **element).reasons] == ["1"]

    def test_reasons_by_reference_are_versionless_and_contained_ones_are_their_code(self) -> None:
        held = {"resourceType": "Condition", "id": "k", "code": coded("1")}
        references = [{"reference": "https://x.org/fhir/Condition/c/_history/2"}, {"reference": "#k"}]
        found = medication("MedicationRequest", reasonReference=references, contained=[held])
        assert {r.reference for r in found.reasons} == {"Condition/c", ""}
        assert {r.concept.codings[0].code for r in found.reasons if r.concept} == {"1"}
        new = medication("MedicationRequest", reason=[{"reference": {"reference": "Condition/c"}}])
        assert [r.reference for r in new.reasons] == ["Condition/c"]

    def test_an_order_says_who_reported_it_and_whether_it_forbids(self) -> None:
        assert medication("MedicationRequest", reportedBoolean=True).reported
        assert medication("MedicationRequest", reported=True).reported
        assert medication("MedicationRequest", reportedReference={"reference": "Patient/p1"}).reported
        assert medication("MedicationRequest", doNotPerform=True).do_not_perform
        assert medication("MedicationOrder", dateWritten="2015").kind == "MedicationRequest"

    def test_a_drug_given_in_a_study_says_so(self) -> None:
        study = {"url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"}
        held = study | {"valueReference": {"reference": "ResearchStudy/s"}}
        assert medication("MedicationAdministration", extension=[held]).study_drug
        assert not medication("MedicationAdministration", extension=[{"url": "http://x.org/other"}]).study_drug

    def test_links_and_plans_are_told_apart(self) -> None:
        based = [{"reference": "CarePlan/x"}, {"reference": "MedicationRequest/r"}, {"reference": "urn:uuid:plan"}]
        plan = {"fullUrl": "urn:uuid:plan", "resource": resource("RequestGroup")}
        dose = resource("MedicationAdministration", "m", basedOn=based, request={"reference": "MedicationRequest/q"})
        entries = [{"resource": PATIENT}, {"resource": dose}, plan]
        found = read({"resourceType": "Bundle", "entry": entries}).medications[0]
        assert found.plans == {"CarePlan/x", "urn:uuid:plan"}
        assert found.links == {"MedicationRequest/r", "MedicationRequest/q"}

    def test_a_route_counts_when_all_dosages_agree(self) -> None:
        oral, vein = {"route": coded("26643006")}, {"route": coded("47625008")}
        assert medication("MedicationRequest", dosageInstruction=[oral, {}]).route.codings[0].code == "26643006"
        assert not medication("MedicationRequest", dosageInstruction=[oral, vein]).route
        assert medication("MedicationAdministration", dosage=oral).route.codings[0].code == "26643006"
