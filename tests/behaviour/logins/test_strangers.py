"""Users who do not exist or never enrolled: they are asked like everyone else, and admitted only where the line says
nullok."""

import pytest

from accounts import stranger
from together import together

pytestmark = pytest.mark.promised_by("ours")
NULLOK_TOO = pytest.mark.promised_by("ours", "google-authenticator")


@pytest.mark.promised_by("ours", "google-authenticator", "oath")
def test_unenrolled_user_is_refused(ssh, bobby):
    assert refused_whatever_is_asked(ssh, bobby)


@pytest.mark.promised_by("ours", "google-authenticator", "oath")
def test_unknown_user_is_refused(ssh):
    assert refused_whatever_is_asked(ssh, stranger("nosuch"))


def refused_whatever_is_asked(ssh, account):
    """Types the password, and digits at every further question; the peers do not all ask the same."""
    with ssh.visit(account) as visit:
        if visit.prompt():
            visit.reply(account.password)
            while visit.prompt():
                visit.reply("123456")
        return visit.ended().refused


def test_unenrolled_user_sees_what_an_enrolled_one_sees(door, alice, bobby):
    with_authenticator = door.attempt(alice, alice.password, alice.codes.wrong())
    without = door.attempt(bobby, bobby.password, "123456")
    assert without.refused
    assert without.transcript == with_authenticator.transcript


def test_unknown_user_sees_what_an_enrolled_one_sees(ssh, alice):
    nobody = stranger("nosuch")
    with_account = ssh.attempt(alice, alice.password, alice.codes.wrong())
    without = ssh.attempt(nobody, nobody.password, "123456")
    assert without.refused
    assert without.transcript == with_account.transcript


def test_unknown_user_sees_the_same_with_the_module_alone(ssh, alice, protect, under_test):
    protect(under_test.line())
    nobody = stranger("nosuch")
    with_account = ssh.attempt(alice, alice.codes.wrong())
    assert ssh.attempt(nobody, "123456").transcript == with_account.transcript


def test_wrong_password_gets_the_same_answer_from_every_account(ssh, alice, bobby):
    nobody = stranger("nosuch")
    answers = {ssh.attempt(who, "wrong password", "123456").transcript for who in (alice, bobby, nobody)}
    assert len(answers) == 1


@pytest.mark.parametrize("reply", ["", " ", "no digits", "0123-4567-89AB-CDEF", "1" * 20])
def test_every_kind_of_reply_gets_the_same_answer_from_every_account(ssh, alice, bobby, reply):
    nobody = stranger("nosuch")
    outcomes = together([lambda who=who: ssh.attempt(who, who.password, reply) for who in (alice, bobby, nobody)])
    assert len({outcome.transcript for outcome in outcomes}) == 1


def test_unenrolled_user_is_refused_however_often(ssh, bobby):
    """No state is kept of a user without a credential, so nothing can lock, and the answer stays the same."""
    outcomes = together([lambda: ssh.attempt(bobby, bobby.password, "123456")] * 8)
    assert len({outcome.transcript for outcome in outcomes}) == 1


@NULLOK_TOO
def test_nullok_admits_an_unenrolled_user_with_the_password_alone(door, bobby, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    outcome = door.attempt(bobby, bobby.password)
    assert outcome.admitted
    assert len(outcome.prompts) == 1


@NULLOK_TOO
def test_nullok_still_demands_the_password_of_an_unenrolled_user(ssh, bobby, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert ssh.attempt(bobby, "not" + bobby.password).refused


@NULLOK_TOO
def test_nullok_still_asks_an_enrolled_user_for_the_code(door, alice, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert door.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_nullok_does_not_admit_an_unknown_user(ssh, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert refused_whatever_is_asked(ssh, stranger("nosuch"))


def test_nullok_alone_in_the_stack_admits_nobody(ssh, bobby, protect, under_test):
    """PAM_IGNORE decides nothing: PAM refuses if no module in a stack succeeds."""
    protect(under_test.line("nullok"))
    with ssh.visit(bobby) as visit:
        assert visit.prompt() is None
        assert visit.ended().refused


def test_user_is_no_longer_enrolled_after_a_reset(ssh, alice, protect, under_test):
    under_test.reset(alice)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert ssh.attempt(alice, alice.password).admitted
