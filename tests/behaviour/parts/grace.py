"""A grace of a week: when it began, and whether it ends when it should."""

import pytest

from account_doors import in_without_a_code
from deadlines import DAY
from under_test import Ours


WEEK = 7 * DAY
GRACE = '[enforce]\ngrace = "7d"\n'


def first_login(account):
    return Ours.state_directory / account.name / "first-login"


def ends_at(door, account, clock, moment):
    """Whether a login in the last second before that moment needs no code, and one at that moment does."""
    clock.set(moment - 1)
    before = in_without_a_code(door, account)
    clock.set(moment)
    return before and not in_without_a_code(door, account)


@pytest.fixture(autouse=True)
def a_week_of_grace(policy, clock):
    policy(GRACE)
