"""The account line where no auth line of ours has run: a login by a public key, sudo without a password, root's own su."""

import re
import subprocess

import pytest

from account_doors import SUDOERS, account_door, account_doors, key, side_door  # noqa: F401  (fixtures)
from locking import FAILURES, MINUTE, fail
from policy_file import PASSWORD, policy, protect_with_account, stack  # noqa: F401

pytestmark = pytest.mark.promised_by("ours")


def told_in_account(journal, account):
    return [event for event in journal.events(account.name) if event["tag"].endswith(":account")]


# ------------------------------------------------------------------------------------------------------------ enrolled


def test_enrolled_user_is_let_in_and_told_nothing(side_door, alice, journal):
    outcome = side_door.attempt(alice)
    assert outcome.admitted
    assert outcome.messages.replace("admitted:USER", "").replace("admitted:root", "").strip() == ""
    assert journal.names(alice.name) == []


def test_account_line_asks_for_no_second_code(account_door, alice, journal):
    outcome = account_door.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and len(outcome.prompts) == 2
    assert journal.names(alice.name) == ["otp.accept"]


def test_account_line_does_not_make_up_for_a_wrong_code(account_door, alice):
    assert account_door.attempt(alice, alice.password, alice.codes.wrong()).refused


def test_account_line_decides_where_it_is_the_only_one(side_door, alice, bobby, stack, under_test):
    """The line itself admits or refuses; it does not leave the decision to other modules."""
    stack(account=[under_test.line()])
    assert side_door.attempt(alice).admitted
    assert side_door.attempt(bobby).refused


def test_unenrolled_user_is_refused_and_told(side_door, bobby, journal):
    outcome = side_door.attempt(bobby)
    assert outcome.refused and outcome.says("no authenticator") and outcome.says("otp-enroll"), outcome
    (event,) = journal.events(bobby.name)
    told = side_door.logged("not-enrolled")
    assert (event["event"], event["message"], event["result"]) == ("otp.notenrolled", told, "refused")


@pytest.mark.parametrize("at_login", ["off", "offer", "require"])
def test_users_cannot_enrol_in_a_login_without_an_auth_line_of_ours(side_door, bobby, policy, at_login):
    """Otherwise anybody who holds only the user's key could choose the second factor of the account."""
    policy(f'[enroll]\nat_login = "{at_login}"')
    outcome = side_door.attempt(bobby)
    assert outcome.refused and outcome.says("no authenticator"), outcome


