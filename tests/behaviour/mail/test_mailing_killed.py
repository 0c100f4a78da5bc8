"""A login that asks for a code by mail is killed at any of its system calls: no free guess, no mail beyond the limit, and
nothing left behind that blocks the next login.
"""

import importlib
import sys

import pytest

import traced
from application import SUCCESS, application, program, service  # noqa: F401
from policy_file import policy  # noqa: F401  (a fixture)
from under_test import BINARIES, Ours

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

# No server listens there, since this test is not about the delivery.
POLICY = '[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"\nsmtp = "smtp://127.0.0.1:1"\n'
WRONG = "00000000"
A_DAY = 86_400


@pytest.fixture(scope="module")
def second():
    sys.path.append(str(BINARIES))
    return importlib.import_module("second_implementation")


def mail_of(account, second):
    """What the store holds about the account's mail, read by the second implementation of pam_otp-format(5)."""
    path = Ours.state_directory / account.name / "mail"
    return second.read_mail(path.read_bytes())[1] if path.exists() else second.Mail([])


def test_login_killed_while_it_asks_for_mail_gains_no_guess_and_no_mail(
    program, application, alice, clock, policy, journal, second, record_property, capsys  # noqa: F811
):
    policy(POLICY)
    calls = traced.login(program, alice, "email", WRONG, follow=False).from_then_on
    assert mail_of(alice, second).outstanding
    left = []
    for call in calls:
        clock.advance(A_DAY)
        before, mailed = traced.Kept(alice, Ours.state_directory), len(journal.names(alice.name))
        login = traced.login(program, alice, "email", WRONG, inject=call.kills(), follow=False)
        after = traced.Kept(alice, Ours.state_directory).since(before)
        sent = [when for when in mail_of(alice, second).sent if when >= clock.now]
        assert after in ("nothing", "failure") and len(sent) <= 1
        if login.code is not None:
            assert after == "failure" and len(sent) == 1
        if after == "failure":
            assert len(sent) == 1, "the second question comes only after the mail is on disk"
        if "otp.mail" in journal.names(alice.name)[mailed:]:
            assert len(sent) == 1, "a mail that is logged is counted"
        left.append((len(sent), after))
        clock.advance(60)
        assert application.login(alice, alice.codes.now()).code == SUCCESS
        files = set(traced.files_of(alice, Ours.state_directory))
        assert files <= {"credential.toml", "state", "mail", ".mail.new"}
    record_property("points", len(left))
    with capsys.disabled():
        print(f"\nkilled at {len(left)} calls: {[(what, left.count(what)) for what in sorted(set(left))]}")
    assert set(left) == {(0, "nothing"), (1, "nothing"), (1, "failure")}


def test_second_implementation_and_module_agree(
    application, alice, clock, policy, under_test, second  # noqa: F811
):
    policy(POLICY)
    assert application.login(alice, "email", alice.codes.now()).code == SUCCESS
    path = Ours.state_directory / alice.name / "mail"
    uid, mail = second.read_mail(path.read_bytes())
    assert mail.sent == [clock.now] and mail.outstanding[1] == clock.now
    assert path.read_bytes() == second.write_mail(uid, mail)
    # The module counts the mails that the second implementation has written: five were sent, and a sixth is not.
    mail.sent = [clock.now] * 5
    path.write_bytes(second.write_mail(uid, mail))
    assert application.login(alice, "email", alice.recovery_codes[0]).code == SUCCESS
    assert second.read_mail(path.read_bytes())[1].sent == [clock.now] * 5
    # A file with another user id counts as nobody's.
    path.write_bytes(second.write_mail(uid + 1, mail))
    assert application.login(alice, "email", alice.recovery_codes[1]).code == SUCCESS
    assert second.read_mail(path.read_bytes())[1].sent == [clock.now]
