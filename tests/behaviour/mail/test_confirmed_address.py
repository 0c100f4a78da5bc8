"""Users confirm their address before the QR code is shown: in a login, with root's command, and through the helper."""

import re
import socket
import subprocess

import pytest

import mail
import sshd
from login_enrolment import ENGLISH, PASSWORD, Enrolment, both_lines, lines  # noqa: F401  (fixtures among them)
from mail import BY_MAIL, address, exim  # noqa: F401  (a fixture among them)
from policy_file import policy  # noqa: F401  (a fixture)
from self_service import Root, Talk, run, status
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")

VERIFY = '[enroll]\nat_login = "require"\nverify_email = true\n[recovery]\nemail = true\n[mail]\nfrom = "otp@example.org"\n'
PATTERN = 'address = "{user}@example.org"\n'


@pytest.fixture
def by_smtp(policy, exim):  # noqa: F811
    policy(f'{VERIFY}{PATTERN}smtp = "smtp://{mail.HOST}:{exim.port}"\nca = "{mail.HOME}/ca.pem"')


@pytest.fixture
def by_sendmail(policy, exim):  # noqa: F811
    policy(f'{VERIFY}{PATTERN}sendmail = "{mail.SENDMAIL}"')


def wrong(code):
    return f"{(int(code) + 1) % 10**8:08}"


def kept(account):
    path = Ours.state_directory / account.name
    return {file.name: file.read_text() for file in path.iterdir()} if path.exists() else {}


@pytest.fixture
def with_lines(both_lines):  # noqa: F811
    """A stack in which logins set up authenticators."""


def test_login_confirms_the_address_and_then_shows_the_key(ssh, bobby, clock, by_sendmail, with_lines, journal):
    with ssh.visit(bobby, prompts=[*ENGLISH.questions, BY_MAIL]) as visit:
        assert visit.prompt() == PASSWORD
        visit.reply(bobby.password)
        assert visit.prompt() == ENGLISH.begin
        visit.reply("")
        assert visit.prompt() == BY_MAIL
        assert "otpauth" not in visit._text and "b***@example.org" in visit._text
        code = mail.code_in(mail.wait_for_mail(address(bobby)))
        visit.reply(wrong(code))
        assert visit.prompt() == BY_MAIL and "2 more tries" in visit._text
        visit.reply(code)
        assert visit.prompt() == ENGLISH.new_code and "otpauth" in visit._text
        assert "credential.toml" not in kept(bobby)
        visit.cut()
    # The user hung up: only the count of mails is stored.
    assert list(kept(bobby)) == ["mail"] and "@" not in kept(bobby)["mail"]


class ByMail(Enrolment):
    """A login that also types the code from the mail."""

    def _right_answer(self):
        if self.question == BY_MAIL:
            return mail.code_in(mail.wait_for_mail(address(self.account)))
        return super()._right_answer()


@pytest.fixture
def asks_for_mail(monkeypatch):
    monkeypatch.setattr(type(ENGLISH), "questions", property(lambda self: [
        self.begin_or_later, self.begin, self.new_code, self.are_kept, self.code, BY_MAIL]))


def test_codes_for_logins_go_to_the_confirmed_address_alone(
    ssh, bobby, alice, clock, policy, exim, with_lines, by_sendmail, journal, asks_for_mail  # noqa: F811
):
    with ByMail(ssh, bobby, clock) as login:
        login.finish()
    assert f'address = "{address(bobby)}"' in kept(bobby)["mail"]
    clock.advance(30)
    # alice enrolled earlier, and has confirmed no address.
    assert ssh.attempt(alice, alice.password, "email", alice.codes.now()).admitted
    assert not mail.mails_to(address(alice))
    with ssh.visit(bobby) as visit:
        for reply in (bobby.password, "email"):
            visit.prompt()
            visit.reply(reply)
        visit.prompt()
        visit.reply(mail.code_in(mail.wait_for_mail(address(bobby), 2)))
        assert visit.outcome().admitted
    # The policy now leads to another address.
    policy(f'{VERIFY}address = "{{user}}.other@example.org"\nsendmail = "{mail.SENDMAIL}"')
    assert ssh.attempt(bobby, bobby.password, "email", bobby.codes.now()).admitted
    severity, reason = mail.wait_for_outcome(journal, bobby, 3)
    assert severity == 4 and "another than the one that the user has confirmed" in reason


