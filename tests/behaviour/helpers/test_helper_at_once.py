"""64 programs of an ordinary user, one account, the same moment: over the helper, too, exactly one is admitted."""

import pytest

from application import SUCCESS, Application, program, service  # noqa: F401
from races import (
    assert_each_recovery_code_lets_exactly_one_in,
    assert_five_wrong_codes_are_looked_at,
    assert_one_code_lets_exactly_one_in,
    assert_right_code_lets_none_in_until_unlocked,
)
from together import together

ROUNDS = 50

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


@pytest.fixture
def application(program, alice):
    """An application of alice's own, without any privileges."""
    with Application(program, alice) as running:
        yield running


def test_one_code_admits_exactly_one_of_64_in_each_of_50_rounds(application, alice, clock):
    assert_one_code_lets_exactly_one_in(application, alice, clock, ROUNDS)


def test_each_recovery_code_admits_exactly_one_of_64(application, alice):
    assert_each_recovery_code_lets_exactly_one_in(application, alice)


def test_five_of_64_wrong_codes_are_looked_at_and_the_account_locks(application, alice, under_test, journal):
    assert_five_wrong_codes_are_looked_at(application, alice, under_test, journal, ROUNDS)


def test_one_code_admits_one_when_root_and_the_user_try_it_at_the_same_moment(program, application, alice, clock):
    """Half of the processes ask the helper, half do not; the lock and the record are the same."""
    for _ in range(ROUNDS):
        clock.advance(30)
        code = alice.codes.now()
        with Application(program) as direct:
            both = together([lambda: application.crowd(16, alice, code), lambda: direct.crowd(16, alice, code)])
        assert sum(codes.count(SUCCESS) for codes in both) == 1


def test_right_code_after_64_wrong_ones_admits_none_of_64_until_unlocked(application, alice, under_test):
    assert_right_code_lets_none_in_until_unlocked(application, alice, under_test)
