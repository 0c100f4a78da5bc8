"""Recovery codes of 8 digits from another program: each works once, none opens a lock, and the next change removes them."""

import pathlib
import re
import resource

import pytest

import imported
from application import AUTHINFO_UNAVAIL, SUCCESS, application, program, service  # noqa: F401
from locking import fail, locked
from races import assert_each_recovery_code_lets_exactly_one_in
from self_service import (  # noqa: F401  (a fixture among them)
    SEVERAL, Talk, policy, run, status,
)

pytestmark = pytest.mark.promised_by("ours")

DIGITS = ["83102964", "83102965", "83102966"]


@pytest.fixture
def digits(alice, under_test):
    imported.give(under_test, alice, *DIGITS)
    return DIGITS


def attempt(door, account, code):
    return door.attempt(account, account.password, code)


def test_each_code_admits_once(alice, digits, door, journal):
    assert attempt(door, alice, digits[1]).admitted
    assert attempt(door, alice, digits[1]).refused
    assert attempt(door, alice, f"{digits[0][:4]} {digits[0][4:]}").admitted
    assert attempt(door, alice, alice.codes.now()).admitted
    assert journal.names(alice.name)[:2] == ["otp.recovery", "otp.replay"]
    assert status(alice)["recovery_codes_left"] == 1


def test_wrong_codes_count_and_lock(alice, digits, ssh):
    for _ in range(5):
        assert attempt(ssh, alice, "83102967").refused
    assert locked(ssh, alice)


@pytest.mark.parametrize("opens", ["", "[recovery]\nopens_lock = true\n", "[recovery]\nopens_lock = false\n"])
def test_no_code_opens_a_lock(alice, digits, door, policy, opens):  # noqa: F811
    policy(opens)
    fail(door, alice)
    for code in digits:
        refused = attempt(door, alice, code)
        assert refused.refused and code not in refused.messages
    assert status(alice)["recovery_codes_left"] == 3 and status(alice)["locked"]


def test_locked_users_are_not_told_to_use_them(alice, digits, under_test, ssh):
    fail(ssh, alice)
    assert "a recovery code" not in under_test.admin("show", alice.name)
    talk = Talk(alice, "recovery-codes")
    assert talk.end() == 1 and "locked" in talk.said and "recovery code" not in talk.said


@pytest.mark.usefixtures("service")
def test_each_code_admits_exactly_one_of_64(application, alice, digits):  # noqa: F811
    assert_each_recovery_code_lets_exactly_one_in(application, alice)


def test_status_and_show_say_that_the_codes_should_be_replaced(alice, digits, under_test):
    assert status(alice)["recovery_codes_imported"] is True
    for told in (run(alice, "status").stdout, under_test.admin("show", alice.name)):
        assert "3 of 3 left, of 8 digits" in told and "otp-enroll recovery-codes" in told


def test_codes_of_our_own_are_not_reported_as_imported(alice, under_test):
    assert "recovery_codes_imported" not in status(alice)
    assert "8 digits" not in under_test.admin("show", alice.name)


@pytest.mark.parametrize("words, left, said", [
    ((), 10, "so do its recovery codes"),
    (("recovery-codes",), 10, "the old ones stop working"),
    (("add", "tablet"), 10, "recovery codes of 8 digits"),
])
def test_next_change_replaces_the_codes_by_new_ones(alice, digits, clock, policy, ssh, words, left, said):  # noqa: F811
    policy(SEVERAL)
    talk = Talk(alice, *words)
    talk.prove_who(alice.codes.now())
    if words != ("recovery-codes",):
        talk.new_device(clock)
    new = talk.keep_codes()
    assert talk.end() == 0 and said in talk.said, talk.said
    assert len(new) == left == status(alice)["recovery_codes_left"]
    assert "recovery_codes_imported" not in status(alice)
    assert attempt(ssh, alice, digits[0]).refused
    assert attempt(ssh, alice, new[0]).admitted


def test_codes_prove_identity_and_go_with_a_removed_authenticator(alice, digits, clock, policy, ssh, under_test):  # noqa: F811
    policy(SEVERAL)
    talk = Talk(alice, "add", "tablet")
    talk.prove_who(alice.codes.now())
    talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0
    imported.give(under_test, alice, *digits)
    talk = Talk(alice, "remove", "tablet")
    talk.prove_who(digits[0])
    assert talk.end() == 0 and "recovery codes of 8 digits" in talk.said and "otp-enroll recovery-codes" in talk.said
    assert status(alice)["recovery_codes_left"] == 0
    assert attempt(ssh, alice, digits[1]).refused
    clock.advance(60)
    assert attempt(ssh, alice, alice.codes.now()).admitted


def test_attempt_without_memory_for_the_hash_is_not_counted(application, service, alice, digits, journal):  # noqa: F811
    """A program under a memory limit: the attempt is refused, the log says why, and the code still works."""
    application.start(alice)
    used = int(re.search(r"^VmSize:\s+(\d+) kB", pathlib.Path(f"/proc/{application.pid}/status").read_text(), re.MULTILINE)[1])
    before = resource.prlimit(application.pid, resource.RLIMIT_AS, (1024 * (used + 5000), resource.RLIM_INFINITY))
    assert application.authenticate(digits[0]).code == AUTHINFO_UNAVAIL
    (event,) = journal.events(alice.name)
    assert event["event"] == "otp.unavailable" and "no memory" in event["reason"]
    assert status(alice)["failures"] == 0 and status(alice)["recovery_codes_left"] == 3
    # Six digits need no such memory.
    assert application.authenticate(alice.codes.now()).code == SUCCESS
    resource.prlimit(application.pid, resource.RLIMIT_AS, before)
    assert application.authenticate(digits[0]).code == SUCCESS
    application.end()
