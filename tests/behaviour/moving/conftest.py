"""Accounts that move from another module to ours."""

import pytest

from peers import Moving, OldKey


@pytest.fixture
def moving(every_door, bobby, clock, protect, under_test):
    """A user without a record of ours, at the door of su."""
    return Moving(every_door["su"], bobby, clock, protect, under_test)


@pytest.fixture
def key(clock):
    return OldKey(clock)


@pytest.fixture
def keys(clock):
    return lambda **shape: OldKey(clock, **shape)
