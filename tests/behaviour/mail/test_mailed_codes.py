"""Codes by mail in real logins, with a real mail server and its mailbox."""

import os
import pathlib
import time

import pytest

import mail
from accounts import stranger
from mail import BY_MAIL, address, exim  # noqa: F401  (a fixture among them)
from policy_file import policy  # noqa: F401  (a fixture)
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")

POLICY = '[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"\nfrom = "otp@example.org"\n'


@pytest.fixture
def by_sendmail(policy, exim):  # noqa: F811
    policy(f'{POLICY}sendmail = "{mail.SENDMAIL}"')


@pytest.fixture
def by_smtp(policy, exim):  # noqa: F811
    policy(f'{POLICY}smtp = "smtp://{mail.HOST}:{exim.port}"\nca = "{mail.HOME}/ca.pem"')


def log_in(door, account, reply=mail.code_in, count=1, word="email"):
    """Types the word for a mail, and then what `reply` makes of the mail."""
    with door.visit(account) as visit:
        assert visit.prompt() == "Password: " or "password" in visit.prompts[-1]
        visit.reply(account.password)
        assert visit.prompt() == "Verification code: "
        visit.reply(word)
        assert visit.prompt() == BY_MAIL
        message = mail.wait_for_mail(address(account), count)
        visit.reply(reply(message))
        return message, visit.outcome()


ROOTS = ("sshd", "sudo", "su")


@pytest.mark.parametrize("service", ROOTS)
def test_mailed_code_admits_over_sendmail(every_door, alice, by_sendmail, journal, service):
    message, outcome = log_in(every_door[service], alice)
    assert outcome.admitted
    assert outcome.says("You were let in by a code from an email.")
    assert outcome.says("a code was sent to a***@example.org")
    assert message["Return-Path"] == "<otp@example.org>"
    names = journal.names(alice.name)
    assert names == ["otp.mail", "otp.mailed"]
    assert mail.wait_for_outcome(journal, alice) == (5, "sent")


@pytest.mark.parametrize("service", ROOTS)
def test_mailed_code_admits_over_smtp_with_starttls(every_door, alice, by_smtp, journal, service):
    message, outcome = log_in(every_door[service], alice, word="EMAIL")
    assert outcome.admitted
    # exim records how the mail arrived: with TLS, and not from a local process.
    assert "TLS" in " ".join(message.get_all("Received"))
    assert mail.wait_for_outcome(journal, alice) == (5, "sent")


def test_mailed_code_admits_over_smtps_with_a_name_and_a_password(ssh, alice, policy, exim, journal):  # noqa: F811
    credentials = mail.HOME / "credentials"
    credentials.write_text(f'name = "{mail.NAME}"\npassword = "{mail.PASSWORD}"\n')
    credentials.chmod(0o600)
    policy(f'{POLICY}smtp = "smtps://{mail.HOST}:{exim.tls_port}"\nca = "{mail.HOME}/ca.pem"\ncredentials = "{credentials}"')
    message, outcome = log_in(ssh, alice)
    assert outcome.admitted
    received = " ".join(message.get_all("Received"))
    assert "esmtpsa" in received, received


def test_credentials_that_others_can_read_are_not_used(ssh, alice, policy, exim, journal):  # noqa: F811
    credentials = mail.HOME / "credentials"
    credentials.write_text(f'name = "{mail.NAME}"\npassword = "{mail.PASSWORD}"\n')
    credentials.chmod(0o644)
    policy(f'{POLICY}smtp = "smtps://{mail.HOST}:{exim.tls_port}"\nca = "{mail.HOME}/ca.pem"\ncredentials = "{credentials}"')
    assert ssh.attempt(alice, alice.password, "email", alice.codes.now()).admitted
    severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and "credentials" in reason and mail.PASSWORD not in reason


