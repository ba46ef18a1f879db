"""What is evidence of treatment, whose it is and when (E1 to E8, D1 to D6, U1, U2, A2 to A4)."""

from __future__ import annotations

from typing import Any

from line_cases import BR, R_CHOP, R_ICE, VRD, Case, Expected, Spans, each, lbcl, outcome
from line_kit import done, dose, history, ordered, status, supplied, taken

CASES: list[Case] = [
    # --- evidence -----------------------------------------------------------------------------------------------------
    (
        "an administration on hold is probable, so the line is not in min (E1)",
        history("LBCL", dose("2020-01-13", *R_CHOP, n=2, st="on-hold")),
        (1, 0, 1),
        [("2020-01-13", "2020-02-03")],
        set(),
    ),
    (
        "an infusion known only from dispenses is probable (E2)",
        history("LBCL", supplied("2020-01-13", *R_CHOP[:4], n=3, days=21)),
        (1, 0, 1),
        [("2020-01-13", "2020-03-15")],
        set(),
    ),
    (
        "a statement of what was not taken and one only intended make no line (E3)",
        history(
            "CLL",
            taken("2020-02-03", "2021-02-01", "ibrutinib", st="not-taken"),
            taken("2020-03-03", "2021-02-01", "venetoclax", st="intended"),
        ),
        (0, 0, 0),
        [],
        set(),
    ),
    (
        "what the patient reported in a request was given (E4)",
        history("CLL", ordered("2020-02-03", "ibrutinib", to="2021-02-01", reported=True, intent="plan")),
        (1, 1, 1),
        [("2020-02-03", "2021-02-01")],
        set(),
    ),
    (
        "an oral order that was never to be given is no line (E4)",
        history("CLL", ordered("2020-02-03", "ibrutinib", to="2021-02-01", doNotPerform=True)),
        (0, 0, 0),
        [],
        set(),
    ),
    (
        "one oral dispense does not hide that infusions exist only as orders (E5, decision 55)",
        history(
            "MM",
            ordered("2020-02-03", "bortezomib", n=8, q=7, st="completed"),
            supplied("2020-02-03", "lenalidomide", n=3),
        ),
        (1, 1, 1),
        [("2020-02-03", "2020-04-26")],
        set(),
    ),
    (
        "orders for infusions never given do not count beside real infusions (E4)",
        lbcl(status("2020-06-01", "PR"), status("2020-07-01", "PD"), ordered("2020-07-06", *R_ICE, n=2, st="active")),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "a care plan proves nothing (E6)",
        history("MM", {"r": "CP", "d": "2020-02-03", "plan": "p1", "rx": [*VRD]}),
        (0, 0, 0),
        [],
        set(),
    ),
    (
        "a procedure that names no drug makes the order of that day probable (E7, E8)",
        history(
            "LBCL",
            dose("2020-01-13", "rituximab"),
            ordered("2020-02-03", "bendamustine", st="completed"),
            done("2020-02-03", "chemotherapy"),
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-02-03")],
        set(),
    ),
    (
        "a study drug given for the lymphoma is a line (E8, L19)",
        lbcl(status("2020-06-01", "PD"), dose("2020-06-15", "ABC-1234", n=4, q=21, trial=True)),
        (2, 2, 2),
        [("2020-01-13", "2020-04-27"), ("2020-06-15", "2020-08-17")],
        {"L13"},
    ),
    (
        "an unknown drug without a reason is set aside (E8)",
        lbcl(status("2020-06-01", "PD"), dose("2020-06-15", "ABC-1234", n=4)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "chemotherapy with no name at all, given for the lymphoma, is a line of an unknown drug (E8)",
        lbcl(status("2021-03-01", "REL"), done("2021-03-15", "chemotherapy", **{"for": "dlbcl_nos"})),
        (2, 2, 2),
        [("2020-01-13", "2020-04-27"), ("2021-03-15", "2021-03-15")],
        {"L13"},
    ),
    (
        "an act without a drug beside known infusions adds nothing (E8)",
        lbcl(done("2020-02-04", "chemotherapy", **{"for": "dlbcl_nos"})),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    # --- dates --------------------------------------------------------------------------------------------------------
    (
        "a dose dated after the assessment is a plan (D5)",
        lbcl(dose("2027-01-04", *R_ICE)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "a dose dated before birth is set aside (D6)",
        lbcl(dose("1950-01-04", *R_ICE)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "two regimens of the same year, order unknown, may be one (D2, D4)",
        history(
            "LBCL", taken("2020", None, *R_CHOP), taken("2020-09", None, "rituximab", "gemcitabine", "oxaliplatin")
        ),
        (2, 1, 2),
        [("2020", "2020"), ("2020-09", "2020-09")],
        {"L14"},
    ),
    (
        "an undated statement is a line whose place is open (D1)",
        history(
            "CLL",
            dose("2020-02-03", "fludarabine", "cyclophosphamide", "rituximab", n=6, q=28),
            taken(None, None, "ibrutinib"),
        ),
        (2, 1, 2),
        [(None, None), ("2020-02-03", "2020-06-22")],
        set(),
    ),
    # --- duplicates ---------------------------------------------------------------------------------------------------
    (
        "the order weeks before the first supply is not a line of its own (U1)",
        history(
            "CLL",
            ordered("2020-02-03", "ibrutinib", st="completed"),
            supplied("2020-02-17", "ibrutinib", n=12, days=30),
        ),
        (1, 1, 1),
        [("2020-02-17", "2021-02-10")],
        set(),
    ),
    (
        "a year-long statement that contains the infusions adds nothing (U1)",
        history("LBCL", taken("2020", None, *R_CHOP), dose("2020-01-13", *R_CHOP, n=6)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "two doses on a ward do not shorten a drug taken at home for a year (U1)",
        history(
            "CLL",
            taken("2020-02-03", "2021-02-01", "ibrutinib"),
            dose("2020-06-01", "ibrutinib", n=2, q=1),
            supplied("2020-02-03", "ibrutinib", n=12),
        ),
        (1, 1, 1),
        [("2020-02-03", "2021-02-01")],
        set(),
    ),
    (
        "a retracted and a refused copy remove only themselves (U2)",
        lbcl(dose("2020-01-13", *R_CHOP, st="entered-in-error"), dose("2020-02-03", *R_CHOP, st="not-done")),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    # --- attribution --------------------------------------------------------------------------------------------------
    (
        "rituximab for another disease is not lymphoma treatment (A2)",
        history("FL", dose("2020-02-03", *BR, n=6, q=28), dose("2023-02-06", "rituximab", n=4, q=7, **{"for": "hiv"})),
        (1, 1, 1),
        [("2020-02-03", "2020-06-22")],
        set(),
    ),
    (
        "chemotherapy months before the diagnosis, no reason given, is earlier treatment (A3)",
        history("LBCL", dose("2015-01-13", "doxorubicin", "cyclophosphamide", n=4), dose("2020-01-13", *R_CHOP, n=6)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "AC while breast cancer stands on record is not lymphoma treatment (A4)",
        lbcl(
            dose("2024-01-15", "doxorubicin", "cyclophosphamide", n=4),
            extra=[
                {
                    "resourceType": "Condition",
                    "id": "breast",
                    "onsetDateTime": "2023-12-04",
                    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.919"}]},
                }
            ],
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "treatment of the follicular lymphoma counts after it transformed (A2, decision 15)",
        {
            "dz": "LBCL",
            "dx": "2015-03-02",
            "tx": "2020-01-06",
            "events": [dose("2015-04-06", *BR, n=6, q=28), dose("2020-01-13", *R_CHOP, n=6)],
        },
        (2, 2, 2),
        [("2015-04-06", "2015-08-24"), ("2020-01-13", "2020-04-27")],
        {"L14"},
    ),
]


@each(CASES)
def test_rule(case: dict[str, Any], count: Expected, lines: Spans, rules: set[str]) -> None:
    assert outcome(case, rules) == (lines, count, rules)
