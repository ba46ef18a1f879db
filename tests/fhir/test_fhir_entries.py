"""Which element of which FHIR version feeds which entry (docs/reading.md)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_kit import PATIENT, bundle, coded, problems, read, resource, text

from cds_service.fhir.model import ConditionEntry, ObservationEntry, ProcedureEntry

MORPHOLOGY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def condition(**elements: Any) -> ConditionEntry:
    return read(bundle(PATIENT, resource("Condition", "c", **elements))).conditions[0]


def procedure(**elements: Any) -> ProcedureEntry:
    return read(bundle(PATIENT, resource("Procedure", "p", **elements))).procedures[0]


def observations(*others: Any, **elements: Any) -> tuple[ObservationEntry, ...]:
    return read(bundle(PATIENT, resource("Observation", "o", **elements), *others)).observations


class TestConditions:
    def test_every_coding_is_kept_and_codes_that_say_nothing_are_none(self) -> None:
        absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}
        null = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "NI", "display": "x"}
        one, two = coded("1")["coding"][0], coded("C83.3 ", "http://hl7.org/fhir/sid/icd-10-cm")["coding"][0]
        code = condition(code={"coding": [absent, one, {}, null, None, two, one], "text": "DLBCL"}).code
        assert [c.code for c in code.codings] == ["1", "C83.3"]
        assert code.text == "DLBCL"

    @pytest.mark.parametrize("status", ["active", "ACTIVE ", coded("active"), [coded("active")], {"text": "Active"}])
    def test_a_clinical_status_is_read_in_every_form(self, status: Any) -> None:
        assert condition(clinicalStatus=status).clinical == "active"

    def test_a_status_that_is_not_said_is_empty(self) -> None:
        assert (condition().clinical, condition().verification) == ("", "")

    def test_a_refuted_diagnosis_is_refuted_whatever_stands_beside_the_code(self) -> None:
        local = {"system": "https://www.medizininformatik-initiative.de/diagnosesicherung", "code": "7"}
        refuted = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "refuted"}
        assert condition(verificationStatus={"coding": [local, refuted]}).verification == "refuted"
        assert condition(verificationStatus={"coding": [local]}).verification == "7"
        relapse = {"coding": [local, coded("Relapse")["coding"][0]]}
        assert condition(clinicalStatus=relapse).clinical == "relapse"

    @pytest.mark.parametrize(
        ("mark", "verification", "past"),
        [("A", "refuted", False), ("V", "unconfirmed", False), ("Z", "", True), ("G", "", False)],
    )
    def test_the_german_mark_of_certainty_on_a_coding_is_read(self, mark: str, verification: str, past: bool) -> None:
        code = coded("C83.3", "http://fhir.de/CodeSystem/bfarm/icd-10-gm")
        url = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"
        code["coding"][0]["extension"] = [{"url": url, "valueCoding": {"code": mark}}]
        found = condition(code=code)
        assert (found.verification, found.has_abatement) == (verification, past)

    def test_the_day_a_diagnosis_was_asserted_is_its_onset_when_no_other_is_given(self) -> None:
        extension = [{"url": ASSERTED, "valueDateTime": "2015-02-20"}]
        found = condition(extension=extension, recordedDate="2019-03-01")
        assert (text(found.onset), text(found.recorded)) == ("2015-02-20", "2019-03-01")
        assert text(condition(extension=extension, onsetDateTime="2014").onset) == "2014"

    @pytest.mark.parametrize("element", ["recordedDate", "assertedDate", "dateRecorded"])
    def test_the_date_of_recording_has_a_name_in_each_version(self, element: str) -> None:
        assert text(condition(**{element: "2024-03"}).recorded) == "2024-03"

    def test_mcode_extensions_give_morphology_and_date(self) -> None:
        extension = [
            {"url": MORPHOLOGY, "valueCodeableConcept": coded("9680/3")},
            {"url": ASSERTED, "valueDateTime": "2023"},
        ]
        found = condition(extension=extension)
        assert found.morphology.codings[0].code == "9680/3"
        assert text(found.recorded) == "2023"

    def test_an_age_at_onset_is_a_wide_interval_from_the_birth_date(self) -> None:
        found = condition(onsetAge={"value": 40, "unit": "years", "code": "a"}).onset
        assert found is not None
        assert (found.first.year, found.last.year) == (2000, 2001)
        between = condition(onsetRange={"low": {"value": 40, "code": "a"}, "high": {"value": 49, "code": "a"}}).onset
        assert between is not None
        assert (between.first.year, between.last.year) == (2000, 2010)

    @pytest.mark.parametrize(
        "element", [{"abatementString": "gone"}, {"abatementBoolean": True}, {"abatementDateTime": "x"}]
    )
    def test_an_abatement_without_a_date_is_an_abatement(self, element: dict[str, Any]) -> None:
        assert condition(**element).has_abatement
        assert not condition(abatementBoolean=False).has_abatement

    def test_a_date_that_is_none_is_reported(self) -> None:
        record = read(bundle(PATIENT, resource("Condition", "c", onsetDateTime="IGNORED_FIELD")))
        assert problems(record) == ["onsetDateTime holds no FHIR date; read as undated"]


class TestProcedures:
    @pytest.mark.parametrize(
        "element",
        [
            {"performedDateTime": "2024-03-05"},
            {"occurrenceDateTime": "2024-03-05"},
            {"performedPeriod": {"start": "2024-03-05", "end": "2024-03-06"}},
            {"occurrencePeriod": {"start": "2024-03-05"}},
        ],
    )
    def test_when_it_was_done(self, element: dict[str, Any]) -> None:
        assert text(procedure(**element).start) == "2024-03-05"

    def test_done_at_an_age_or_at_no_time(self) -> None:
        found = procedure(performedAge={"value": 60, "code": "a"}).start
        assert found is not None
        assert found.first.year == 2020
        assert procedure(performedString="last spring").start is None

    @pytest.mark.parametrize("element", [{"status": "not-done"}, {"notDone": True}, {"notPerformed": True}])
    def test_what_was_not_done_is_not_done_in_each_version(self, element: dict[str, Any]) -> None:
        assert procedure(**element).status == "not-done"

    def test_what_was_used(self) -> None:
        assert [c.codings[0].code for c in procedure(usedCode=[coded("1")], used=[{"concept": coded("2")}]).used] == [
            "1",
            "2",
        ]


class TestObservations:
    def test_a_number_behind_a_comparator_is_no_exact_number(self) -> None:
        (found,) = observations(valueQuantity={"value": 0.3, "comparator": "<", "unit": "10*9/L"})
        assert (found.quantity, found.comparator, found.bound, found.unit) == (None, "<", 0.3, "10*9/L")
        (exact,) = observations(
            valueQuantity={"value": 0.3, "unit": "G/l", "system": "http://unitsofmeasure.org", "code": "10*9/L"}
        )
        assert (exact.quantity, exact.comparator, exact.bound) == (0.3, "", None)
        assert (exact.unit, exact.unit_text) == ("10*9/L", "G/l")

    def test_a_number_sent_as_text_is_a_number(self) -> None:
        (found,) = observations(valueQuantity={"value": "12.5", "unit": "g/dL"})
        assert found.quantity == 12.5
        assert observations(valueQuantity={"value": "nan"})[0].quantity is None

    def test_limits_of_the_reference_range_count_in_the_unit_of_the_value(self) -> None:
        def high(*limits: dict[str, Any]) -> float | None:
            ranges = [{"high": limit} for limit in limits]
            return observations(valueQuantity={"value": 1, "unit": "U/L"}, referenceRange=ranges)[0].reference_high

        assert high({"value": 40, "unit": "U/L"}) == 40
        assert high({"value": 40}) == 40
        assert high({"value": 0.7, "unit": "ukat/L"}) is None
        assert high({"value": 40}, {"value": 33}) is None

    def test_components_are_entries_of_their_own(self) -> None:
        parts = [{"code": coded("2"), "valueInteger": 5}, None, {"code": coded("3"), "valueBoolean": True}]
        found = observations(code=coded("1"), component=parts)
        assert [(o.code.codings[0].code, o.integer, o.boolean) for o in found] == [
            ("1", None, None),
            ("2", 5, None),
            ("3", None, True),
        ]
        assert [o.absent for o in found] == [True, False, False]

    def test_issued_is_the_latest_day_when_nothing_else_dates_it(self) -> None:
        (found,) = observations(issued="2024-03-05T10:00:00Z")
        assert found.date is not None
        assert (found.date.first.year, found.date.last.isoformat()) == (1, "2024-03-05")

    def test_the_specimen_is_found(self) -> None:
        specimen = {"resourceType": "Specimen", "id": "s", "type": coded("119297000", text="Blood")}
        (found,) = observations(specimen, specimen={"reference": "Specimen/s"})
        assert (found.specimen, found.specimen_type.codings[0].code) == ("Blood", "119297000")
        (shown,) = observations(specimen={"display": "Urine"})
        assert shown.specimen == "Urine"


class TestRecordedNumbers:
    def test_whole_numbers_of_a_form_are_read_with_their_question(self) -> None:
        inner = {
            "linkId": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl|C133518",
            "answer": [{"valueInteger": 2}],
        }
        items = [
            {"linkId": "group", "item": [inner]},
            {"linkId": "C133518", "text": "Lines so far", "answer": {"valueDecimal": 3.0}},
            {"linkId": "half", "answer": [{"valueDecimal": 1.5}]},
            {"linkId": "word", "answer": [{"valueString": "two"}, {"valueString": " 4 "}]},
        ]
        form = resource("QuestionnaireResponse", "q", status="completed", authored="2024-03-05", item=items)
        found = read(bundle(PATIENT, form)).numbers
        assert [(n.code.codings[0].code, n.value) for n in found] == [("C133518", 2), ("C133518", 3), ("word", 4)]
        assert found[0].code.codings[0].system.endswith("Thesaurus.owl")
        assert {text(n.date) for n in found} == {"2024-03-05"}

    def test_whole_number_extensions_of_an_episode_are_read_with_its_type(self) -> None:
        extension = [
            {"url": "http://x.org/line-number", "valuePositiveInt": 2},
            {"url": "http://x.org/o", "valueInteger": -1},
        ]
        episode = {
            "resourceType": "EpisodeOfCare",
            "id": "e",
            "patient": {"reference": "Patient/p1"},
            "status": "finished",
        }
        more = {"type": [coded("C133518", "urn:ncit")], "extension": extension, "period": {"start": "2024"}}
        (found,) = read(bundle(PATIENT, episode | more)).numbers
        assert (found.reference, found.value, found.name) == ("EpisodeOfCare/e", 2, "http://x.org/line-number")
        assert (found.code.codings[0].code, text(found.date)) == ("C133518", "2024")


def test_vaccines_orders_and_plans_of_each_version() -> None:
    record = read(
        bundle(
            PATIENT,
            resource("Immunization", "i", vaccineCode=coded("1"), date="2013", status="completed", notGiven=True),
            resource("ServiceRequest", "s", code={"concept": coded("2")}, status="draft", authoredOn="2024"),
            resource("ProcedureRequest", "r", code=coded("3"), intent="order"),
            resource("CarePlan", "c", title="R-CHOP", intent="plan"),
        )
    )
    assert [(i.status, text(i.date)) for i in record.immunizations] == [("not-done", "2013")]
    assert [(o.reference, o.code.codings[0].code) for o in record.orders] == [
        ("ProcedureRequest/r", "3"),
        ("ServiceRequest/s", "2"),
    ]
    assert [p.title for p in record.plans] == ["R-CHOP"]


def test_coverage_counts_resources_and_spans_their_dates_in_every_version() -> None:
    record = read(
        bundle(
            PATIENT,
            resource("Procedure", "p", occurrenceDateTime="2026-02"),
            resource("Condition", "c", assertedDate="2019"),
            resource("MedicationAdministration", "m", occurencePeriod={"start": "2024-01-01"}),
        )
    )
    assert record.coverage.resources == {"Condition": 1, "MedicationAdministration": 1, "Patient": 1, "Procedure": 1}
    assert (record.coverage.earliest, record.coverage.latest) == ("2019", "2026-02")
