"""The rule file reader under the name the label room knows it by."""

from __future__ import annotations

from cds_service.rule_files import Document, Place, RuleFileError, read_yaml

__all__ = ["Document", "Place", "RuleFileError", "read_yaml"]
