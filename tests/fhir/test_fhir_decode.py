"""Whatever bytes come: the resources in them, or one orderly refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir_kit import PATIENT, all_of, bundle, coded, problems, read, resource

from cds_service.errors import NoPatient, TooComplex, UnreadableInput
from cds_service.fhir import text as fhir_text
from cds_service.fhir.decode import decode_hook, decode_record
from cds_service.fhir.text import MAX_OBJECTS
from tests.counting import calls

DEEP = 100_000


def text(patient_extra: str) -> bytes:
    return f'{{"resourceType":"Patient","id":"p1"{patient_extra}}}'.encode()


@pytest.mark.parametrize(
    "content",
    [
        PATIENT,
        [PATIENT],
        [[PATIENT]],
        bundle(PATIENT),
        bundle(bundle(bundle(PATIENT))),
        {"resourceType": "Bundle", "entry": {"resource": PATIENT}},
        {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"name": "y", "resource": PATIENT}]}]},
        {"hook": "patient-view", "prefetch": {"patient": PATIENT, "nothing": None}},
        {"prefetch": {"patient": {"response": {"status": "200 OK"}, "resource": PATIENT}}},
        {"prefetch": {"patient": [PATIENT]}},
    ],
    ids=lambda content: json.dumps(content)[:40],
)
def test_every_container_gives_the_patient(content: Any) -> None:
    assert read(content).patient.reference == "Patient/p1"


def test_ndjson_is_one_resource_a_line_also_after_an_odd_first_line() -> None:
    odd = PATIENT | {"gender": ["female", "male"]}
    lines = [json.dumps(odd), "", json.dumps(resource("Condition", "c1", code=coded("1")))]
    record = read("\r\n".join(lines).encode())
    assert len(record.conditions) == 1
    assert problems(record) == ["element gender has an unexpected type; it was not read"]


def test_a_broken_line_of_ndjson_is_named() -> None:
    with pytest.raises(UnreadableInput, match="line 2: not JSON"):
        decode_record(json.dumps(PATIENT).encode() + b'\n{"resourceType":')


def test_a_byte_order_mark_does_not_hurt() -> None:
    assert read(b"\xef\xbb\xbf" + text("")).patient.reference == "Patient/p1"


@pytest.mark.parametrize("body", [b"", b"  \n", b"{", b"nonsense", b"\xff\xfe{\x00", text(',"id":"\xff"')[:-1]])
def test_what_is_no_json_is_refused_in_one_line(body: bytes) -> None:
    for decode in (decode_record, decode_hook):
        with pytest.raises(UnreadableInput) as caught:
            decode(body)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["id", "gender", "unread"])
def test_bytes_that_are_not_utf8_are_refused_wherever_they_stand(where: str) -> None:
    body = f'{{"resourceType":"Patient","{where}":"'.encode() + b'\xe9"}'
    with pytest.raises(UnreadableInput, match="UTF-8"):
        decode_record(body)


@pytest.mark.parametrize("content", [[], {}, [1], "x", 5, None, {"resourceType": ["Patient"]}, {"resourceType": "Foo"}])
def test_json_without_fhir_is_refused(content: Any) -> None:
    with pytest.raises((UnreadableInput, NoPatient)):
        read(content)


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        (',"gender":"\\ud800"', "half a surrogate pair"),
        (',"unread":"\\udc00 \\\\ud800"', "half a surrogate pair"),
        (',"unread":NaN', "a number that JSON does not know"),
        (',"unread":-Infinity', "a number that JSON does not know"),
    ],
)
def test_what_json_does_not_allow_is_read_around_and_reported(extra: str, problem: str) -> None:
    assert problems(read(text(extra))) == [f"the JSON holds {problem}; read without it"]


def test_a_whole_surrogate_pair_is_one_character() -> None:
    record = read(
        b'[{"resourceType":"Patient","id":"p1","x":NaN},{"resourceType":"Condition","id":"c",'
        b'"subject":{"reference":"Patient/p1"},"code":{"text":"\\ud83d\\ude00 \\ud83d"}}]'
    )
    assert record.conditions[0].code.text == "\U0001f600 \ufffd"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000, "1" * 40])
def test_a_number_out_of_range_is_no_number(number: str) -> None:
    quantity = (
        f'{{"resourceType":"Observation","id":"o","subject":{{"reference":"Patient/p1"}},"valueInteger":{number}}}'
    )
    record = read(f"[{text('').decode()},{quantity}]".encode())
    assert record.observations[0].integer is None or number == "1" * 40


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"resourceType":"Bundle","entry":[{"resource":', '[{"extension":'])
def test_very_deep_nesting_is_refused(opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")
    for depth in (DEEP, 300):
        body = text(',"deep":' + opening * depth + "1" + closing * depth)
        for decode in (decode_record, decode_hook):
            try:
                decode(body)
            except (TooComplex, UnreadableInput) as error:
                assert depth == DEEP or isinstance(error, TooComplex)


@pytest.mark.parametrize("container", ["Bundle", "Parameters"])
@pytest.mark.parametrize("odd", ["", ',"gender":[1,2]'])
def test_containers_in_containers_have_a_limit(container: str, odd: str) -> None:
    inner = "entry" if container == "Bundle" else "parameter"
    body = f'{{"resourceType":"{container}","{inner}":[{{"resource":' * 120 + text(odd).decode() + "}]}" * 120
    with pytest.raises(TooComplex):
        read(body.encode())


def test_more_objects_than_anyone_sends_are_refused_before_they_are_made() -> None:
    with pytest.raises(TooComplex, match="objects"):
        decode_record(b'{"resourceType":"Bundle","entry":[' + b"{}," * MAX_OBJECTS + b"{}]}")


@pytest.mark.parametrize("gap", [b"", b" " * 3])
@pytest.mark.parametrize("more", [0, 1])
def test_objects_are_counted_to_the_last(monkeypatch: pytest.MonkeyPatch, gap: bytes, more: int) -> None:
    monkeypatch.setattr(fhir_text, "MAX_OBJECTS", 50)
    body = b'{"resourceType":"Bundle","entry":[' + (b"{}," + gap) * (48 + more) + b"{}]}"
    if more:
        with pytest.raises(TooComplex, match="more than 50 objects"):
            decode_record(body)
    else:
        assert decode_record(body).resources


def test_more_values_than_anyone_sends_are_refused_where_all_would_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_text, "MAX_VALUES", 50)
    body = b'{"resourceType":"Patient","id":"p","gender":[%s1]}' % (b"1," * 60)
    with pytest.raises(TooComplex, match="more than 50 values"):
        decode_record(body)


def test_more_resources_than_anyone_sends_are_refused() -> None:
    with pytest.raises(TooComplex, match="more than 100000 resources"):
        read([PATIENT] + [{"resourceType": "Claim", "patient": {"reference": "Patient/p1"}}] * 100_001)


def test_one_odd_resource_hides_no_other() -> None:
    odd = resource("Condition", "odd", code=[1], onsetDateTime={"a": 1}, bodySite="spleen", subject="Patient/p1")
    good = resource("Condition", "good", code=coded("1"))
    record = read(bundle(PATIENT, odd, 5, {"resourceType": "Nonsense"}, {"id": "x"}, good))
    assert [c.reference for c in record.conditions] == ["Condition/good", "Condition/odd"]
    assert record.conditions[1].body_sites[0].text == "spleen"
    assert problems(record) == [
        "resource Nonsense: not a type of FHIR DSTU2 to R5; it was not read",
        "resource without a usable resourceType: not a type of FHIR DSTU2 to R5; it was not read",
        "element entry.resource has an unexpected type; it was not read",
        "an item of code has an unexpected type; it was not read",
        "element onsetDateTime has an unexpected type; it was not read",
        "the source failed to give resources",
    ]


@pytest.mark.parametrize("entry", [5, "none", [5], [{"resource": "x"}], [{"resource": {"id": "x"}}], [[]]])
def test_a_list_with_something_unreadable_in_it_is_incomplete_not_empty(entry: Any) -> None:
    conditions = {"resourceType": "Bundle", "type": "searchset", "entry": entry}
    assert read([PATIENT, conditions]).coverage.incomplete


@pytest.mark.parametrize(
    "entry", [None, [], [None], [{}], [{"resource": None}], [{"resource": {"resourceType": "New"}}]]
)
def test_an_entry_that_holds_nothing_we_could_miss_leaves_the_list_whole(entry: Any) -> None:
    conditions = {"resourceType": "Bundle", "type": "searchset", "entry": entry, "link": "odd"}
    assert not read([PATIENT, conditions]).coverage.incomplete


def test_an_id_that_is_a_number_is_an_id_and_one_that_is_an_object_is_none() -> None:
    record = read(bundle(PATIENT, resource("Condition", id=7), resource("Condition", id={"a": 1}, code=coded("1"))))
    assert [c.reference for c in record.conditions] == ["Condition/7", "Condition/unnamed-1"]


def test_duplicate_keys_never_crash() -> None:
    body = b'{"resourceType":"Patient","id":"p1","birthDate":"1960","birthDate":"1961","id":"p1"}'
    assert read(body).patient.birth is not None
    twice = b'{"resourceType":"Patient","id":"p1","resourceType":"Condition","subject":{"reference":"Patient/p1"}}'
    all_of(read(twice))


def test_the_draft_orders_and_problem_list_items_of_a_hook_are_no_part_of_the_record() -> None:
    draft = bundle(resource("MedicationRequest", "m1"))
    context = {"patientId": "p1", "draftOrders": draft, "conditions": bundle(resource("Condition", "c1"))}
    request = {"hook": "order-sign", "context": context, "prefetch": {"patient": PATIENT}}
    for odd in ({}, {"fhirServer": 5}):
        decoded = decode_hook(json.dumps(request | odd).encode())
        assert [r.id for r in decoded.resources] == ["p1"]
        assert decoded.hook is not None
        assert decoded.hook.context is not None
        assert decoded.hook.context.draftOrders is not None
        assert decoded.hook.context.conditions is not None


def test_an_unresolved_template_means_that_the_list_is_unknown() -> None:
    record = read({"prefetch": {"patient": PATIENT, "conditions": "Condition?patient={{context.patientId}}"}})
    assert record.coverage.truncated
    assert problems(record) == ["the source failed to give resources"]


@pytest.mark.parametrize(
    "hook", [{"prefetch": [1]}, {"prefetch": 5, "context": 7}, {"hook": {}, "context": {"selections": 5}}]
)
def test_a_hook_request_of_any_shape_is_decoded(hook: dict[str, Any]) -> None:
    assert decode_hook(json.dumps(hook).encode()).resources == []


def test_many_odd_resources_are_work_in_proportion() -> None:
    def work(count: int) -> int:
        odd = [resource("Observation", str(n), code=coded("1"), valueString=5.5, issued=[]) for n in range(count)]
        body = json.dumps(bundle(PATIENT, *odd)).encode()
        return calls(lambda: all_of(read(body)))

    work(100)
    assert work(2000) < 2.1 * work(1000)


def test_a_large_odd_resource_deep_in_containers_is_read_once() -> None:
    many = [resource("Observation", str(n), valueQuantity={"value": n}) for n in range(500)]
    odd = bundle(PATIENT, *many, resource("Condition", "c", code=5.5))
    shallow = calls(lambda: read(odd))
    deep = odd
    for _ in range(25):
        deep = bundle(deep)
    assert len(read(deep).observations) == 500
    assert calls(lambda: read(deep)) < 1.2 * shallow
