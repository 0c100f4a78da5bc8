"""Events after which a remembered place is forgotten: those that make it doubtful that the right person still has the
codes."""

import pytest

from application import MAXTRIES, PERM_DENIED, SUCCESS, Application, application, program  # noqa: F401  (fixtures among them)
from codes import Codes
from locking import MINUTE
from places import (  # noqa: F401  (fixtures among them)
    ELSEWHERE, HERE, at_home, lock, logins, policy, remember, stack, trust_section,
)
from self_service import SEVERAL, Talk, complete

pytestmark = pytest.mark.promised_by("ours")


def by_reset(alice, under_test, clock, **_):
    under_test.reset(alice)
    alice.codes = Codes(under_test.enrol(alice), clock)


def by_unlock(alice, under_test, **_):
    under_test.unlock(alice)


def by_a_new_device_of_the_administrators(alice, under_test, clock, **_):
    alice.codes = Codes(under_test.enrol(alice, "--force"), clock)


def by_a_new_device_of_the_users_own(alice, clock, **_):
    """By the helper, which is not root."""
    clock.advance(30)
    talk = Talk(alice)
    talk.prove_who(alice.codes.now())
    alice.codes = talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0, talk.screen


def by_one_device_more(alice, clock, policy, **_):
    policy(trust_section(remember="8h") + SEVERAL)
    clock.advance(30)
    complete(alice, clock, "add")


def by_new_recovery_codes(alice, clock, **_):
    clock.advance(30)
    complete(alice, clock, "recovery-codes")


def by_a_lock_that_lasts(alice, application, **_):
    lock(alice, application)
    assert application.login(alice, alice.password, alice.codes.now(), rhost=HERE).code == MAXTRIES


def by_a_lock_that_ended_by_time(alice, application, clock, **_):
    lock(alice, application)
    clock.advance(15 * MINUTE + 1)


def by_a_lock_over_the_helper_that_ended_by_time(alice, program, clock, **_):  # noqa: F811
    with Application(program, alice) as of_the_user:
        lock(alice, of_the_user)
    clock.advance(15 * MINUTE + 1)


def by_a_lock_that_the_administrator_ended(alice, application, under_test, **_):
    lock(alice, application)
    under_test.unlock(alice)


def by_a_lock_that_a_recovery_code_ended(alice, application, **_):
    lock(alice, application)
    assert application.login(alice, alice.password, alice.recovery_codes[0], rhost=ELSEWHERE).code == SUCCESS


FORGETTING = [
    by_reset, by_unlock, by_a_new_device_of_the_administrators, by_a_new_device_of_the_users_own, by_one_device_more,
    by_new_recovery_codes, by_a_lock_that_lasts, by_a_lock_that_ended_by_time, by_a_lock_over_the_helper_that_ended_by_time,
    by_a_lock_that_the_administrator_ended, by_a_lock_that_a_recovery_code_ended,
]


@pytest.mark.parametrize("event", FORGETTING, ids=lambda event: event.__name__)
def test_remembered_places_are_forgotten(at_home, logins, application, program, under_test, policy, clock, event):
    """They are forgotten for good: no later login elsewhere brings them back."""
    event(alice=at_home, application=application, program=program, under_test=under_test, policy=policy, clock=clock)
    assert logins.asks(at_home)
    if event is by_a_lock_that_lasts:
        clock.advance(15 * MINUTE + 1)
    clock.advance(30)
    logins.proves(at_home, rhost=ELSEWHERE)
    assert logins.asks(at_home)
    clock.advance(30)
    logins.proves(at_home)
    assert not logins.asks(at_home)


def test_account_line_refuses_a_locked_account_at_a_remembered_place_too(at_home, application):
    lock(at_home, application)
    application.start(at_home, rhost=HERE)
    answer = application.acct_mgmt()
    assert answer.code == PERM_DENIED and "locked until" in " ".join(answer.told)
    application.end()
