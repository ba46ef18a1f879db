"""The oncology room: a record in; age, diagnoses, lines of therapy, course and facts out. No product, no label."""

from __future__ import annotations

from cds_service.oncology.describe import describe
from cds_service.oncology.facts import facts_without_family

__all__ = ["describe", "facts_without_family"]
