"""A user without the phone: a recovery code answers the question for the six digits."""

import pytest

from codes import Codes
from locking import fail, locked, opens

pytestmark = pytest.mark.promised_by("ours", "google-authenticator")
OURS = pytest.mark.promised_by("ours")


def test_recovery_code_admits_once(door, alice):
    recovery_code = alice.recovery_codes[0]
    assert door.attempt(alice, alice.password, recovery_code).admitted
    assert door.attempt(alice, alice.password, recovery_code).refused


def test_each_recovery_code_works_by_itself(ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[3]).admitted
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[1]).admitted
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[3]).refused


def test_code_still_admits_after_a_recovery_code(ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_recovery_code_of_another_user_is_refused(ssh, alice, enrol):
    carol = enrol("carol")
    if carol.recovery_codes == alice.recovery_codes:  # the peer's recovery codes come from its file, and all such files are alike here
        carol.recovery_codes = ["83102999"]
    assert ssh.attempt(alice, alice.password, carol.recovery_codes[0]).refused


@OURS
def test_ten_are_issued_and_the_user_is_told_how_many_are_left(ssh, alice):
    assert len(set(alice.recovery_codes)) == 10
    assert "9" in ssh.attempt(alice, alice.password, alice.recovery_codes[0]).messages
    assert "8" in ssh.attempt(alice, alice.password, alice.recovery_codes[1]).messages


@OURS
@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " "),
                                   lambda code: code.replace("0", "o").replace("1", "i")])
def test_recovery_code_is_accepted_in_any_of_its_forms(ssh, alice, typed):
    # A code with a letter that can be mistaken, if there is one.
    recovery_code = max(alice.recovery_codes, key=lambda code: code.count("0") + code.count("1"))
    assert ssh.attempt(alice, alice.password, typed(recovery_code)).admitted
    assert ssh.attempt(alice, alice.password, recovery_code).refused


@OURS
def test_recovery_code_opens_a_lock(door, alice):
    fail(door, alice)
    assert locked(door, alice)
    assert door.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    assert opens(door, alice)


@OURS
def test_used_recovery_code_does_not_open_a_lock(ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    fail(ssh, alice)
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).refused
    assert locked(ssh, alice)


@OURS
def test_enrolling_again_replaces_the_authenticator_and_the_recovery_codes(ssh, alice, under_test, clock):
    old_codes, old_recovery_codes = alice.codes, alice.recovery_codes
    alice.codes = Codes(under_test.enrol(alice, "--force"), clock)
    assert ssh.attempt(alice, alice.password, old_codes.now()).refused
    assert ssh.attempt(alice, alice.password, old_recovery_codes[0]).refused
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