def test_mail_is_in_the_language_of_the_login_and_can_be_parsed(ssh, alice, policy, exim):  # noqa: F811
    policy(f'{POLICY}sendmail = "{mail.SENDMAIL}"\n[service.sshd]\nlanguage = "ko"')
    prompts = ("인증 코드: ", "이메일로 받은 인증 코드: ")
    with ssh.visit(alice, prompts=prompts) as visit:
        for reply in (alice.password, "email"):
            visit.prompt()
            visit.reply(reply)
        assert visit.prompt() == prompts[1]
        message = mail.wait_for_mail(address(alice))
        visit.reply(mail.code_in(message))
        assert visit.outcome().admitted
    assert "로그인 인증 코드" in message["Subject"]
    assert "본인이 아니라면" in message.get_content()
    assert not message.defects
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime and message["Message-ID"].endswith("@example.org>")
    raw = message.as_bytes()
    assert raw.isascii() and max(map(len, raw.splitlines())) <= 200


def test_wrong_reply_counts_and_the_mail_is_useless_in_another_login(ssh, alice, by_sendmail):
    message, outcome = log_in(ssh, alice, reply=lambda message: f"{(int(mail.code_in(message)) + 1) % 10**8:08}")
    assert outcome.refused
    used = mail.code_in(message)
    assert ssh.attempt(alice, alice.password, used).refused
    _, outcome = log_in(ssh, alice, reply=lambda _: used, count=2)
    assert outcome.refused
    # There are three failures now: two more lock.
    assert ssh.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert ssh.attempt(alice, alice.password, alice.codes.wrong()).says("locked until")
    locked = ssh.attempt(alice, alice.password, "email")
    assert locked.refused and locked.says("locked until")
    assert len(mail.mails_to(address(alice))) == 2


def test_mailed_code_is_too_old_after_ten_minutes(ssh, alice, by_sendmail, clock):
    def late(message):
        clock.advance(600)
        return mail.code_in(message)

    assert log_in(ssh, alice, reply=late)[1].refused

    def in_time(message):
        clock.advance(599)
        return mail.code_in(message)

    assert log_in(ssh, alice, reply=in_time, count=2)[1].admitted


def test_five_codes_are_mailed_in_a_day_over_all_services(every_door, alice, by_sendmail, clock, journal, under_test):
    for sent in range(5):
        door = every_door[ROOTS[sent % 3]]
        assert log_in(door, alice, count=sent + 1)[1].admitted
    outcome = every_door["sshd"].attempt(alice, alice.password, "email", alice.codes.now())
    assert outcome.admitted and outcome.says("a code was sent to a***@example.org")
    assert len(mail.mails_to(address(alice))) == 5
    assert [event.get("until") for event in journal.events(alice.name) if "until" in event] == [f"{clock.utc(86400)} UTC"]
    clock.advance(86400)
    assert log_in(every_door["su"], alice, count=6)[1].admitted


def test_unknown_and_unenrolled_users_see_the_same_and_get_no_mail(ssh, alice, bobby, by_sendmail, journal):
    nobody = stranger("nosuch")
    transcripts = set()
    for who in (alice, bobby, nobody):
        outcome = ssh.attempt(who, who.password, "email", "12345678")
        assert outcome.refused
        transcripts.add(outcome.transcript.replace(f"{who.name[0]}***@", "***@"))
    assert len(transcripts) == 1, transcripts
    mail.wait_for_mail(address(alice))
    assert not mail.mails_to(address(bobby)) and not mail.mails_to(address(nobody))


def test_word_for_a_mail_is_answered_after_half_a_second_for_everybody(ssh, alice, bobby, by_sendmail):
    """By then the mail, if there is one, has been written to disk: how long that took must tell nothing."""
    for who in (alice, bobby, stranger("nosuch")):
        with ssh.visit(who) as visit:
            visit.prompt()
            visit.reply(who.password)
            visit.prompt()
            begun = time.monotonic()
            visit.reply("email")
            assert visit.prompt() == BY_MAIL
            assert time.monotonic() - begun >= 0.5


def test_reply_of_five_characters_does_not_reveal_who_is_enrolled(ssh, alice, by_sendmail):
    """sshd replaces each character that an unknown user types with another, and so leads to the question for the mailed
    code too."""
    nobody = stranger("nosuch")
    transcripts = set()
    for who in (alice, nobody):
        for reply in ("email", "12345"):
            for password in (who.password, "email", "wrong"):
                outcome = ssh.attempt(who, password, reply, "000000")
                assert outcome.refused
                transcripts.add(outcome.transcript.replace(f"{who.name[0]}***@", "***@"))
            forget_the_failures(ssh, alice)
    assert len(transcripts) == 1, transcripts


