"""Transplant and cell therapy among the lines, and what never makes one (F2 to F7, L2, L3, L7)."""

from __future__ import annotations

from typing import Any

from line_cases import INDUCTION, R_ICE, VRD, Case, Expected, Spans, each, lbcl, outcome
from line_kit import done, dose, history, status, taken

CASES: list[Case] = [
    # --- filters ------------------------------------------------------------------------------------------------------
    (
        "weeks of dexamethasone alone, given for myeloma, are in max only (F2)",
        history(
            "MM",
            taken("2020-02-03", "2020-03-16", "dexamethasone", **{"for": "multiple_myeloma"}),
            dose("2020-06-01", "bortezomib", n=16, q=7),
        ),
        (1, 1, 2),
        [("2020-06-01", "2020-09-14")],
        set(),
    ),
    (
        "intrathecal methotrexate alone is no line (F3)",
        history("LBCL", dose("2020-01-13", "methotrexate", n=4, q=7, route="IT")),
        (0, 0, 0),
        [],
        set(),
    ),
    (
        "growth factor, hydroxyurea and tocilizumab are no line (F4)",
        history(
            "B-ALL", dose("2020-01-13", "filgrastim", "tocilizumab"), taken("2020-01-13", "2020-03-02", "hydroxyurea")
        ),
        (0, 0, 0),
        [],
        set(),
    ),
    (
        "BEAM is conditioning and single-agent etoposide before collection is mobilisation (F5, L7)",
        lbcl(
            status("2021-03-01", "REL"),
            dose("2021-03-15", *R_ICE, n=2),
            dose("2021-05-03", "etoposide"),
            done("2021-05-17", "stem-cell-collection"),
            dose("2021-06-07", "carmustine", "etoposide", "cytarabine", "melphalan"),
            done("2021-06-14", "auto-hsct"),
        ),
        (2, 2, 2),
        [("2020-01-13", "2020-04-27"), ("2021-03-15", "2021-06-14")],
        {"F5", "L13"},
    ),
    (
        "radiotherapy at relapse opens no line (F6)",
        lbcl(status("2021-03-01", "REL"), done("2021-03-15", "rt", to="2021-04-02")),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "methotrexate after allogeneic transplant prevents GVHD (F7)",
        history(
            "B-ALL",
            dose("2020-01-13", *INDUCTION, n=4, q=7),
            status("2020-02-17", "CR"),
            dose("2020-05-04", "busulfan", "cyclophosphamide"),
            done("2020-05-11", "allo-hsct"),
            dose("2020-05-12", "methotrexate", n=3, q=3),
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-05-11")],
        {"F5"},
    ),
    # --- cell therapy -------------------------------------------------------------------------------------------------
    (
        "a split dose of one product is one line (L2)",
        history(
            "B-ALL",
            dose("2020-01-13", *INDUCTION, n=4, q=7),
            status("2020-06-01", "REL"),
            dose("2020-06-22", "fludarabine", "cyclophosphamide", n=3, q=1),
            done("2020-06-29", "car-t", prod="obecabtagene autoleucel"),
            done("2020-07-08", "car-t", prod="obecabtagene autoleucel"),
        ),
        (2, 2, 2),
        [("2020-01-13", "2020-02-03"), ("2020-06-22", "2020-07-08")],
        set(),
    ),
    (
        "a second product is another line, and the infusion may be a medication (L2)",
        lbcl(
            status("2020-06-01", "PD"),
            dose("2020-07-06", "axicabtagene ciloleucel"),
            status("2021-01-11", "REL"),
            dose("2021-03-01", "lisocabtagene maraleucel"),
        ),
        (3, 3, 3),
        [("2020-01-13", "2020-04-27"), ("2020-07-06", "2020-07-06"), ("2021-03-01", "2021-03-01")],
        set(),
    ),
    (
        "without leukapheresis on record the treatment before the cells is presumed bridging (L3)",
        lbcl(
            status("2020-06-01", "PD"),
            dose("2020-06-08", "polatuzumab vedotin", "rituximab"),
            dose("2020-07-01", "fludarabine", "cyclophosphamide", n=3, q=1),
            done("2020-07-06", "car-t", prod="axicabtagene ciloleucel"),
        ),
        (2, 2, 3),
        [("2020-01-13", "2020-04-27"), ("2020-06-08", "2020-07-06")],
        {"L3"},
    ),
    (
        "a regimen begun before leukapheresis and carried on stays its own line (L3)",
        lbcl(
            status("2020-06-01", "PD"),
            dose("2020-06-08", "rituximab", "gemcitabine", "oxaliplatin", n=3, q=14),
            done("2020-06-30", "leukapheresis"),
            done("2020-08-03", "car-t", prod="axicabtagene ciloleucel"),
        ),
        (3, 3, 3),
        [("2020-01-13", "2020-04-27"), ("2020-06-08", "2020-07-06"), ("2020-08-03", "2020-08-03")],
        {"L13"},
    ),
    (
        "treatment between collection and an infusion still awaited is not yet a line (L3)",
        lbcl(
            status("2026-09-01", "REL"),
            done("2026-10-05", "leukapheresis"),
            dose("2026-10-12", "polatuzumab vedotin", "rituximab"),
        ),
        (1, 1, 1),
        [("2020-01-13", "2020-04-27")],
        set(),
    ),
    (
        "the infusion never came: what followed the collection counts, with a question (L3)",
        lbcl(
            status("2021-03-01", "REL"),
            done("2021-03-15", "leukapheresis"),
            dose("2021-03-22", "polatuzumab vedotin", "rituximab", n=2),
            done("2021-05-03", "car-t", st="not-done"),
        ),
        (2, 1, 2),
        [("2020-01-13", "2020-04-27"), ("2021-03-22", "2021-04-12")],
        {"L3"},
    ),
    (
        "bridging radiotherapy belongs to the CAR-T line (L3)",
        lbcl(
            status("2020-06-01", "PD"),
            done("2020-06-15", "leukapheresis"),
            done("2020-06-22", "rt"),
            dose("2020-07-08", "fludarabine", "cyclophosphamide", n=3, q=1),
            done("2020-07-13", "car-t", prod="axicabtagene ciloleucel"),
        ),
        (2, 2, 2),
        [("2020-01-13", "2020-04-27"), ("2020-06-22", "2020-07-13")],
        set(),
    ),
    # --- transplant ---------------------------------------------------------------------------------------------------
    (
        "a transplant alone opens a line from its conditioning (L7)",
        history("MM", dose("2020-05-11", "melphalan"), done("2020-05-13", "auto-hsct")),
        (1, 1, 1),
        [("2020-05-11", "2020-05-13")],
        {"L7"},
    ),
    (
        "a transplant eight months after the last dose joins the line, with a question (L7)",
        history("MM", dose("2020-02-03", *VRD, n=6), dose("2021-01-18", "melphalan"), done("2021-01-20", "auto-hsct")),
        (1, 1, 2),
        [("2020-02-03", "2021-01-20")],
        {"L7"},
    ),
    (
        "a second transplant in four months without a plan on record (L7)",
        history(
            "MM",
            dose("2020-02-03", *VRD, n=6),
            done("2020-07-06", "auto-hsct"),
            done("2020-11-02", "auto-hsct"),
        ),
        (1, 1, 2),
        [("2020-02-03", "2020-11-02")],
        {"L7"},
    ),
    (
        "a second transplant years later without re-induction is a new line (L7)",
        history(
            "MM",
            dose("2020-02-03", *VRD, n=6),
            done("2020-07-06", "auto-hsct"),
            dose("2023-10-30", "melphalan"),
            done("2023-11-01", "auto-hsct"),
        ),
        (2, 2, 2),
        [("2020-02-03", "2020-07-06"), ("2023-10-30", "2023-11-01")],
        {"L7"},
    ),
    (
        "a transplant after relapse without re-induction is a new line (L7)",
        history("MM", dose("2020-02-03", *VRD, n=6), status("2020-08-03", "PD"), done("2020-09-07", "auto-hsct")),
        (2, 2, 2),
        [("2020-02-03", "2020-05-18"), ("2020-09-07", "2020-09-07")],
        {"L7"},
    ),
]


@each(CASES)
def test_rule(case: dict[str, Any], count: Expected, lines: Spans, rules: set[str]) -> None:
    assert outcome(case, rules) == (lines, count, rules)
