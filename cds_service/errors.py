"""Every error this package raises.

::

    CartCdsError
     ├─ InputError                 the input cannot be used; says what, where and what was expected
     │   ├─ UnreadableInput        not JSON, not FHIR, an option out of range          exit 2, HTTP 400
     │   ├─ MixedPatients          more than one patient in one record                 exit 3, HTTP 422
     │   ├─ NoPatient              neither a Patient nor a subject reference           exit 3, HTTP 422
     │   └─ TooComplex             more entries or deeper nesting than allowed         exit 2, HTTP 422
     ├─ SettingsError              a CART_CDS_ variable is unknown or unusable         stops the start
     ├─ RuleFileError              a rule file cannot be used: file, line, remedy      stops the start
     └─ EngineError                the inference engine refused or failed              status becomes unknown
         └─ EngineLimit            more rules in one set than the engine carries     the set is divided

Messages name places and codes, never what a record says about a patient, never a token.
"""

from __future__ import annotations


class CartCdsError(Exception):
    """Base of every error raised here."""


class InputError(CartCdsError):
    """The input cannot be used. ``place`` says where ("line 3", "entry[12]"), "" when the whole input is meant."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        self.place = place


class UnreadableInput(InputError):
    """The input is not JSON, holds no FHIR, or an option has no usable value."""


class MixedPatients(InputError):
    """The record speaks of more than one patient."""


class NoPatient(InputError):
    """The record names no patient: neither a Patient resource nor a subject reference."""


class TooComplex(InputError):
    """The input has more entries or deeper nesting than the limits allow."""


class SettingsError(CartCdsError):
    """A CART_CDS_ variable is unknown, or its value cannot be used."""


class EngineError(CartCdsError):
    """The inference engine refused a fact, or an action failed."""


class EngineLimit(EngineError):
    """A set of rules is larger than the inference engine carries safely; it has to be divided."""
