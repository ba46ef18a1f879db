"""The shipped packs."""

from __future__ import annotations

import pytest
from pack_kit import loaded

from cds_service.labels.packs import Ruleset


@pytest.fixture(scope="session")
def us() -> Ruleset:
    return loaded("us")


@pytest.fixture(scope="session")
def eu() -> Ruleset:
    return loaded("eu")
