"""Replies that are no guess at a code are refused like a wrong code and not counted; a code altered by a clipboard is still
the code."""

import pytest

import sshd
from application import SUCCESS, application, program, service  # noqa: F401
from doors import Ssh
from locking import FAILURES, fail, locked
from together import together

HOUR = 3600
# More attempts than lock an account. They are made at once, since refusals are slow on purpose.
MANY = FAILURES + 1

pytestmark = pytest.mark.promised_by("ours")


def last(journal, account):
    return journal.events(account.name)[-1]


def many(door, account, *replies):
    return together([lambda: door.attempt(account, *replies)] * MANY)


# ---------------------------------------------------------------------------------------------------- the password again


def test_program_that_answers_every_question_with_the_password_locks_nobody(door, alice, journal):
    for outcome in many(door, alice, alice.password, alice.password):
        assert outcome.refused and outcome.says("The code is wrong")
    event = last(journal, alice)
    assert (event["event"], event["counted"], event["reason"]) == ("otp.reject", "no", "password-again")
    assert "split" in event["hint"]
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_any_other_reply_than_that_password_is_counted(ssh, alice):
    replies = (alice.password + "x", alice.password[:-1], alice.password.swapcase(), "x", " ")
    together([lambda reply=reply: ssh.attempt(alice, alice.password, reply) for reply in replies])
    assert locked(ssh, alice)


def test_password_that_looks_like_a_code_is_counted(ssh, enrol):
    alice = enrol("alice", "482 915")
    many(ssh, alice, alice.password, alice.password)
    assert locked(ssh, alice)


def test_password_is_counted_where_no_module_asked_for_it_before(ssh, alice, protect, under_test):
    protect(under_test.line(), "required pam_unix.so nodelay")
    many(ssh, alice, alice.password, alice.password)
    assert ssh.attempt(alice, alice.codes.now(), alice.password).says("locked until")


def test_password_again_says_nothing_about_the_password(ssh, alice, enrol):
    """A right or a wrong password, typed twice, gets the same questions and the same words."""
    right = ssh.attempt(alice, alice.password, alice.password)
    wrong = ssh.attempt(alice, "x" + alice.password[1:], "x" + alice.password[1:])
    assert right.refused and wrong.refused
    assert (right.prompts, right.messages) == (wrong.prompts, wrong.messages)


def test_password_again_opens_no_lock_and_the_user_is_told_of_it(ssh, alice):
    fail(ssh, alice)
    assert ssh.attempt(alice, alice.password, alice.password).says("locked until")


# -------------------------------------------------------------------------------------------------- the last accepted code


def test_last_accepted_code_is_reported_as_used_hours_later_and_locks_nobody(door, alice, clock, journal):
    code = alice.codes.now()
    assert door.attempt(alice, alice.password, code).admitted
    clock.advance(7 * HOUR)
    for outcome in many(door, alice, alice.password, code):
        assert outcome.refused and outcome.says("already used")
    assert last(journal, alice)["event"] == "otp.replay"
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_code_before_the_last_accepted_one_is_a_guess(ssh, alice, clock):
    first, second = alice.codes.now(), alice.codes.at_step(1)
    assert ssh.attempt(alice, alice.password, first).admitted
    assert ssh.attempt(alice, alice.password, second).admitted
    clock.advance(HOUR)
    many(ssh, alice, alice.password, first)
    assert locked(ssh, alice)


# ---------------------------------------------------------------------------------------------- what sshd itself sends


@pytest.fixture(params=["DenyUsers", "AllowUsers"])
def refusing_ssh(request, every_door, alice, clock):
    """An sshd whose own configuration refuses alice."""
    line = f"DenyUsers {alice.name}" if request.param == "DenyUsers" else "AllowUsers nobody-at-all"
    with sshd.Sshd(line) as server:
        yield Ssh(server, sshd.HOST)


def test_account_refused_by_sshd_is_not_locked_and_sees_no_difference(refusing_ssh, ssh, alice, journal):
    refused = many(refusing_ssh, alice, alice.password, alice.codes.now())
    event = last(journal, alice)
    assert (event["event"], event["counted"], event["reason"]) == ("otp.reject", "no", "sshd-substitute")
    assert all(keyword in event["hint"] for keyword in ("PermitRootLogin", "AllowUsers", "DenyUsers"))
    wrong = ssh.attempt(alice, "wrong" + alice.password, alice.codes.wrong())
    assert all((one.refused, one.prompts, one.messages) == (True, wrong.prompts, wrong.messages) for one in refused)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


# --------------------------------------------------------------------------------------------------------- pasted codes


def wide(code):
    return "".join(chr(ord(digit) - ord("0") + 0xFF10) for digit in code)


PASTED = [
    lambda code: f"{code[:3]}\u00a0{code[3:]}", lambda code: f"\u200b{code}\ufeff", lambda code: f"{code[:3]}\u2013{code[3:]}",
    lambda code: f"\u3000{wide(code)}", lambda code: f"\r\v{code}\r",
]


def test_code_altered_by_a_clipboard_or_an_input_method_is_accepted(application, service, alice, clock):  # noqa: F811
    """A terminal would act on some of these characters itself; a graphical program does not."""
    for pasted in PASTED:
        clock.advance(60)
        assert application.login(alice, pasted(alice.codes.now())).code == SUCCESS


def test_code_in_full_width_digits_is_accepted_at_every_door(door, alice):
    assert door.attempt(alice, alice.password, wide(alice.codes.now())).admitted


def test_recovery_code_in_full_width_letters_is_accepted(ssh, alice):
    code = alice.recovery_codes[0]
    typed = "".join(chr(ord(c) + 0xFEE0) for c in code)
    assert ssh.attempt(alice, alice.password, typed).admitted


def test_pasted_code_after_a_password_in_one_reply_is_split_off(ssh, alice, protect, under_test):
    protect(under_test.line("split"), "requisite pam_unix.so use_first_pass nodelay", under_test.line())
    assert ssh.attempt(alice, alice.password + wide(alice.codes.now()) + "\u200b").admitted
