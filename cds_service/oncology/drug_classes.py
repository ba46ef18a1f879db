"""Classes of drugs that a rule file names."""

from __future__ import annotations

from cds_service.rule_files import Document, Place
from cds_service.terminology import Concepts


def class_members(name: str, concepts: Concepts, document: Document, place: Place) -> frozenset[str]:
    """The ingredients of a class. Raises RuleFileError at ``place`` for a class that no drug belongs to."""
    members = concepts.drugs_of_class(name)
    if not members:
        raise document.error(place, f"no drug of class {name}", "use a class of terminology/drugs.csv")
    return members
