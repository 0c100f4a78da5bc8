"""People whose records the helper has made, and the stack that they prove themselves by."""

import pytest

from helper import Denied, enrol_by_hand, stack_of_changes


@pytest.fixture
def denied(journal, clock):
    return Denied(journal)


@pytest.fixture
def erin(bobby, under_test, clock, journal):
    """Has a record that the helper made."""
    enrol_by_hand(under_test.helper, bobby, clock)
    return bobby


@pytest.fixture
def password_first(under_test):
    """No code is asked for after a wrong password, and so there is no pause."""
    stack_of_changes("auth requisite pam_unix.so nodelay", f"auth required {under_test.module}", "account required pam_unix.so")
    yield