def forget_the_failures(ssh, account):
    """A recovery code resets the count of failures."""
    assert ssh.attempt(account, account.password, account.recovery_codes.pop()).admitted


def test_word_for_a_mail_is_a_wrong_code_where_policy_forbids_mail(door, alice, exim, journal):
    assert door.attempt(alice, alice.password, "email").refused
    (event,) = [event for event in journal.events(alice.name) if event["event"] == "otp.reject"]
    assert event["tries_left"] == "4"


def test_word_for_a_mail_is_a_wrong_code_in_a_program_that_is_not_root(every_door, alice, by_sendmail, journal):
    assert every_door["pamtester"].attempt(alice, alice.password, "email").refused
    assert not mail.mails_to(address(alice))


def test_codes_of_the_authenticator_and_recovery_codes_admit_after_the_word(ssh, alice, by_sendmail):
    assert ssh.attempt(alice, alice.password, "email", alice.codes.now()).admitted
    assert ssh.attempt(alice, alice.password, "email", alice.recovery_codes[0]).admitted


DAMAGES = {
    "empty": lambda file: file.write_text(""),
    "damaged": lambda file: file.write_bytes(b"\xff" * 100),
    "newer": lambda file: file.write_text("version = 9\nsomething = 1\n"),
    "large": lambda file: file.write_text("#" * 100_000),
    "somebody's": lambda file: os.chown(file, 12345, 12345),
    "everybody's": lambda file: file.chmod(0o666),
    "a directory": lambda file: (file.unlink(), file.mkdir()),
    "a link": lambda file: (file.unlink(), file.symlink_to("/etc/passwd")),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file, 0o660)),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_file_of_mails_costs_the_mail_and_not_the_login(ssh, alice, by_sendmail, how):
    log_in(ssh, alice)
    file = Ours.state_directory / alice.name / "mail"
    DAMAGES[how](file)
    asked = ssh.attempt(alice, alice.password, "email", alice.codes.now())
    assert asked.admitted and asked.says("No email could be sent.")
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    assert len(mail.mails_to(address(alice))) == 1
    file.rmdir() if how == "a directory" else file.unlink()


def test_address_from_a_command_is_shown_to_nobody(ssh, alice, policy, exim):  # noqa: F811
    command = pathlib.Path("/usr/libexec/address-of-the-tests")
    # The address tells which user ran the command, and whether root's environment was there.
    command.write_text('#!/bin/sh\n[ $# = 1 ] && echo "$1.$(id -un).$(env | grep -c ROOT)@example.org"\n')
    command.chmod(0o755)
    policy(POLICY.replace("{user}@example.org", str(command)) + f'sendmail = "{mail.SENDMAIL}"')
    with ssh.visit(alice) as visit:
        for reply in (alice.password, "email"):
            visit.prompt()
            visit.reply(reply)
        visit.prompt()
        message = mail.wait_for_mail(f"{alice.name}.nobody.0@example.org")
        visit.reply(mail.code_in(message))
        outcome = visit.outcome()
    assert outcome.admitted and "example.org" not in outcome.transcript


def test_command_that_prints_no_address_costs_the_mail(ssh, alice, policy, exim, journal):  # noqa: F811
    command = pathlib.Path("/usr/libexec/address-of-the-tests")
    command.write_text("#!/bin/sh\nprintf 'alice@example.org\\nBcc: eve@example.org\\n'\n")
    command.chmod(0o755)
    policy(POLICY.replace("{user}@example.org", str(command)) + f'sendmail = "{mail.SENDMAIL}"')
    assert ssh.attempt(alice, alice.password, "email", alice.codes.now()).admitted
    severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and "one line with one plain address" in reason


def test_sender_of_the_mail_leaves_nothing_with_the_login(ssh, alice, by_smtp):
    """If the sender inherited ssh's connection, it would stay open after the login, and ssh would wait for its end."""
    _, outcome = log_in(ssh, alice)
    assert outcome.admitted
