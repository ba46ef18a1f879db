"""The line method rule by rule: each case is a sentence a haematologist would say, named with the rules it shows."""

from __future__ import annotations

from typing import Any

import pytest
from line_kit import derive, done, dose, history, ordered, status, supplied, taken

R_CHOP = ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone")
R_ICE = ("rituximab", "ifosfamide", "carboplatin", "etoposide")
BR = ("bendamustine", "rituximab")
VRD = ("bortezomib", "lenalidomide", "dexamethasone")
INDUCTION = ("vincristine", "daunorubicin", "prednisone", "pegaspargase")

Expected = tuple[int, int, int]
Case = tuple[str, dict[str, Any], Expected, list[tuple[str | None, str | None]], set[str]]


def lbcl(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return history("LBCL", dose("2020-01-13", *R_CHOP, n=6), *events, **more)


CASES: list[Case] = [
    # --- evidence -----------------------------------------------------------------------------------------------
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
    # --- dates --------------------------------------------------------------------------------------------------
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
    # --- duplicates ---------------------------------------------------------------------------------------------
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
    # --- attribution --------------------------------------------------------------------------------------------
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
    # --- filters ------------------------------------------------------------------------------------------------
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
    # --- cell therapy -------------------------------------------------------------------------------------------
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
    # --- no new drug --------------------------------------------------------------------------------------------
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
        "in myeloma a treatment holiday keeps the line, with a question beyond 180 days (L16)",
        history("MM", dose("2020-02-03", *VRD, n=8), dose("2021-06-07", *VRD, n=8)),
        (1, 1, 2),
        [("2020-02-03", "2021-11-01")],
        {"L16"},
    ),
    # --- a new drug ---------------------------------------------------------------------------------------------
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
    # --- transplant ---------------------------------------------------------------------------------------------
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
    # --- a complete cycle, counts ---------------------------------------------------------------------------------
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
]


@pytest.mark.parametrize(("case", "count", "lines", "rules"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rule(
    case: dict[str, Any], count: Expected, lines: list[tuple[str | None, str | None]], rules: set[str]
) -> None:
    answer = derive(case)
    assert [(start, end) for _, start, end in answer.lines] == lines
    assert answer.count == count
    assert rules <= answer.rules
