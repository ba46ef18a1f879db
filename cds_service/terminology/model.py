"""What a code means: values that ``Concepts.lookup`` gives. Frozen; no text from a record ever enters them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisMeaning:
    """A diagnosis code. ``role`` and ``disease_status`` as in the terminology tables ("" = says nothing)."""

    concept: str
    role: str
    disease_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugMeaning:
    """A drug code: its ingredients after F1 (concept names), and ``use``: systemic, local, non_oncology_brand.

    ``complete`` is False when the product also holds ingredients that are not tabled. ``form`` is the dose form that
    the code names: oral, injectable, "" (the code names an ingredient or brand only).
    """

    ingredients: tuple[str, ...]
    use: str = "systemic"
    complete: bool = True
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureMeaning:
    """A procedure code; ``product`` is the concept of the CAR-T product it names, "" when it names none."""

    concept: str
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationMeaning:
    """A question, value or method code of observations (``kind`` as in the table)."""

    concept: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Everything one (system, code) pair means; a code may stand in more than one table."""

    diagnosis: DiagnosisMeaning | None = None
    drug: DrugMeaning | None = None
    procedure: ProcedureMeaning | None = None
    observation: ObservationMeaning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseConcept:
    """A disease concept. ``family`` is a key of decision 29 or None; ``may_be`` as in decision 63.

    ``speaks_when_ambiguous``: the concept may speak as "cannot determine" (decision 9b). ``may_hold``: concepts that
    the codes of this one also stand for, so a code of theirs says more. ``transforms_to``: what a large B-cell lymphoma
    after this disease is (decision 13), or the disease this one goes before; "" when nothing.
    """

    name: str
    label: str
    family: str | None
    role: str
    parent: str = ""
    may_be: tuple[str, ...] = ()
    speaks_when_ambiguous: bool = False
    may_hold: frozenset[str] = frozenset()
    transforms_to: str = ""

    @property
    def haematological(self) -> bool:
        """False for facts about the patient that are no blood cancer (role context)."""
        return self.role != "context"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMeaning:
    """What the words of a diagnosis can mean. ``concept`` is set when the whole text is one unambiguous name.

    ``families`` are those the words can mean (decisions 63, 66); empty when they name another disease. ``hinted``: no
    name is known, but a word sounds like a lymphoma, leukaemia or myeloma.
    """

    concept: str = ""
    families: tuple[str, ...] = ()
    hinted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """An ingredient: ``drug_class`` (class column), ``label`` for people, ``setting``: clinic or self (decision 24).

    ``form_of`` names the plain drug of a form that F1 keeps apart (liposomal doxorubicin, liposomal vincristine).
    """

    name: str
    label: str
    drug_class: str
    setting: str
    form_of: str = ""
