"""What opens a line and what stays in it (L4 to L18), and how many lines that makes (c5, Q1 to Q4)."""

from __future__ import annotations

from typing import Any

from line_cases import BR, INDUCTION, R_CHOP, R_ICE, VRD, Case, Expected, Spans, each, outcome
from line_kit import dose, history, status, supplied, taken

CASES: list[Case] = [
    # --- no new drug --------------------------------------------------------------------------------------------------
    (
        "dropping a drug and changing the interval is the same line (L15)",
        history("LBCL", dose("2020-01-13", *R_CHOP, n=3), dose("2020-03-16", *R_CHOP[:3], "prednisone", n=3, q=28)),
        (1, 1, 1),
        [("2020-01-13", "2020-05-11")],
        set(),
    ),
    (
        "the same drugs a year after progression are a new line (L13b)",
        history(
            "FL", dose("2020-02-03", *BR, n=6, q=28), status("2022-01-10", "PD"), dose("2022-02-07", *BR, n=4, q=28)
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-06-22"), ("2022-02-07", "2022-05-02")],
        {"L13b"},
    ),
    (
        "in myeloma the consensus texts differ about the same drugs after progression (L13b)",
        history("MM", dose("2020-02-03", *VRD, n=8), status("2022-01-10", "PD"), dose("2022-02-07", *VRD, n=8)),
        (2, 1, 2),
        [("2020-02-03", "2020-06-29"), ("2022-02-07", "2022-07-04")],
        {"L13b"},
    ),
    (
        "re-induction at relapse under maintenance is a new line (L13b)",
        history(
            "B-ALL",
            dose("2020-01-13", *INDUCTION, n=4, q=7),
            status("2020-02-17", "CR"),
            dose("2020-03-02", "vincristine", n=10, q=28),
            status("2020-11-16", "REL"),
            dose("2020-11-23", *INDUCTION, n=4, q=7),
        ),
        (2, 2, 2),
        [("2020-01-13", "2020-11-09"), ("2020-11-23", "2020-12-14")],
        {"L13b"},
    ),
    (
        "the same drugs after five months without recorded failure: a new line that may be none (L16)",
        history("LBCL", dose("2020-01-13", *R_CHOP, n=3), dose("2020-08-03", *R_CHOP, n=3)),
        (2, 1, 2),
        [("2020-01-13", "2020-02-24"), ("2020-08-03", "2020-09-14")],
        {"L16"},
    ),
    (
        "two missed doses of quarterly rituximab maintenance are no new line (L16)",
        history(
            "FL",
            dose("2018-02-05", *BR, n=6, q=28),
            dose("2018-09-03", "rituximab", n=4, q=90),
            dose("2020-02-25", "rituximab", n=3, q=90),
            dx="2018-01-08",
        ),
        (1, 1, 1),
        [("2018-02-05", "2020-08-23")],
        set(),
    ),
    (
        "rituximab maintenance every six months is one line (L16)",
        history("FL", dose("2018-02-05", *BR, n=6, q=28), dose("2018-10-01", "rituximab", n=4, q=184), dx="2018-01-08"),
        (1, 1, 1),
        [("2018-02-05", "2020-04-05")],
        set(),
    ),
    (
        "rituximab four years after its maintenance ended is a new line that may be none (L16)",
        history(
            "FL",
            dose("2014-02-03", *BR, n=6, q=28),
            dose("2014-09-01", "rituximab", n=12, q=60),
            dose("2020-09-07", "rituximab", n=4, q=7),
            dx="2014-01-06",
        ),
        (2, 1, 2),
        [("2014-02-03", "2016-06-22"), ("2020-09-07", "2020-09-28")],
        {"L16"},
    ),
    (
        "in myeloma a treatment holiday keeps the line, with a question beyond 180 days (L16)",
        history("MM", dose("2020-02-03", *VRD, n=8), dose("2021-06-07", *VRD, n=8)),
        (1, 1, 2),
        [("2020-02-03", "2021-11-01")],
        {"L16"},
    ),
    (
        "a relapse known only from the state of the diagnosis opens the next line (X1)",
        history(
            "FL",
            dose("2020-02-03", *BR, n=6, q=28),
            {"r": "CO", "d": "2022-01-10", "clin": "relapse"},
            dose("2022-02-07", *BR, n=4, q=28),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-06-22"), ("2022-02-07", "2022-05-02")],
        set(),
    ),
    # --- a new drug ---------------------------------------------------------------------------------------------------
    (
        "an attempt stopped on its first day is not a line (L18)",
        history(
            "LBCL",
            dose("2020-01-13", "rituximab", "bendamustine", st="stopped", why="not-tolerated"),
            dose("2020-01-27", "rituximab", "gemcitabine", "oxaliplatin", n=4, q=14),
        ),
        (1, 1, 2),
        [("2020-01-27", "2020-03-09")],
        {"L18"},
    ),
    (
        "rituximab joins CHOP in the second cycle (L4)",
        history("LBCL", dose("2020-01-13", *R_CHOP[1:]), dose("2020-02-03", *R_CHOP, n=5)),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        {"L4"},
    ),
    (
        "obinutuzumab before venetoclax is one regimen (L4)",
        history("CLL", dose("2020-02-03", "obinutuzumab", n=6, q=28), supplied("2020-05-04", "venetoclax", n=10)),
        (1, 1, 1),
        [("2020-02-03", "2021-02-07")],
        {"L4"},
    ),
    (
        "the cytarabine part of the Nordic protocol joins after the first window (L5)",
        history("MCL", dose("2020-02-03", *R_CHOP, n=3), dose("2020-04-06", "rituximab", "cytarabine", n=3)),
        (1, 1, 1),
        [("2020-02-03", "2020-05-18")],
        {"L5"},
    ),
    (
        "epirubicin for doxorubicin is the same regimen, modified (L6)",
        history(
            "LBCL",
            dose("2020-01-13", *R_CHOP, n=3),
            dose("2020-03-16", "rituximab", "cyclophosphamide", "epirubicin", "vincristine", n=3),
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        {"L6"},
    ),
    (
        "radioimmunotherapy in first response is consolidation (L9)",
        history(
            "FL",
            dose("2020-02-03", *BR, n=6, q=28),
            status("2020-07-20", "PR"),
            dose("2020-09-07", "ibritumomab tiuxetan"),
        ),
        (1, 1, 1),
        [("2020-02-03", "2020-09-07")],
        {"L9"},
    ),
    (
        "radioimmunotherapy a year later is a line (L14)",
        history(
            "FL",
            dose("2020-02-03", *BR, n=6, q=28),
            status("2020-07-20", "PR"),
            dose("2021-09-06", "ibritumomab tiuxetan"),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-06-22"), ("2021-09-06", "2021-09-06")],
        {"L14"},
    ),
    (
        "blinatumomab without remission on record keeps the line, with a question (L11)",
        history("B-ALL", dose("2020-01-13", *INDUCTION, n=4, q=7), dose("2020-03-16", "blinatumomab")),
        (1, 1, 2),
        [("2020-01-13", "2020-03-16")],
        {"L11"},
    ),
    (
        "inotuzumab without recorded failure opens a line, with a question (L11)",
        history(
            "B-ALL",
            dose("2020-01-13", *INDUCTION, n=4, q=7),
            status("2020-02-17", "CR"),
            dose("2020-06-15", "inotuzumab ozogamicin", n=3, q=7),
        ),
        (2, 1, 2),
        [("2020-01-13", "2020-02-03"), ("2020-06-15", "2020-06-29")],
        {"L11"},
    ),
    (
        "a further phase of the leukaemia protocol (L10)",
        history(
            "B-ALL",
            dose("2020-01-13", *INDUCTION, n=4, q=7),
            status("2020-02-17", "CR"),
            dose("2020-05-18", "cyclophosphamide", "cytarabine", "mercaptopurine", n=2, q=14),
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-06-01")],
        {"L10"},
    ),
    (
        "one BTK inhibitor for another without a reason (L12)",
        history(
            "CLL", taken("2020-02-03", "2021-02-01", "ibrutinib"), taken("2021-02-08", "2022-02-07", "zanubrutinib")
        ),
        (2, 1, 2),
        [("2020-02-03", "2021-02-01"), ("2021-02-08", "2022-02-07")],
        {"L12"},
    ),
    (
        "rituximab maintenance after R-CHOP in mantle cell lymphoma (L8)",
        history(
            "MCL",
            dose("2020-02-03", *R_CHOP, n=6),
            status("2020-06-15", "CR"),
            dose("2020-08-03", "rituximab", n=6, q=60),
        ),
        (1, 1, 1),
        [("2020-02-03", "2021-05-30")],
        {"L8"},
    ),
    (
        "a new maintenance drug in its window (L8)",
        history("FL", dose("2020-02-03", *BR, n=6, q=28), dose("2020-09-07", "obinutuzumab", n=6, q=60)),
        (1, 1, 1),
        [("2020-02-03", "2021-07-04")],
        {"L8"},
    ),
    (
        "stable disease before the change: maintenance it is not (L8, L14)",
        history(
            "FL",
            dose("2020-02-03", *BR, n=6, q=28),
            status("2020-08-03", "SD"),
            dose("2020-09-07", "obinutuzumab", n=6, q=28),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-06-22"), ("2020-09-07", "2021-01-25")],
        {"L14"},
    ),
    (
        "polatuzumab for vincristine in mid-course, most drugs kept: modified, with a question (L14)",
        history(
            "LBCL",
            dose("2020-01-13", *R_CHOP, n=3),
            dose("2020-03-16", "polatuzumab vedotin", "rituximab", "cyclophosphamide", "doxorubicin", n=3),
        ),
        (1, 1, 2),
        [("2020-01-13", "2020-04-27")],
        {"L14"},
    ),
    (
        "another regimen in mid-course without a recorded cause: a new line that may be none (L14)",
        history("LBCL", dose("2020-01-13", *R_CHOP, n=3), dose("2020-03-16", *R_ICE, n=2)),
        (2, 1, 2),
        [("2020-01-13", "2020-02-24"), ("2020-03-16", "2020-04-06")],
        {"L14"},
    ),
    (
        "another regimen in mid-course after a stop for no response is a new line (L14)",
        history(
            "LBCL",
            dose("2020-01-13", *R_CHOP, n=2),
            dose("2020-02-24", *R_CHOP, st="stopped", why="no-response"),
            dose("2020-03-16", "gemcitabine", "oxaliplatin", n=2),
        ),
        (2, 2, 2),
        [("2020-01-13", "2020-02-24"), ("2020-03-16", "2020-04-06")],
        {"L14"},
    ),
    (
        "a targeted drug replaced by another class in mantle cell lymphoma (L14)",
        history("MCL", taken("2020-02-03", "2021-02-01", "ibrutinib"), taken("2021-02-08", "2022-02-07", "venetoclax")),
        (2, 2, 2),
        [("2020-02-03", "2021-02-01"), ("2021-02-08", "2022-02-07")],
        {"L14"},
    ),
    (
        "daratumumab goes on while pomalidomide replaces lenalidomide (L17)",
        history(
            "MM",
            dose("2020-02-03", "daratumumab", n=18, q=28),
            taken("2020-02-03", "2021-01-11", "lenalidomide", "dexamethasone"),
            status("2021-01-11", "PD"),
            taken("2021-01-25", "2021-06-14", "pomalidomide"),
        ),
        (2, 2, 2),
        [("2020-02-03", "2021-01-24"), ("2021-01-25", "2021-06-14")],
        {"L13", "L17"},
    ),
    (
        "daratumumab added in mid-course is a new line in myeloma (L8, L14)",
        history(
            "MM",
            taken("2020-02-03", "2022-02-01", "lenalidomide", "dexamethasone"),
            dose("2020-08-03", "daratumumab", n=20, q=28),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-08-02"), ("2020-08-03", "2022-02-01")],
        {"L14", "L17"},
    ),
    # --- a complete cycle, counts -------------------------------------------------------------------------------------
    (
        "ten days of a BTK inhibitor are not yet a line (c5, decision 17)",
        history(
            "CLL",
            dose("2020-02-03", *BR, n=6, q=28),
            status("2023-01-09", "PD"),
            taken("2023-02-06", "2023-02-16", "ibrutinib"),
        ),
        (1, 1, 2),
        [("2020-02-03", "2020-06-22")],
        {"c5"},
    ),
    (
        "the recorded count settles an open question (Q2)",
        history(
            "CLL",
            taken("2020-02-03", "2021-02-01", "ibrutinib"),
            taken("2021-02-08", "2022-02-07", "zanubrutinib"),
            {"r": "OB", "d": "2022-03-07", "prior_lines": 1},
        ),
        (1, 1, 1),
        [("2020-02-03", "2022-02-07")],
        set(),
    ),
    (
        "a recorded count below what was given is a conflict (Q4)",
        history(
            "CLL",
            dose("2020-02-03", *BR, n=6, q=28),
            status("2022-01-10", "PD"),
            taken("2022-02-08", "2023-02-07", "zanubrutinib"),
            {"r": "OB", "d": "2023-03-07", "prior_lines": 1},
        ),
        (2, 1, 2),
        [("2020-02-03", "2020-06-22"), ("2022-02-08", "2023-02-07")],
        set(),
    ),
    (
        "lines begun after the count was written down are added to it (Q1)",
        history(
            "CLL",
            dose("2020-02-03", *BR, n=6, q=28),
            {"r": "OB", "d": "2021-03-07", "prior_lines": 1},
            status("2022-01-10", "PD"),
            taken("2022-02-08", "2023-02-07", "zanubrutinib"),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-06-22"), ("2022-02-08", "2023-02-07")],
        set(),
    ),
]


@each(CASES)
def test_rule(case: dict[str, Any], count: Expected, lines: Spans, rules: set[str]) -> None:
    assert outcome(case, rules) == (lines, count, rules)
