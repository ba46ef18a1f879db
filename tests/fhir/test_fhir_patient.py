"""A record speaks of one patient, however its resources name him (decision 32)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_kit import PATIENT, bundle, coded, problems, read, resource

from cds_service.errors import MixedPatients, NoPatient

MRN = "urn:oid:1.2.3"


def about(subject: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": "c1", "code": coded("1"), "subject": subject} | more


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "https://ehr.example.org/fhir/Patient/p1",
        "Patient/p1/_history/3",
        "https://ehr.example.org/fhir/Patient/p1/_history/3",
        "p1",
        " Patient/p1 ",
        "Patient/p1/",
        "urn:uuid:p1",
    ],
)
def test_every_spelling_of_the_patients_reference_is_the_patient(reference: str) -> None:
    record = read(bundle(PATIENT, about({"reference": reference})))
    assert len(record.conditions) == 1
    assert problems(record) == []


@pytest.mark.parametrize(
    "reference", ["Patient/p2", "https://ehr.example.org/fhir/Patient/p2", "urn:uuid:p2", "p2", "Patient/P1"]
)
def test_a_condition_of_somebody_else_is_refused(reference: str) -> None:
    with pytest.raises(MixedPatients, match="Condition/c1 belongs to another patient"):
        read(bundle(PATIENT, about({"reference": reference})))


def test_the_fullurl_of_the_patient_names_him_too() -> None:
    url = "urn:uuid:0A6E8C1E-0000-4000-8000-000000000001"
    entries = [{"fullUrl": url, "resource": PATIENT}, {"resource": about({"reference": url.lower()})}]
    record = read({"resourceType": "Bundle", "entry": entries})
    assert len(record.conditions) == 1
    assert "p1" in record.patient.ids


def test_two_patients_are_refused_even_when_one_links_to_the_other() -> None:
    other = {"resourceType": "Patient", "id": "p2"}
    linked = PATIENT | {"link": [{"other": {"reference": "Patient/p2"}, "type": "replaces"}]}
    with pytest.raises(MixedPatients, match="2 Patient resources"):
        read(bundle(linked, other))


def test_the_same_patient_twice_is_one_patient() -> None:
    assert read(bundle(PATIENT, PATIENT)).patient.reference == "Patient/p1"


def test_a_family_member_history_of_the_patient_is_no_other_patient() -> None:
    history = {"resourceType": "FamilyMemberHistory", "id": "f", "patient": {"reference": "Patient/p1"}}
    assert read(bundle(PATIENT, history)).conditions == ()
    with pytest.raises(MixedPatients):
        read(bundle(PATIENT, history | {"patient": {"reference": "Patient/p2"}}))


def test_a_resource_we_never_read_still_must_be_about_the_patient() -> None:
    claim = {"resourceType": "Claim", "id": "k", "patient": {"reference": "Patient/p2"}}
    with pytest.raises(MixedPatients, match="Claim/k"):
        read(bundle(PATIENT, claim))


def test_a_condition_of_a_group_is_refused() -> None:
    with pytest.raises(MixedPatients, match="about a group"):
        read(bundle(PATIENT, about({"reference": "Group/herd"})))


def test_a_measurement_of_a_device_is_set_aside_and_said_so() -> None:
    record = read(bundle(PATIENT, resource("Observation", "o", subject={"reference": "Device/d"})))
    assert record.observations == ()
    assert problems(record) == ["is not about the patient but about a thing or place; not read"]


def test_a_condition_that_names_nobody_is_read_with_a_data_issue() -> None:
    record = read(bundle(PATIENT, about({"display": "A. Person"})))
    assert len(record.conditions) == 1
    assert problems(record) == ["names no patient; read as this patient's"]


def test_a_logical_reference_is_the_patient_when_the_identifier_is_his() -> None:
    patient = PATIENT | {"identifier": [{"system": MRN, "value": "77"}]}
    record = read(bundle(patient, about({"identifier": {"system": MRN, "value": "77"}})))
    assert problems(record) == []
    with pytest.raises(MixedPatients, match="Condition/c1"):
        read(bundle(patient, about({"identifier": {"system": MRN, "value": "78"}})))


def test_a_logical_reference_of_an_unknown_system_is_read_and_reported() -> None:
    record = read(bundle(PATIENT, about({"identifier": {"system": MRN, "value": "77"}})))
    assert problems(record) == ["names its patient by an identifier the Patient does not have; read as this patient's"]


def test_two_logical_references_with_two_values_are_two_patients() -> None:
    first = about({"identifier": {"system": MRN, "value": "77"}})
    second = about({"identifier": {"system": MRN, "value": "78"}}, id="c2")
    with pytest.raises(MixedPatients):
        read(bundle(PATIENT, first, second))
    with pytest.raises(MixedPatients):
        read(bundle(first, second))


def test_a_contained_copy_of_the_patient_is_compared() -> None:
    patient = PATIENT | {"identifier": [{"system": MRN, "value": "77"}]}
    copy = {"resourceType": "Patient", "id": "me", "identifier": [{"system": MRN, "value": "77"}]}
    inside = about({"reference": "#me"}, contained=[copy])
    assert problems(read(bundle(patient, inside))) == []
    stranger = copy | {"identifier": [{"system": MRN, "value": "78"}]}
    with pytest.raises(MixedPatients):
        read(bundle(patient, about({"reference": "#me"}, contained=[stranger])))
    born_otherwise = {"resourceType": "Patient", "id": "me", "birthDate": "1999-01-01"}
    with pytest.raises(MixedPatients):
        read(bundle(patient, about({"reference": "#me"}, contained=[born_otherwise])))


def test_a_contained_patient_alone_is_the_patient() -> None:
    copy = {"resourceType": "Patient", "id": "me", "birthDate": "1999-01-01"}
    record = read(bundle(about({"reference": "#me"}, contained=[copy])))
    assert record.patient.birth is not None
    assert record.patient.birth.text == "1999-01-01"


def test_without_a_patient_resource_the_subjects_name_him() -> None:
    assert read(bundle(about({"reference": "Patient/p9"}))).patient.ids == {"p9"}
    with pytest.raises(NoPatient):
        read(bundle({"resourceType": "Medication", "id": "m"}))


def test_a_patient_without_an_id_is_the_one_the_others_name() -> None:
    record = read(bundle({"resourceType": "Patient", "birthDate": "1960"}, about({"reference": "Patient/p1"})))
    assert record.patient.ids == {"p1"}
    assert problems(record) == ["has no id; taken for the patient that the other resources name"]


def test_ids_longer_than_sixty_four_characters_are_taken() -> None:
    name = "e" * 77
    record = read(bundle(PATIENT | {"id": name}, about({"reference": f"Patient/{name}"})))
    assert record.patient.ids == {name}


@pytest.mark.parametrize(
    ("extra", "deceased"),
    [
        ({"deceasedBoolean": True}, True),
        ({"deceasedBoolean": False}, False),
        ({"deceasedDateTime": "2024"}, True),
        ({"_deceasedDateTime": {"extension": [{"url": "x/data-absent-reason", "valueCode": "unknown"}]}}, True),
        ({}, False),
    ],
)
def test_a_patient_is_dead_when_a_date_of_death_is_meant(extra: dict[str, Any], deceased: bool) -> None:
    assert read(bundle(PATIENT | extra)).patient.deceased is deceased


@pytest.mark.parametrize("birth", ["IGNORED", "0001-01-01", "19600517", "1960-02-30", "1" * 300])
def test_a_birth_date_that_is_none_leaves_the_age_unknown_and_says_so(birth: str) -> None:
    record = read(bundle(PATIENT | {"birthDate": birth}))
    assert record.patient.birth is None
    assert problems(record) == ["birthDate is not a date of birth; the age is not known"]


def test_primitive_extensions_do_not_hurt() -> None:
    born = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime"}]}
    patient = PATIENT | {"_birthDate": born, "_gender": None, "name": [{"given": ["A", None], "_given": [None, {}]}]}
    record = read(bundle(patient))
    assert record.patient.birth is not None
    assert problems(record) == []
