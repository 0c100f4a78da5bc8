"""Users whose records the helper has made, and the stack by which they prove who they are."""

import pytest

from helper import Denied, enrol_by_hand, stack_of_changes


@pytest.fixture
def denied(journal, clock):
    return Denied(journal)


@pytest.fixture
def erin(bobby, under_test, clock, journal):
    """A user whose record was made by the helper."""
    enrol_by_hand(under_test.helper, bobby, clock)
    return bobby


@pytest.fixture
def password_first(under_test):
    """A stack that asks for no code after a wrong password, and so causes no delay."""
    stack_of_changes("auth requisite pam_unix.so nodelay", f"auth required {under_test.module}", "account required pam_unix.so")
    yield
