"""Which element of which FHIR version feeds which entry (docs/reading.md)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_kit import PATIENT, RXNORM, bundle, coded, problems, read, resource

from cds_service.fhir.model import ConditionEntry, MedicationEntry, ObservationEntry, ProcedureEntry

DRUG = coded("121191", RXNORM)
MORPHOLOGY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def condition(**elements: Any) -> ConditionEntry:
    return read(bundle(PATIENT, resource("Condition", "c", **elements))).conditions[0]


def medication(kind: str, *others: Any, **elements: Any) -> MedicationEntry:
    elements = (
        elements
        if any(k.startswith("medication") for k in elements)
        else elements | {"medicationCodeableConcept": DRUG}
    )
    return read(bundle(PATIENT, resource(kind, "m", **elements), *others)).medications[0]


def procedure(**elements: Any) -> ProcedureEntry:
    return read(bundle(PATIENT, resource("Procedure", "p", **elements))).procedures[0]


def observations(*others: Any, **elements: Any) -> tuple[ObservationEntry, ...]:
    return read(bundle(PATIENT, resource("Observation", "o", **elements), *others)).observations


def text(interval: Any) -> str | None:
    return None if interval is None else interval.text


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