def test_user_confirms_the_address_through_the_helper(bobby, clock, by_smtp, journal):
    talk = Talk(bobby)
    talk.until(BY_MAIL)
    assert "otpauth" not in talk.screen
    code = mail.code_in(mail.wait_for_mail(address(bobby)))
    talk.answer(wrong(code))
    talk.until(BY_MAIL)
    talk.answer(code)
    talk.new_device(clock)
    assert "credential.toml" not in kept(bobby)
    talk.keep_codes()
    assert talk.end() == 0, talk.screen
    assert status(bobby)["enrolled"]
    assert f'address = "{address(bobby)}"' in kept(bobby)["mail"]
    path = Ours.state_directory / bobby.name / "mail"
    assert path.stat().st_mode & 0o7777 == 0o660
    assert mail.wait_for_outcome(journal, bobby) == (5, "sent")


def test_three_wrong_codes_change_nothing(bobby, clock, by_smtp):
    talk = Talk(bobby)
    for _ in range(3):
        talk.until(BY_MAIL)
        talk.answer(wrong(mail.code_in(mail.wait_for_mail(address(bobby)))))
    assert talk.end() != 0 and "otpauth" not in talk.screen
    assert "is not confirmed" in talk.said
    assert not status(bobby)["enrolled"]


def test_leaving_saves_nothing_and_at_most_five_codes_are_mailed(bobby, clock, by_smtp):
    for sent in range(5):
        talk = Talk(bobby)
        talk.until(BY_MAIL)
        mail.wait_for_mail(address(bobby), sent + 1)
        talk.child.sendintr()
        assert talk.end() != 0
    talk = Talk(bobby)
    assert talk.end() != 0 and "No more than 5 codes" in talk.said
    assert len(mail.mails_to(address(bobby))) == 5
    assert list(kept(bobby)) == ["mail"] and not status(bobby)["enrolled"]


def test_user_is_told_where_only_root_could_send(bobby, clock, by_sendmail):
    talk = Talk(bobby)
    assert talk.end() != 0
    assert "sendmail would run as you" in talk.said and "Set [mail] smtp" in talk.said
    assert not mail.mails_to(address(bobby)) and kept(bobby) == {}


def test_root_confirms_the_address_for_a_user(bobby, clock, by_sendmail):
    talk = Talk(Root(), "--user", bobby.name)
    talk.until(BY_MAIL)
    talk.answer(mail.code_in(mail.wait_for_mail(address(bobby))))
    talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0, talk.screen
    assert f'address = "{address(bobby)}"' in kept(bobby)["mail"]


def test_sender_of_the_mail_cannot_be_inspected_by_the_user(bobby, clock, policy, exim):  # noqa: F811
    """The process that sends the mail has the helper's group, so no user can trace it."""
    with socket.socket() as server:
        server.bind((sshd.HOST, 0))
        server.listen()
        policy(f'{VERIFY}{PATTERN}smtp = "smtp://127.0.0.1:{server.getsockname()[1]}"')
        talk = Talk(bobby)
        talk.until(BY_MAIL)
        connection, _ = server.accept()
        senders = run_as(bobby, "sh", "-c", "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" = otp-mail ] && "
                         "{ echo found; cat $p/environ > /dev/null 2>&1 && echo readable; "
                         "head -c 1 $p/mem > /dev/null 2>&1 && echo readable; ls $p/fd > /dev/null 2>&1 && echo readable; }; done; true")
        connection.close()
        talk.child.sendintr()
        talk.end()
    assert re.fullmatch("(found\n)+", senders), senders


def run_as(account, *command):
    return subprocess.run(account.running(*command), capture_output=True, text=True, cwd="/", check=True).stdout


def test_provisioning_by_an_administrator_asks_for_no_confirmation(alice, by_sendmail):
    assert run(alice, "status").returncode == 0 and "mail" not in kept(alice)
