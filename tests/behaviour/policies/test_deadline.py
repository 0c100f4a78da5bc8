"""`from`: until that second the password is enough, and users are told of the deadline; from that second on it is not.

Every form of it in both phases, the days left, both languages and clocks that run back are in a table in
pam_otp/src/account/tests/demand.rs. The tests here show what each door makes of it.
"""

import re

import pytest

from account_doors import account_door, account_doors, in_without_a_code, side_door  # noqa: F401
from deadlines import DAY, told_in_account, utc
from policy_file import PASSWORD, policy, stack  # noqa: F401  (fixtures)

pytestmark = pytest.mark.promised_by("ours")


FIRST_OF_FEBRUARY = utc(2027, 2, 1)
FROM = '[enforce]\nfrom = "2027-02-01"\n'


# ------------------------------------------------------------------------------------------------------ to the second


def test_deadline_is_the_same_at_every_door(account_door, bobby, policy, clock):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY - 1)
    assert in_without_a_code(account_door, bobby)
    clock.set(FIRST_OF_FEBRUARY)
    assert not in_without_a_code(account_door, bobby)


def test_deadline_is_the_same_where_only_an_account_line_runs(side_door, bobby, policy, clock):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY - 1)
    assert in_without_a_code(side_door, bobby)
    clock.set(FIRST_OF_FEBRUARY)
    assert not in_without_a_code(side_door, bobby)


def test_deadline_is_the_same_without_an_account_line(door, bobby, policy, clock):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY - 1)
    assert in_without_a_code(door, bobby)
    clock.set(FIRST_OF_FEBRUARY)
    assert not in_without_a_code(door, bobby)


def test_before_the_deadline_the_password_must_be_right(account_door, bobby, policy):
    policy(FROM)
    assert account_door.attempt(bobby, "not" + bobby.password).refused


# ----------------------------------------------------------------------------------------------------------- messages


def test_deadline_and_instructions_are_told_at_every_door(account_door, bobby, policy):
    policy(FROM)
    outcome = account_door.attempt(bobby, bobby.password)
    assert outcome.admitted
    for words in ("2027-02-01", "17 days left", "otp-enroll"):
        assert outcome.says(words), outcome


def test_deadline_is_told_where_no_question_is_asked(side_door, bobby, policy):
    policy(FROM)
    outcome = side_door.attempt(bobby)
    assert outcome.admitted
    for words in ("2027-02-01", "17 days left", "otp-enroll"):
        assert outcome.says(words), outcome


def test_deadline_is_told_in_korean(account_doors, clock, bobby, policy, stack):
    policy('language = "ko"', FROM)
    outcome = account_doors["key"].attempt(bobby)
    assert outcome.admitted
    for words in ("2027-02-01", "17일", "otp-enroll", "인증"):
        assert outcome.says(words), outcome
    assert not outcome.says("left")


def test_message_is_told_once(account_doors, stack, bobby, policy, clock):
    policy(FROM)
    assert account_doors["sshd"].attempt(bobby, bobby.password).messages.count("2027-02-01") == 1


def test_enrolled_user_is_not_told_of_the_deadline(account_door, alice, policy, clock, journal):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY - DAY)
    assert account_door.attempt(alice, alice.password, alice.codes.wrong()).refused
    outcome = account_door.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted
    assert "2027-02-01" not in outcome.messages and "left" not in outcome.messages
    assert told_in_account(journal, alice) == []


# ------------------------------------------------------------------------------------------------------------- the log


def test_each_log_entry_names_the_deadline(account_door, bobby, policy, journal):
    policy(FROM)
    assert account_door.attempt(bobby, bobby.password).admitted
    auth, account = journal.events(bobby.name)
    assert (auth["event"], auth["tag"], auth["result"]) == ("otp.notenrolled", f"{account_door.service}:auth", "excused")
    assert (account["event"], account["tag"]) == ("otp.notenrolled", f"{account_door.service}:account")
    wanted = {
        "message": account_door.logged("enrol-until"), "phase": "account", "result": "excused",
        "until": "2027-02-01 00:00:00 UTC", "days_left": "17",
    }
    assert {name: account.get(name) for name in wanted} == wanted


# ------------------------------------------------------------------------------------------------ after the deadline


def test_auth_line_refuses_after_the_deadline_as_for_a_wrong_code(account_door, alice, bobby, policy, clock, journal):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY)
    refused = account_door.attempt(bobby, bobby.password, "123456")
    assert refused.refused
    assert refused.transcript == account_door.attempt(alice, alice.password, alice.codes.wrong()).transcript
    (event,) = journal.events(bobby.name)
    assert (event["event"], event["result"]) == ("otp.notenrolled", "refused")


def test_account_line_refuses_after_the_deadline_and_says_why(side_door, bobby, policy, clock, journal):
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY)
    outcome = side_door.attempt(bobby)
    assert outcome.refused
    for words in ("no authenticator", "otp-enroll"):
        assert outcome.says(words), outcome
    (event,) = journal.events(bobby.name)
    told = side_door.logged("not-enrolled")
    wanted = {"event": "otp.notenrolled", "message": told, "phase": "account", "result": "refused"}
    assert {name: event.get(name) for name in wanted} == wanted


def test_account_line_alone_refuses_after_the_deadline(account_door, bobby, policy, clock, stack, under_test):
    """The auth line is missing, so the auth phase passes with the password alone."""
    stack(auth=[PASSWORD])
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY)
    outcome = account_door.attempt(bobby, bobby.password)
    assert outcome.refused and outcome.says("no authenticator"), outcome


def test_refusal_after_the_deadline_is_told_in_korean(account_doors, clock, bobby, policy, stack):
    stack("lang=ko")
    policy(FROM)
    clock.set(FIRST_OF_FEBRUARY)
    outcome = account_doors["key"].attempt(bobby)
    assert outcome.refused and outcome.says("otp-enroll") and re.search("[가-힣]", outcome.messages), outcome
    assert not outcome.says("authenticator")
