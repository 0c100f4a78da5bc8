"""The two example hooks that the packages ship, unchanged except for addresses: one posts to another system, one mails
users."""

import email
import email.policy
import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import pytest

import notified
from application import AUTH_ERR, SUCCESS, application, program, service  # noqa: F401  (fixtures among them)
from notified import hook, notify, section, waiting  # noqa: F401
from policy_file import policy  # noqa: F401
from under_test import BINARIES

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service", "server")]
# "server" brings the loopback interface up.

SETTINGS = pathlib.Path("/etc/security/pam_otp-hook.curl")
MAILBOX = notified.GOT / "mailbox"
SECRET = "Authorization: Bearer not-in-any-argument"


class Receiver:
    """A small server on loopback that keeps what is posted to it, and answers with given status codes."""

    def __init__(self):
        self.answers, self.posts = [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.headers, json.loads(body)))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/otp"


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def the_example(name, **settings):
    text = (BINARIES / name).read_text()
    for key, value in settings.items():
        assert text.count(f"\n{key}=") == 1
        head, _, tail = text.partition(f"\n{key}=")
        text = f"{head}\n{key}={value}\n{tail.partition(chr(10))[2]}"
    notified.PROGRAM.write_text(text)
    notified.PROGRAM.chmod(0o755)


def test_lock_and_its_end_are_posted_to_another_system(hook, policy, application, alice, receiver, clock, journal):
    the_example("http")
    SETTINGS.write_text(f'url = "{receiver.url}"\nheader = "{SECRET}"\n')
    SETTINGS.chmod(0o640)
    shutil.chown(SETTINGS, "root", notified.USER)
    policy(section(["lock", "recovery"]))
    application.crowd(5, alice, alice.codes.wrong())
    assert application.login(alice, alice.recovery_codes[0]).code == SUCCESS
    receiver.answers = [503]
    notify()
    assert waiting() == 2
    told = [line for line in journal.lines() if "otp.hook" in line and "503" in line]
    assert told, [line for line in journal.lines() if "otp.hook" in line]
    assert SECRET.split()[-1] not in "".join(told)
    clock.advance(61)
    notify()
    assert waiting() == 0
    (_, refused), (headers, lock), (_, recovery) = receiver.posts
    assert headers["Authorization"] == SECRET.partition(": ")[2] and headers["Content-Type"] == "application/json"
    assert refused["id"] == lock["id"] and lock["event"] == "otp.lock" and recovery["event"] == "otp.recovery"
    assert lock["account"] == recovery["account"] == alice.name


def test_users_are_told_by_mail(hook, policy, application, alice, clock, under_test):
    sendmail = pathlib.Path("/run/sendmail")
    sendmail.write_text(f'#!/bin/sh\n{{ echo "$@"; cat; printf "\\n\\0"; }} >> {MAILBOX}\n')
    sendmail.chmod(0o755)
    the_example("mail", sendmail=sendmail, domain="example.org")
    policy(section(["lock", "recovery", "accept", "change"]))
    application.crowd(5, alice, alice.codes.wrong())
    assert application.login(alice, alice.recovery_codes[0], rhost="192.0.2.7").code == SUCCESS
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    subprocess.run([BINARIES / "otp-portal-login", "--log-out", alice.name], check=True, env={})
    under_test.reset(alice)
    notify()
    assert waiting() == 0
    texts = MAILBOX.read_text().split("\0")[:-1]
    assert len(texts) == 4, "ordinary logins cause no mail"
    expected = (
        "locked after several wrong codes", "recovery code of your account was used. 9 are left",
        "An administrator ended all your logins to the portal.", "recovery codes of your account were changed (reset)",
    )
    for text, said in zip(texts, expected):
        arguments, _, text = text.lstrip("\n").partition("\n")
        assert arguments == f"-i -- {alice.name}@example.org"
        mail = email.message_from_string(text, policy=email.policy.default)
        assert not mail.defects and mail["To"] == f"{alice.name}@example.org"
        assert mail["Subject"].startswith(f"One-time codes of {alice.name} on ")
        assert mail["Message-ID"] and mail["Auto-Submitted"] == "auto-generated"
        assert said in mail.get_content()
    assert "From:  192.0.2.7" in texts[1]


@pytest.mark.parametrize("rhost", ["x\nBcc: eve@example.org", "$(touch /run/hook-got/hit)`id`;", '"\\u{0a}Bcc: x', "\x1b[31m"])
def test_text_chosen_by_others_gets_into_no_header_and_no_shell(hook, policy, application, alice, rhost):
    sendmail = pathlib.Path("/run/sendmail")
    sendmail.write_text(f"#!/bin/sh\ncat >> {MAILBOX}\n")
    sendmail.chmod(0o755)
    the_example("mail", sendmail=sendmail)
    policy(section(["recovery"]))
    if "\n" in rhost:
        rhost = rhost.replace("\n", "\v")
    assert application.login(alice, alice.recovery_codes[0], rhost=rhost).code == SUCCESS
    notify()
    mail = email.message_from_string(MAILBOX.read_text(), policy=email.policy.default)
    assert sorted(mail.keys()) == ["Auto-Submitted", "Message-ID", "Subject", "To"]
    assert not (notified.GOT / "hit").exists() and "\x1b" not in MAILBOX.read_text()
