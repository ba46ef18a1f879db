"""The sandbox without a browser: what is served, to whom, and that nothing of it stays."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cards.model import SILENCES
from cds_service.pipeline import Pipeline
from cds_service.sandbox.additions import EMPTY, PROCEDURES, STATUSES, load_additions
from cds_service.sandbox.calls import SLOTS, Calls
from cds_service.sandbox.samples import load_samples
from cds_service.sandbox.view import markdown, read
from cds_service.sandbox.words import OUTCOMES, SILENCE
from tests.sandbox.conftest import HOSTILE, SAMPLES, bundle_of, client_of, hostile, question, text_of

PATIENTS = sorted(path.stem for path in SAMPLES.glob("*.json"))
PAGES = (
    "/",
    "/own",
    "/connect",
    "/patients/dlbcl-early-relapse",
    "/patients/no-blood-cancer",
    "/rules",
    "/rules/us/lbcl",
)
OWN = {"X-Cart-Cds-Page": "yes", "Host": "cds.example.org"}


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def view(client: FlaskClient, record: str, **more: Any) -> Any:
    return client.post("/sandbox/view", json=question(record, **more))


def test_every_sample_patient_has_a_page_in_both_jurisdictions(client: FlaskClient) -> None:
    for name in PATIENTS:
        for jurisdiction in ("us", "eu"):
            page = client.get(f"/patients/{name}?jurisdiction={jurisdiction}")
            assert page.status_code == 200, (name, jurisdiction)
            assert "The card, as an EHR shows it" in page.text


def test_the_page_tells_what_the_story_promises(client: FlaskClient) -> None:
    for sample in load_samples().values():
        page = client.get(f"/patients/{sample.id}").text
        has_card = "cds-card" in page
        assert has_card == OUTCOMES[sample.outcome][1].startswith("Card"), sample.id
        assert ("A card appears" in page) == has_card


def test_gallery_filters_without_scripts(client: FlaskClient) -> None:
    def shown(query: str) -> set[str]:
        page = client.get(f"/?{query}").text
        tiles = re.findall(r'<li class="tile"[^>]*?( hidden)?>\s*<a href="/patients/([^"]+)"', page)
        return {name for hidden, name in tiles if not hidden}

    assert len(shown("")) == len(PATIENTS)
    assert shown("family=mcl") == {"mantle-cell-with-btk", "mantle-cell-without-btk"}
    assert shown("outcome=near+miss") == {"follicular-one-line", "cll-without-bcl2"}
    assert shown("q=richter+CLL") | shown("q=turned+into") == {"richter"}
    assert shown("q=nothing-like-this") == set()


def test_day_and_labels_can_be_chosen_without_scripts(client: FlaskClient) -> None:
    assert "No card." in client.get("/patients/dlbcl-early-relapse?asOf=2026-05-01").text
    assert "A card appears" in client.get("/patients/dlbcl-early-relapse").text
    assert "No card." in client.get("/patients/mantle-cell-without-btk?jurisdiction=eu").text


@pytest.mark.parametrize("path", PAGES)
def test_pages_hold_no_inline_script_or_style_and_no_foreign_address(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
    for tag, attributes in Elements(page.text).found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "script":
            assert (attributes["src"] or "").startswith("/sandbox/assets/")
        if tag in ("img", "iframe", "object", "embed", "audio", "video", "base"):
            pytest.fail(f"{path} holds a {tag}")
        if tag == "link":
            assert (attributes["href"] or "").startswith(("/rules/", "/sandbox/assets/", "data:,"))


def test_nothing_may_keep_a_page_of_a_patient(client: FlaskClient) -> None:
    for answer in (client.get("/own"), client.get("/patients/richter"), view(client, text_of("richter"))):
        assert answer.headers["Cache-Control"] == "no-store"
    report = client.post("/sandbox/report", data={"state": json.dumps(question(text_of("richter")))})
    assert report.status_code == 200 and report.headers["Cache-Control"] == "no-store"


def test_a_record_of_ones_own_leaves_no_trace(
    client: FlaskClient, capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = text_of("dlbcl-early-relapse").replace("dlbcl-early-relapse", "zz-very-own-patient")
    capsys.readouterr()
    answer = view(client, record)
    assert "zz-very-own-patient" in answer.get_json()["card"]
    client.post("/sandbox/report", data={"state": json.dumps(question(record))})
    client.post("/sandbox/cards", json=question(record))
    written = capsys.readouterr()
    assert "zz-very-own" not in written.out + written.err
    assert list(tmp_path.iterdir()) == []
    assert "zz-very-own" not in json.dumps(client.get("/sandbox/calls", headers=OWN).get_json())


def test_an_error_names_the_line(client: FlaskClient) -> None:
    broken = '{"resourceType": "Bundle",\n "entry": [\n  {"resource": {"resourceType": "Patient",}}\n]}'
    answer = view(client, broken)
    error = answer.get_json()["error"]
    assert error["line"] == 3 and "line 3" in error["text"]
    assert error["excerpt"][3 - error["first"]].strip().startswith('{"resource"')
    lines = '{"resourceType": "Patient", "id": "a"}\n{"resourceType": "Condition", "id": }\n'
    assert view(client, lines).get_json()["error"]["line"] == 2


def test_an_error_about_a_resource_names_its_line(client: FlaskClient) -> None:
    bundle = bundle_of("dlbcl-early-relapse")
    moved = next(e["resource"] for e in bundle["entry"] if e["resource"]["id"] == "ma4")
    moved["subject"]["reference"] = "Patient/another"
    text = json.dumps(bundle, indent=1)
    error = view(client, text).get_json()["error"]
    assert "ma4" in error["text"]
    assert text.split("\n")[error["line"] - 1].strip() == '"id": "ma4",'
    assert client.post("/sandbox/view", json=question('{"entry": [\n{]}')).get_json()["error"]["line"] == 2


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("", "Empty"),
        ("[]", "no FHIR"),
        ('{"a": 1}', "resourceType"),
        ("hello", "JSON"),
        ("<Bundle xmlns='http://hl7.org/fhir'/>", "XML"),
        ('{"resourceType": "Bundle", "entry": [', "ends too early"),
        ('{"resourceType":"Condition"}', "atient"),
    ],
)
def test_what_cannot_be_judged_is_told_in_words(client: FlaskClient, record: str, said: str) -> None:
    answer = view(client, record)
    assert said in answer.get_json()["error"]["text"]


def test_ndjson_and_a_whole_hook_request_are_read_too(client: FlaskClient) -> None:
    bundle = bundle_of("dlbcl-early-relapse")
    lines = "\n".join(json.dumps(entry["resource"]) for entry in bundle["entry"])
    made = client.post("/sandbox/request", json={"record": json.dumps(bundle)}).get_json()
    assert made["service"] == "cart-referral-patient-view"
    for record in (lines, json.dumps(made["request"])):
        assert "A card appears" in view(client, record).get_json()["headline"]


def test_the_request_of_the_page_is_answered_with_the_card_of_the_page(client: FlaskClient) -> None:
    record = text_of("dlbcl-early-relapse")
    made = client.post("/sandbox/request", json={"record": record}).get_json()
    cards = client.post(f"/cds-services/{made['service']}?asOf=2026-11-21", json=made["request"]).get_json()["cards"]
    assert len(cards) == 1 and cards[0]["summary"] in view(client, record).get_json()["card"]


def test_whatever_can_be_added_is_read(pipeline: Pipeline) -> None:
    additions = load_additions(pipeline.rules, pipeline.knowledge.concepts.systems)
    assert len(additions) == len(STATUSES) + len(PROCEDURES) + 1
    for one in additions:
        if one.label == EMPTY:
            continue
        added = {**one.resource, "id": "new", "subject": {"reference": "Patient/p"}, one.date: "2026-11-01"}
        body = json.dumps([{"resourceType": "Patient", "id": "p"}, added]).encode()
        record, _ = read(body)
        concepts = pipeline.knowledge.concepts
        if added["resourceType"] == "Observation":
            (seen,) = record.observations
            assert concepts.observation_value(seen.value) is not None, one.label
        else:
            assert concepts.procedure(record.procedures[0].code) is not None, one.label


def test_cards_over_time_are_found_to_the_day(client: FlaskClient) -> None:
    answer = client.post("/sandbox/cards", json=question(text_of("dlbcl-early-relapse")))
    spans = answer.get_json()["spans"]
    assert [span["kind"] for span in spans][:2] == ["silent", "met"]
    assert spans[1]["from"] == "2026-09-07", "the day of the relapse"


def test_hostile_text_stays_text(client: FlaskClient) -> None:
    record = json.dumps(hostile(bundle_of("dlbcl-flags")))
    told = view(client, record).get_json()
    report = client.post("/sandbox/report", data={"state": json.dumps(question(record))}).text
    for html in [told[part] for part in ("headline", "card", "history", "reasoning", "notes")] + [report]:
        for tag, attributes in Elements(html).found:
            assert tag not in ("script", "img", "iframe", "b", "object"), tag
            assert not [name for name in attributes if name.startswith("on")]
            assert not (attributes.get("href") or "").lower().startswith("javascript:")


def test_card_text_becomes_no_html_of_its_own() -> None:
    for text in HOSTILE:
        tags = {tag for tag, _ in Elements(str(markdown(f"**a** {text}\n\n- {text}"))).found}
        assert tags <= {"p", "strong", "ul", "li", "em", "code"}


def test_every_reason_for_silence_has_words() -> None:
    assert set(SILENCE) == set(SILENCES)


def test_outside_the_sandbox_there_is_none(pipeline: Pipeline) -> None:
    client = client_of(pipeline, sandbox=False, auth_off_confirmed="yes")
    for path in ("/", "/own", "/connect", "/patients/richter", "/sandbox/calls", "/sandbox/assets/workspace.js"):
        assert client.get(path).status_code == 404, path
    assert client.post("/sandbox/view", json=question(text_of("richter"))).status_code == 404


def test_rule_pages_work_outside_the_sandbox(pipeline: Pipeline) -> None:
    client = client_of(pipeline, sandbox=False, auth_off_confirmed="yes", public_url="https://hospital.example/cart")
    for path in ("/rules", "/rules/us/lbcl", "/rules/us/yescarta/lbcl-2l-early", "/rules/compare/yescarta"):
        page = client.get(path)
        assert page.status_code == 200
        assert "TEST ONLY" not in page.text and "<script" not in page.text
        assert re.search(r'href="/cart/rules/style\.css\?v=[0-9a-f]{12}"', page.text)
        assert 'href="/cart/own"' not in page.text
    assert client.get("/rules/style.css").mimetype == "text/css"
    assert client.get("/rules/inter.woff2").mimetype == "font/woff2"


def test_a_changed_label_shows_what_changed(client: FlaskClient) -> None:
    page = client.get("/rules/us/yescarta/lbcl-2l-early").text
    assert "What changed on 2026-02-06" in page
    gone = re.findall(r"<del>([^<]*)</del>", page)
    assert any("Not for primary CNS lymphoma" in text for text in gone)


def test_one_product_is_compared_side_by_side(client: FlaskClient) -> None:
    page = client.get("/rules/compare/tecartus").text
    assert "<h3>US</h3>" in page and "<h3>EU</h3>" in page
    assert "BTK" in " ".join(re.findall(r"<ins><span[^>]*>[^<]*</span>([^<]*)</ins>", page)), (
        "only the EU asks for a BTK inhibitor"
    )
    assert client.get("/rules/compare/nothing").status_code == 404


def test_the_comparison_marks_what_only_one_side_names(client: FlaskClient) -> None:
    page = client.get("/rules/compare/yescarta").text
    early = page[page.index("Large B-cell lymphoma</h2>") :]
    assert re.search(r"<ins><span class=\"vh\">only here: </span>[^<]*mediastinal", early), (
        "the EU second line has none"
    )


def test_the_report_needs_nothing_else(client: FlaskClient) -> None:
    page = client.get("/patients/dlbcl-flags/report")
    assert page.status_code == 200
    for words in (
        "Diagnosis",
        "Lines of therapy",
        "R-CHOP",
        "Disease status over time",
        "Flags",
        "Hepatitis B",
        "Missing items",
    ):
        assert words in page.text
    found = Elements(page.text).found
    assert not [tag for tag, _ in found if tag in ("script", "link", "img", "iframe")]
    assert [attributes for tag, attributes in found if tag == "meta" and attributes.get("http-equiv")]
    assert "sha256-" in page.headers["Content-Security-Policy"]


def test_the_report_asks_nothing_of_a_chart_without_a_label_disease(client: FlaskClient) -> None:
    page = client.get("/patients/no-blood-cancer/report").text
    assert "Not looked for" in page
    assert "to be checked" not in page


def test_the_two_patients_to_begin_with_lead_to_each_other(client: FlaskClient) -> None:
    with_card, without = "dlbcl-early-relapse", "follicular-one-line"
    assert (
        f'href="/patients/{without}">Compare with the one without a card' in client.get(f"/patients/{with_card}").text
    )
    assert f'href="/patients/{with_card}">Compare with the one with a card' in client.get(f"/patients/{without}").text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dlbcl-early-relapse", "What decides: first-line failure – relapse (2026-09-07), 189 days after"),
        ("dlbcl-third-line", "What decides: systemic lines – 2 systemic lines of therapy"),
        ("follicular-one-line", "Closest is Breyanzi: systemic lines – 1 systemic line of therapy"),
        ("richter", "Left open: diagnosis – Richter transformation"),
        ("myeloma-orders-only", "Not known: systemic lines – 0 to 1 systemic lines"),
    ],
)
def test_the_first_sentence_says_why(client: FlaskClient, name: str, why: str) -> None:
    told = view(client, text_of(name)).get_json()["headline"]
    assert why in " ".join(re.sub(r"<[^>]+>", "", told).split())


def test_pages_and_files_are_compressed_for_browsers_that_ask(client: FlaskClient) -> None:
    for path in ("/", "/patients/richter", "/rules/us/lbcl", "/rules/style.css", "/sandbox/assets/workspace.js"):
        plain, small = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in small.headers["Vary"]
        assert len(small.data) * 2 < len(plain.data)
        if path != "/patients/richter":
            assert gzip.decompress(small.data) == plain.data


def test_a_file_is_kept_by_the_browser_only_under_the_address_of_its_content(client: FlaskClient) -> None:
    page = client.get("/").text
    for address in re.findall(r'"(/[^"]+\?v=[0-9a-f]+)"', page):
        assert "immutable" in client.get(address).headers["Cache-Control"]
        assert "immutable" not in client.get(address.partition("?")[0]).headers["Cache-Control"]


def test_a_large_record_has_its_report_too(client: FlaskClient) -> None:
    record = text_of("myeloma-triple-class") + " " * 2_000_000
    page = client.post("/sandbox/report", data={"state": json.dumps(question(record))})
    assert page.status_code == 200 and "Multiple myeloma" in page.text


def test_connect_names_this_instance(client: FlaskClient) -> None:
    page = client.get("/connect").text
    for address in (
        "https://cds.example.org/cds-services",
        "https://cds.example.org/cds-services/cart-referral-order-sign",
    ):
        assert f'data-copy="{address}"' in page


def test_the_page_sees_the_calls_and_no_one_else_does(pipeline: Pipeline) -> None:
    client = client_of(pipeline)
    made = client.post("/sandbox/request", json={"record": text_of("richter")}).get_json()
    client.post(
        "/cds-services/cart-referral-patient-view",
        json=made["request"],
        headers={"Authorization": "Bearer secret-token"},
    )
    calls = client.get("/sandbox/calls", headers=OWN).get_json()["calls"]
    assert [(call["method"], call["path"], call["status"]) for call in calls] == [
        ("POST", "/cds-services/cart-referral-patient-view", 200)
    ]
    whole = client.get("/sandbox/calls/1", headers=OWN)
    assert json.loads(whole.get_json()["request"]) == made["request"]
    assert "cards" in json.loads(whole.get_json()["response"])
    assert "secret-token" not in whole.text
    for host in ("localhost:8080", "192.168.1.7:8080", "[::1]:8080"):
        assert client.get("/sandbox/calls", headers={**OWN, "Host": host}).status_code == 200
    for headers in (
        {},
        {**OWN, "Sec-Fetch-Site": "cross-site"},
        {**OWN, "Sec-Fetch-Site": "same-site"},
        {**OWN, "Host": "rebound.evil.example"},
    ):
        assert client.get("/sandbox/calls", headers=headers).status_code == 404
        assert client.get("/sandbox/calls/1", headers=headers).status_code == 404
    assert "Access-Control-Allow-Origin" not in client.get("/sandbox/calls", headers=OWN).headers
    client.post("/sandbox/forget", headers=OWN)
    assert client.get("/sandbox/calls", headers=OWN).get_json()["calls"] == []


def test_only_the_last_calls_are_kept() -> None:
    calls = Calls()
    for number in range(SLOTS + 3):
        calls.add({"path": str(number), "request": "x" * 1000, "response": None})
    kept = calls.newest()
    assert [call["number"] for call in kept] == list(range(SLOTS + 3, 3, -1))
    assert calls.one(1) is None
    found = calls.one(SLOTS + 3)
    assert found is not None and found["path"] == str(SLOTS + 2)


def test_a_foreign_page_cannot_ask_for_a_report(client: FlaskClient) -> None:
    form = {"state": json.dumps(question(text_of("richter")))}
    answer = client.post("/sandbox/report", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 404
