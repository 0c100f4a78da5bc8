"""Five failures in a row over all doors lock the account; then even a right code does not open it."""

import pytest

from locking import FAILURES, fail, locked, opens
from together import together

pytestmark = pytest.mark.promised_by("ours")


def test_fifth_failure_locks_and_the_right_code_is_then_refused(door, alice):
    fail(door, alice, FAILURES - 1)
    fail(door, alice, 1)
    assert locked(door, alice)


def test_four_failures_do_not_lock(ssh, alice):
    fail(ssh, alice, FAILURES - 1)
    assert opens(ssh, alice)


def test_accepted_code_resets_the_count(ssh, alice, clock):
    for _ in range(2):
        fail(ssh, alice, FAILURES - 1)
        assert opens(ssh, alice)
        clock.advance(30)


def test_failures_count_over_all_services(every_door, alice):
    fail(every_door["sshd"], alice, 2)
    fail(every_door["sudo"], alice, 2)
    fail(every_door["su"], alice, 1)
    for door in every_door.values():
        assert locked(door, alice)


def test_locked_account_is_asked_the_same_questions(ssh, alice, enrol):
    carol = enrol("carol")
    fail(ssh, alice)
    assert ssh.attempt(alice, alice.password, "123456").prompts == ssh.attempt(carol, carol.password, "123456").prompts


def test_lock_of_one_account_does_not_affect_another(ssh, alice, enrol):
    carol = enrol("carol")
    fail(ssh, alice)
    assert locked(ssh, alice)
    assert opens(ssh, carol)


def test_replayed_code_is_not_counted(ssh, alice, clock):
    used = alice.codes.now()
    assert ssh.attempt(alice, alice.password, used).admitted
    assert all(o.refused for o in together([lambda: ssh.attempt(alice, alice.password, used)] * (FAILURES + 1)))
    clock.advance(30)
    assert opens(ssh, alice)
