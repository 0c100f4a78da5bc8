"""Fixtures for a helper that is asked without a module in front of it."""

import pytest

from helper import Denied, Helper


@pytest.fixture
def start(under_test, journal, clock):
    """`start(CALLER, ...)` starts the helper as that account."""
    return lambda caller, *arguments, **how: Helper(under_test.helper, caller, *arguments, **how)


@pytest.fixture
def denied(journal, clock):
    return Denied(journal)
