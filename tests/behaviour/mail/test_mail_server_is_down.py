"""A dead mail server costs the mail, but not the login."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

import mail
import sshd
from policy_file import policy  # noqa: F401  (a fixture)

pytestmark = pytest.mark.promised_by("ours")

POLICY = '[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"\nfrom = "otp@example.org"\n'


def goes_on(ssh, account, told="a code was sent to a***@example.org"):
    """A login that asks for a mail, and then at once takes the code of the authenticator."""
    outcome = ssh.attempt(account, account.password, "email", account.codes.now())
    assert outcome.admitted and outcome.says(told), outcome
    return outcome


def test_missing_server_costs_the_mail_and_not_the_login(ssh, alice, policy, journal):  # noqa: F811
    sshd.bring_loopback_up()
    policy(f'{POLICY}smtp = "smtp://127.0.0.1:{sshd.free_port()}"')
    goes_on(ssh, alice)
    severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and "refused" in reason


def test_server_that_refuses_the_recipient_costs_the_mail_and_not_the_login(ssh, alice, policy, journal):  # noqa: F811
    with mail.Exim(rule="deny message = no such user here") as exim:
        policy(f'{POLICY}smtp = "smtp://{mail.HOST}:{exim.port}"\nca = "{mail.HOME}/ca.pem"')
        goes_on(ssh, alice)
        severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and "no such user here" in reason


def test_server_that_hangs_once_connected_costs_the_mail_and_not_the_login(ssh, alice, policy, journal):  # noqa: F811
    """The login does not wait: the server says nothing before the login is over."""
    with socket.socket() as server:
        server.bind((sshd.HOST, 0))
        server.listen()
        policy(f'{POLICY}smtp = "smtp://127.0.0.1:{server.getsockname()[1]}"')
        goes_on(ssh, alice)
        assert not mail.outcome_of(journal, alice)
        connection, _ = server.accept()
        # Only now does the server hang up.
        connection.close()
        severity, reason = mail.wait_for_outcome(journal, alice)
        assert severity == 4 and reason.startswith("not sent: ")


def test_server_without_starttls_is_sent_nothing(ssh, alice, policy, journal):  # noqa: F811
    with mail.Exim(starttls=":") as exim:
        policy(f'{POLICY}smtp = "smtp://{mail.HOST}:{exim.port}"\nca = "{mail.HOME}/ca.pem"')
        goes_on(ssh, alice)
        severity, reason = mail.wait_for_outcome(journal, alice)
        assert severity == 4 and "STARTTLS" in reason.upper(), reason
        # Plain text is allowed to a server on this machine that the policy names by its address.
        policy(f'{POLICY}smtp = "smtp://127.0.0.1:{exim.port}"')
        outcome = ssh.attempt(alice, alice.password, "email", alice.recovery_codes[0])
        assert outcome.admitted
        mail.wait_for_mail(f"{alice.name}@example.org")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_server_with_a_wrong_certificate_is_sent_nothing(ssh, alice, policy, journal, scheme):  # noqa: F811
    with mail.Exim() as exim:
        port = exim.port if scheme == "smtp" else exim.tls_port
        # The certificate is good, but the policy trusts another authority.
        policy(f'{POLICY}smtp = "{scheme}://{mail.HOST}:{port}"\nca = "{mail.HOME}/other.pem"')
        goes_on(ssh, alice)
        severity, reason = mail.wait_for_outcome(journal, alice)
        assert severity == 4 and "certificate" in reason.lower(), reason
        # The certificate is good, but for another name.
        hosts = pathlib.Path("/etc/hosts")
        with open(hosts, "a") as file:
            file.write("127.0.0.1 other.example.org\n")
        policy(f'{POLICY}smtp = "{scheme}://other.example.org:{port}"\nca = "{mail.HOME}/ca.pem"')
        assert ssh.attempt(alice, alice.password, "email", alice.recovery_codes[0]).admitted
        severity, reason = mail.wait_for_outcome(journal, alice, 2)
        assert severity == 4 and "certificate" in reason.lower(), reason
        assert not mail.mails_to(f"{alice.name}@example.org")


@pytest.mark.parametrize("how", ["missing", "writable", "somebody's", "fails"])
def test_program_that_cannot_be_run_costs_the_mail_and_not_the_login(ssh, alice, policy, journal, how):  # noqa: F811
    program = pathlib.Path("/usr/libexec/mailer-of-the-tests")
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o777 if how == "writable" else 0o755)
    os.chown(program, 12345 if how == "somebody's" else 0, 0)
    if how == "missing":
        program.unlink()
    policy(f'{POLICY}sendmail = "{program}"')
    goes_on(ssh, alice)
    severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and str(program) in reason
    program.unlink(missing_ok=True)


def test_user_is_told_and_goes_on_without_otp_mail(ssh, alice, policy, journal, under_test):  # noqa: F811
    mailer = pathlib.Path(under_test.mailer)
    kept = mailer.with_name("kept")
    mailer.rename(kept)
    try:
        policy(f'{POLICY}sendmail = "{mail.SENDMAIL}"')
        goes_on(ssh, alice, told="No email could be sent.")
    finally:
        kept.rename(mailer)
    assert journal.names(alice.name) == ["otp.mail", "otp.mail", "otp.accept"]


def test_otp_mail_that_hangs_does_not_delay_the_login(ssh, alice, policy, journal, under_test):  # noqa: F811
    """The login waits no longer than the time limit for handing a message over."""
    mailer = pathlib.Path(under_test.mailer)
    kept = mailer.with_name("kept")
    mailer.rename(kept)
    try:
        mailer.write_text("#!/bin/sh\nexec sleep 3600\n")
        mailer.chmod(0o755)
        policy(f'{POLICY}sendmail = "{mail.SENDMAIL}"')
        goes_on(ssh, alice, told="No email could be sent.")
    finally:
        mailer.unlink()
        kept.rename(mailer)




def frame(*fields):
    """A message as the module gives it to otp-mail."""
    body = b"".join(len(field).to_bytes(2, "big") + field for field in map(str.encode, fields))
    return b"otp1" + len(body).to_bytes(2, "big") + body


def test_mail_is_sent_for_a_program_that_ignores_the_ends_of_its_children(alice, policy, journal, under_test):  # noqa: F811
    """Child processes inherit that; otp-mail would then never learn that a program it runs has ended."""
    command = pathlib.Path("/usr/libexec/address-of-the-tests")
    command.write_text('#!/bin/sh\necho "$1@example.org"\n')
    command.chmod(0o755)
    with mail.Exim():
        path = policy(POLICY.replace("{user}@example.org", str(command)) + f'sendmail = "{mail.SENDMAIL}"')
        message = frame("mail1", "login", str(path or "/etc/security/pam_otp.conf"), "en", alice.name, "01234567", "", "su", "",
                        "web1", "send")
        taken = subprocess.run([under_test.mailer], input=message, capture_output=True,
                               preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), check=True)
        assert taken.stdout == b"+"
        assert mail.wait_for_outcome(journal, alice) == (5, "sent")
        assert mail.code_in(mail.wait_for_mail(f"{alice.name}@example.org")) == "01234567"


def test_program_below_a_directory_of_another_user_is_not_run(ssh, alice, policy, journal):  # noqa: F811
    """The directory's owner could put another program there, which root would run."""
    program = pathlib.Path("/run/mailer-of-somebody/mailer")
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\ncat > /run/mailer-was-run\n")
    program.chmod(0o755)
    os.chown(program.parent, 12345, 0)
    policy(f'{POLICY}sendmail = "{program}"')
    goes_on(ssh, alice)
    severity, reason = mail.wait_for_outcome(journal, alice)
    assert severity == 4 and str(program.parent) in reason
    assert not pathlib.Path("/run/mailer-was-run").exists()
