"""Units of results: the tabled factors against the units library, in both directions, and what has no factor."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from line_kit import RULES, knowledge

from cds_service.oncology.flag_units import Units, ucum_factor


def units() -> Units:
    rules = knowledge().flag_rules
    assert rules is not None
    return rules.units


PAIRS = [(wanted, unit, factor) for wanted, row in units().factors.items() for unit, factor in row.items()]


@pytest.mark.parametrize(("wanted", "unit", "factor"), PAIRS)
def test_every_tabled_factor_is_that_of_the_units_library_there_and_back(wanted: str, unit: str, factor: float) -> None:
    if wanted == "{score}":
        assert factor == 1.0, "a score has no dimension"
        return
    there, back = ucum_factor(unit, wanted), ucum_factor(wanted, unit)
    assert there == pytest.approx(factor, rel=1e-9)
    assert back is not None
    assert there * back == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("K/uL", "10*3/uL"),
        ("k/µL", "10*3/uL"),
        ("x10^9/L", "10*9/L"),
        ("G/L", "10*9/L"),
        ("cells/uL", "/uL"),
        ("IU/L", "U/L"),
        ("mL/min/1.73 m2", "mL/min/{1.73_m2}"),
        ("µmol/L", "umol/L"),
        ("μmol/l", "umol/L"),
        ("MG/DL", "mg/dL"),
        ("g/dl", "g/dL"),
    ],
)
def test_units_as_laboratories_write_them(written: str, unit: str) -> None:
    assert units().known(written) == unit


def test_kilo_of_a_laboratory_is_no_kelvin_and_giga_no_gauss() -> None:
    assert units().factor("K/uL", "10*9/L") == 1.0
    assert units().factor("G/L", "10*9/L") == 1.0


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("umol/L", "mg/dL"),
        ("mg/dL", "umol/L"),
        ("mmol/L", "g/dL"),
        ("nmol/L", "mg/L"),
        ("10*9/L", "g/dL"),
        ("%", "10*9/L"),
        ("K", "10*9/L"),
        ("nonsense", "g/dL"),
        ("", "g/dL"),
    ],
)
def test_what_measures_another_thing_or_needs_a_molar_mass_has_no_factor(unit: str, wanted: str) -> None:
    assert units().factor(unit, wanted) is None


def test_a_rare_ucum_unit_goes_through_the_library() -> None:
    assert not units().known("kg/m3")
    assert units().factor("kg/m3", "g/dL") == pytest.approx(0.1)
    assert units().factor("10*2/uL", "10*9/L") == pytest.approx(0.1)


@pytest.mark.parametrize("unit", ["10*999999999/L", "m" * 400, "{" * 30, "10*9/L\n", "((((((((", "mg/dL{name}" * 9])
def test_a_hostile_unit_costs_nothing(unit: str) -> None:
    assert units().factor(unit, "10*9/L") in (None, 1.0)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_units(text: str) -> None:
    known = units().known(text)
    assert known == "" or any(known in row for row in units().factors.values())


def test_the_units_library_is_not_loaded_with_the_rules() -> None:
    program = (
        "import sys, pathlib; from cds_service.oncology.knowledge import load_knowledge; "
        "k = load_knowledge(pathlib.Path(sys.argv[1])); k.flag_rules.units.factor('K/uL', '10*9/L'); "
        "print('pint' in sys.modules or 'ucumvert' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(RULES)], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "False"