def test_user_unknown_to_the_machine_is_refused(stack, every_door, clock, under_test):
    protect_with_account([], [under_test.line()])
    command = ["/usr/bin/pamtester", "pamtester", "nosuch", "acct_mgmt"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and re.search("pamtester: (User not known|Authentication failure|Permission)", done.stderr)


def test_user_is_refused_after_a_reset(side_door, alice, under_test):
    assert side_door.attempt(alice).admitted
    under_test.reset(alice)
    assert side_door.attempt(alice).refused


# ---------------------------------------------------------------------------------------------------------- the lock


def lock(account_doors, account, times=FAILURES):
    fail(account_doors["sshd"], account, times)


def test_locked_user_is_refused_and_told_until_when(account_doors, side_door, alice, journal):
    lock(account_doors, alice)
    outcome = side_door.attempt(alice)
    assert outcome.refused and outcome.says("locked until") and outcome.says("08:16 UTC"), outcome
    event = journal.events(alice.name)[-1]
    wanted = {"event": "otp.locked", "phase": "account", "until": "2027-01-15 08:15:10 UTC"}
    assert {name: event.get(name) for name in wanted} == wanted
    assert event["tag"] == f"{side_door.service}:account"


def test_unlocked_user_is_let_in_again(account_doors, side_door, alice, under_test):
    lock(account_doors, alice)
    assert side_door.attempt(alice).refused
    under_test.unlock(alice)
    assert side_door.attempt(alice).admitted


def test_lock_ends_at_its_time_and_not_before(account_doors, side_door, alice, clock):
    lock(account_doors, alice)
    clock.advance(15 * MINUTE - 1)
    assert side_door.attempt(alice).refused
    clock.advance(1)
    assert side_door.attempt(alice).admitted


@pytest.mark.parametrize("as_root", [True, False], ids=["key", "over the helper"])
def test_lock_set_by_a_clock_in_the_future_ends_for_waiting_users_when_they_were_told(account_doors, key, alice, clock, journal, as_root):
    clock.advance(365 * 24 * 60 * MINUTE)
    lock(account_doors, alice)
    clock.advance(-365 * 24 * 60 * MINUTE)

    def admitted():
        if as_root:
            return key.attempt(alice).admitted
        command = alice.running("/usr/bin/pamtester", "pamtester", alice.name, "acct_mgmt")
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    for minutes in (0, 7, 8):
        clock.advance(minutes * MINUTE)
        assert admitted() == (minutes == 8)
    assert {event["until"] for event in told_in_account(journal, alice)} == {"2027-01-15 08:15:10 UTC"}


def test_four_failures_do_not_lock(account_doors, side_door, alice):
    lock(account_doors, alice, FAILURES - 1)
    assert side_door.attempt(alice).admitted


def test_refusals_by_the_account_line_are_not_counted(account_doors, key, alice, clock):
    lock(account_doors, alice)
    for _ in range(FAILURES + 1):
        assert key.attempt(alice).refused
    clock.advance(15 * MINUTE)
    assert account_doors["sshd"].attempt(alice, alice.password, alice.codes.now()).admitted


def test_admission_by_the_account_line_does_not_reset_the_failure_count(account_doors, key, alice):
    lock(account_doors, alice, FAILURES - 1)
    assert key.attempt(alice).admitted
    lock(account_doors, alice, 1)
    assert key.attempt(alice).refused


@pytest.mark.parametrize("limits", ['unlock_after = "never"', "failures = 5\ndisable_after = 5"])
def test_lock_without_an_end_holds_until_an_administrator_lifts_it(
    account_doors, key, alice, policy, clock, under_test, limits
):
    policy(f"[lockout]\n{limits}")
    lock(account_doors, alice)
    clock.advance(365 * 24 * 60 * MINUTE)
    outcome = key.attempt(alice)
    assert outcome.refused and outcome.says("administrator"), outcome
    under_test.unlock(alice)
    assert key.attempt(alice).admitted


def test_recovery_code_that_opens_the_lock_also_opens_the_account_line(account_doors, key, alice):
    lock(account_doors, alice)
    assert account_doors["sshd"].attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    assert key.attempt(alice).admitted


@pytest.mark.parametrize("excuse", ["exempt user", "nobody must", "nullok"])
def test_locked_user_who_needs_no_code_is_still_refused(account_doors, key, alice, policy, stack, excuse):
    lock(account_doors, alice)
    stack("nullok" if excuse == "nullok" else "")
    policy({
        "exempt user": f'[enforce]\nexempt_users = ["{alice.name}"]', "nobody must": "[enforce]\ngroups = []", "nullok": "",
    }[excuse])
    assert key.attempt(alice).refused


def test_locked_user_is_told_so_in_korean(account_doors, key, alice, stack):
    lock(account_doors, alice)
    stack("lang=ko")
    outcome = key.attempt(alice)
    assert outcome.refused and re.search("[가-힣]", outcome.messages) and "locked" not in outcome.messages, outcome


@pytest.mark.parametrize("name", ["sshd", "su", "sudo", "pamtester"])
def test_lock_holds_where_no_auth_line_is_ours(account_doors, stack, alice, name):
    lock(account_doors, alice)
    stack(auth=[PASSWORD])
    outcome = account_doors[name].attempt(alice, alice.password)
    assert outcome.refused and outcome.says("locked until"), outcome


def test_sudo_that_remembers_the_password_still_enforces_the_lock(account_doors, alice, stack):
    """While sudo remembers the password, it runs only the account lines."""
    before = SUDOERS.read_text()
    SUDOERS.write_text(before + f"Defaults:{alice.name} timestamp_timeout=15, timestamp_type=global\n")
    sudo = account_doors["sudo"]
    try:
        assert sudo.attempt(alice, alice.password, alice.codes.now()).admitted
        assert sudo.attempt(alice).admitted
        lock(account_doors, alice)
        assert sudo.attempt(alice).refused
    finally:
        SUDOERS.write_text(before)


# ----------------------------------------------------------------------------------------------------------- silence


def test_pam_silent_changes_only_what_is_shown(account_doors, stack, alice, bobby, policy, journal):
    """Here sudo passes PAM_SILENT and su does not; both run only the account lines."""
    quiet, loud = account_doors["sudo NOPASSWD"], account_doors["su of root"]

    def both(account, words):
        outcomes = [door.attempt(account) for door in (quiet, loud)]
        assert [words in outcome.messages for outcome in outcomes] == [False, True], outcomes
        of_quiet, of_loud = journal.events(account.name)[-2:]
        assert of_quiet["message"] == of_loud["message"] + " (not shown)"
        assert outcomes[0].admitted == outcomes[1].admitted
        return outcomes[0].admitted

    assert not both(bobby, "no authenticator")
    lock(account_doors, alice)
    assert not both(alice, "locked until")
    policy('[enforce]\nfrom = "2027-02-01"')
    assert both(bobby, "2027-02-01")
