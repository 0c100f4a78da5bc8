"""Programs that can ask only once: password and code in one reply.

`forward_pass` works as users of the peer know it. `split` is the safe form: the first line only splits the reply, the
password is checked in between, and the code is looked at last.
"""

import pytest

import accounts
from locking import fail
from together import together

FORWARDING = pytest.mark.promised_by("ours", "google-authenticator", "oath")
OURS = pytest.mark.promised_by("ours")
STACKED = pytest.mark.promised_by("ours", "google-authenticator")


@pytest.fixture
def forwarding(protect, under_test):
    protect(*under_test.one_reply())


@pytest.fixture(params=["use_first_pass", "try_first_pass"])
def splitting(protect, under_test, request):
    protect(
        under_test.line("split"),
        f"requisite pam_unix.so {request.param} nodelay",
        under_test.line(),
    )


@FORWARDING
def test_forwarded_password_and_code_admit(door, alice, forwarding, under_test):
    outcome = door.attempt(alice, alice.password + alice.codes.now())
    assert outcome.admitted
    assert outcome.prompts == [under_test.one_reply_prompt]


@FORWARDING
def test_forwarded_wrong_code_is_refused(ssh, alice, forwarding):
    assert ssh.attempt(alice, alice.password + alice.codes.wrong()).refused


@FORWARDING
def test_forwarded_wrong_password_is_refused(ssh, alice, forwarding):
    assert ssh.attempt(alice, "not" + alice.password + alice.codes.now()).refused


@FORWARDING
def test_forwarded_password_without_a_code_is_refused(ssh, alice, forwarding):
    assert ssh.attempt(alice, alice.password).refused


@FORWARDING
def test_forwarded_code_without_a_password_is_refused(ssh, enrol, forwarding):
    alice = enrol("alice")
    with ssh.visit(alice) as visit:
        visit.prompt()
        visit.reply(alice.codes.now())
        while visit.prompt():  # pam_unix has no password to use, and may ask for one.
            visit.reply("")
        assert visit.ended().refused


@FORWARDING
def test_forwarded_reply_admits_once(ssh, alice, forwarding):
    reply = alice.password + alice.codes.now()
    assert ssh.attempt(alice, reply).admitted
    assert ssh.attempt(alice, reply).refused


@FORWARDING
@pytest.mark.parametrize("ending", ["2027", "123456", "ABCD0123EF", "-0123-4567-89AB", " "])
def test_password_may_end_in_digits_that_look_like_a_code(ssh, enrol, forwarding, ending):
    alice = enrol("alice", password="correct horse" + ending)
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted


@STACKED
def test_use_first_pass_takes_the_earlier_reply_as_the_code(ssh, alice, protect, under_test):
    """Another module asked, and the reply that it got is the code. Nobody asks again, even if it is wrong."""
    protect("optional pam_unix.so nodelay", under_test.line("use_first_pass"))
    assert ssh.attempt(alice, alice.codes.wrong()).refused
    assert ssh.attempt(alice, alice.codes.now()).admitted


@STACKED
def test_try_first_pass_asks_if_the_earlier_reply_was_no_code(door, alice, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("try_first_pass"))
    assert door.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


@OURS
def test_password_found_by_try_first_pass_is_not_counted_as_a_failure(ssh, alice, protect, under_test, clock):
    protect("required pam_unix.so nodelay", under_test.line("try_first_pass"))
    fail(ssh, alice, 3)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


@OURS
def test_split_reply_admits(door, alice, splitting, under_test):
    outcome = door.attempt(alice, alice.password + alice.codes.now())
    assert outcome.admitted
    assert outcome.prompts == [under_test.one_reply_prompt]


@OURS
def test_split_wrong_password_never_costs_an_attempt(ssh, alice, splitting, journal):
    """Nor does the answer tell whether the code was right: the same code still works afterwards."""
    outcomes = together([lambda: ssh.attempt(alice, "not" + alice.password + alice.codes.now())] * 6)
    assert all(outcome.refused for outcome in outcomes)
    assert journal.names(alice.name) == []
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted


@OURS
def test_split_wrong_password_gets_the_same_answer_with_a_right_or_wrong_code(ssh, alice, splitting):
    right = ssh.attempt(alice, "not" + alice.password + alice.codes.now())
    wrong = ssh.attempt(alice, "not" + alice.password + alice.codes.wrong())
    assert right.transcript == wrong.transcript


@OURS
def test_split_wrong_code_is_refused_and_counted(ssh, alice, splitting, journal):
    assert "wrong" in ssh.attempt(alice, alice.password + alice.codes.wrong()).messages
    assert journal.names(alice.name) == ["otp.reject"]


@OURS
def test_split_code_admits_once(ssh, alice, splitting):
    reply = alice.password + alice.codes.now()
    assert ssh.attempt(alice, reply).admitted
    assert "already used" in ssh.attempt(alice, reply).messages


@OURS
def test_split_reply_without_a_code_is_refused_and_not_counted(ssh, alice, splitting, journal):
    outcomes = together([lambda: ssh.attempt(alice, alice.password)] * 6)
    assert all(outcome.refused for outcome in outcomes)
    assert "otp.lock" not in journal.names(alice.name)
    assert ssh.attempt(alice, alice.password + alice.codes.now()).admitted


@OURS
def test_split_recovery_code_at_the_end_admits_once(ssh, alice, splitting):
    reply = alice.password + alice.recovery_codes[0]
    assert ssh.attempt(alice, reply).admitted
    assert ssh.attempt(alice, reply).refused


@OURS
def test_forwarded_recovery_code_at_the_end_admits_once(ssh, alice, forwarding):
    reply = alice.password + alice.recovery_codes[0].lower()
    assert ssh.attempt(alice, reply).admitted
    assert ssh.attempt(alice, reply).refused


@OURS
def test_split_unenrolled_user_gets_the_same_question_and_is_refused(ssh, alice, bobby, splitting):
    enrolled = ssh.attempt(alice, alice.password + alice.codes.wrong())
    unenrolled = ssh.attempt(bobby, bobby.password + "123456")
    assert unenrolled.refused
    assert unenrolled.transcript == enrolled.transcript


@OURS
def test_reply_without_a_code_gets_the_same_answer_from_every_account(ssh, alice, bobby, splitting):
    assert ssh.attempt(alice, alice.password).transcript == ssh.attempt(bobby, bobby.password).transcript


@OURS
@pytest.mark.parametrize("first_pass", ["use_first_pass", "try_first_pass"])
def test_split_with_nullok_still_asks_and_takes_the_password_alone_of_unenrolled_users(
    ssh, alice, bobby, protect, under_test, first_pass
):
    protect(
        under_test.line("split nullok"),
        f"requisite pam_unix.so {first_pass} nodelay",
        under_test.line("nullok"),
    )
    outcomes = [ssh.attempt(bobby, bobby.password), ssh.attempt(alice, alice.password + alice.codes.now())]
    assert all(outcome.admitted and outcome.prompts == [under_test.one_reply_prompt] for outcome in outcomes)
    assert ssh.attempt(alice, alice.password).refused
    if first_pass == "use_first_pass":
        wrong = [ssh.attempt(account, "not" + account.password) for account in (alice, bobby, accounts.stranger("nobod"))]
        assert all(outcome.refused and outcome.transcript == wrong[0].transcript for outcome in wrong)
