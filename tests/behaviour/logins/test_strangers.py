"""Users that do not exist or never enrolled: asked like everyone else, let in only where the line says nullok."""

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


def test_wrong_password_is_answered_alike_for_all(ssh, alice, bobby):
    nobody = stranger("nosuch")
    answers = {ssh.attempt(who, "wrong password", "123456").transcript for who in (alice, bobby, nobody)}
    assert len(answers) == 1


@pytest.mark.parametrize("reply", ["", " ", "no digits", "0123-4567-89AB-CDEF", "1" * 20])
def test_every_kind_of_reply_is_answered_alike_for_all(ssh, alice, bobby, reply):
    nobody = stranger("nosuch")
    outcomes = together([lambda who=who: ssh.attempt(who, who.password, reply) for who in (alice, bobby, nobody)])
    assert len({outcome.transcript for outcome in outcomes}) == 1


def test_unenrolled_user_is_refused_however_often(ssh, bobby):
    """Nothing is kept about somebody without a credential, so nothing can lock, and the answer stays the same."""
    outcomes = together([lambda: ssh.attempt(bobby, bobby.password, "123456")] * 8)
    assert len({outcome.transcript for outcome in outcomes}) == 1


@NULLOK_TOO
def test_nullok_lets_an_unenrolled_user_in_with_the_password_alone(door, bobby, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    outcome = door.attempt(bobby, bobby.password)
    assert outcome.admitted
    assert len(outcome.prompts) == 1


@NULLOK_TOO
def test_nullok_does_not_spare_an_unenrolled_user_the_password(ssh, bobby, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert ssh.attempt(bobby, "not" + bobby.password).refused


@NULLOK_TOO
def test_nullok_still_asks_an_enrolled_user(door, alice, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert door.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_nullok_does_not_let_an_unknown_user_in(ssh, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert refused_whatever_is_asked(ssh, stranger("nosuch"))


def test_nullok_alone_in_the_stack_lets_nobody_in(ssh, bobby, protect, under_test):
    """PAM_IGNORE decides nothing: a stack in which nobody said yes is a no."""
    protect(under_test.line("nullok"))
    with ssh.visit(bobby) as visit:
        assert visit.prompt() is None
        assert visit.ended().refused


def test_reset_user_is_no_longer_enrolled(ssh, alice, protect, under_test):
    under_test.reset(alice)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    assert ssh.attempt(alice, alice.password).admitted
