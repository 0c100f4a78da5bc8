"""After a login its secrets are nowhere: in no log or output, in no command line or environment, and not in the memory of
the program that people logged in with.
"""

import contextlib
import pathlib
import re
import subprocess

import pytest

import doors
import mail
import sshd
from application import AUTH_ERR, SUCCESS, Application, application, program, service  # noqa: F401
from clock import wait_until
from policy_file import policy  # noqa: F401  (a fixture)
from replies import LOGINS, assert_nothing_secret_is_left_in_memory, enrol, recovery, right  # noqa: F401
from secrets_seen import Watch, found_in, memory, traces_of_key, traces_of_recovery_code
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")

# The modules of a service, and whether they ask for password and code in one reply.
STACKS = {
    "two questions": (["required pam_unix.so nodelay", "required {} debug"], False),
    "forward_pass": (["required {} forward_pass debug", "required pam_unix.so use_first_pass nodelay"], True),
    "split": (["required {} split debug", "requisite pam_unix.so use_first_pass nodelay", "required {} debug"], True),
}


@pytest.fixture
def watch():
    """A watch that begins before anybody is enrolled."""
    with Watch() as watching:
        yield watching


def test_watch_sees_command_lines_and_environments(watch):
    """Without this, an empty result of the watch would prove nothing."""
    with subprocess.Popen(["cat", "-u", "-"], stdin=subprocess.PIPE, env={"SEEN_IN": "environment"}) as process:
        wait_until(lambda: b"cat\0-u\0" in watch.seen("cmdline"), "command line")
        wait_until(lambda: b"SEEN_IN=environment\0" in watch.seen("environ"), "environment")
        process.stdin.close()


@pytest.mark.parametrize("stack", STACKS)
def test_secrets_are_in_no_log_no_output_no_command_line_and_no_environment(
    watch, every_door, alice, program, clock, protect, service, under_test, journal, stack
):
    lines, one_reply = STACKS[stack]
    protect(*(line.format(under_test.module) for line in lines))
    service(*(line.format(under_test.module) for line in lines))
    logged, sshd_logged = len(journal.lines()), sshd.LOG.stat().st_size
    typed, said = [], []

    def replies(code):
        typed.append(code)
        return [alice.password + code] if one_reply else [alice.password, code]

    def through(door, code, admitted):
        outcome = door.attempt(alice, *replies(code))
        assert outcome.admitted == admitted
        said.append(outcome.transcript)

    through(every_door["sshd"], alice.codes.wrong(), False)
    through(every_door["sshd"], alice.codes.now(), True)
    through(every_door["sudo"], alice.recovery_codes.pop(), True)
    clock.advance(30)
    through(every_door["su"], alice.codes.now(), True)
    clock.advance(30)
    used = alice.codes.now()
    with Application(program) as application:
        for code, expected in ((used, SUCCESS), (used, AUTH_ERR), (alice.codes.wrong(), AUTH_ERR),
                               (alice.recovery_codes.pop(), SUCCESS)):
            answer = application.login(alice, *replies(code))
            assert answer.code == expected
            said += [*answer.asked, *answer.told]
    places = {
        "the log": "\n".join(journal.lines()[logged:]).encode(),
        "the output of sshd": sshd.LOG.read_bytes()[sshd_logged:],
        "the output of the application": application.errors,
        "what people saw": "\n".join(said).encode(),
        "a command line": watch.seen("cmdline"),
        "an environment": watch.seen("environ"),
    }
    assert b"otp.debug" in places["the log"] and b"otp.recovery" in places["the log"]
    traces = {**traces_of_key(alice.key), "the password": alice.password.encode()}
    for code in alice.recovery_codes + [code for code in typed if "-" in code]:
        traces |= {f"recovery code, {name}": trace for name, trace in traces_of_recovery_code(code).items()}
    for place, text in places.items():
        assert found_in(text, traces) == [], place
        for code in typed:
            assert not re.search(rb"(?<!\w)" + code.encode() + rb"(?!\w)", text), place


def test_mailed_code_is_in_the_mail_and_nowhere_else(
    watch, program, alice, policy, service, under_test, journal  # noqa: F811
):
    """The login asks for a code by mail, and goes on with the code of the authenticator."""
    kept, mailer = pathlib.Path("/run/mail-of-the-tests"), pathlib.Path("/usr/libexec/mailer-of-the-tests")
    mailer.write_text(f"#!/bin/sh\ncat > {kept}\n")
    mailer.chmod(0o755)
    policy(f'[recovery]\nemail = true\n[mail]\naddress = "{{user}}@example.org"\nsendmail = "{mailer}"')
    service(under_test.line("debug"), "required pam_permit.so")
    with Application(program) as application:
        answer = application.login(alice, "email", alice.codes.now())
        assert answer.code == SUCCESS
        assert mail.wait_for_outcome(journal, alice) == (5, "sent")
        (code,) = re.findall(r"^    ([0-9]{8})$", kept.read_text(), re.M)
        places = {
            "the memory of the program": memory(application.pid),
            "the log": "\n".join(journal.lines()).encode(),
            "the output of the application": application.errors,
            "what people saw": "\n".join([*answer.asked, *answer.told]).encode(),
            "the record": b"".join(file.read_bytes() for file in (Ours.state_directory / alice.name).iterdir()),
            "a command line": watch.seen("cmdline"),
            "an environment": watch.seen("environ"),
        }
    mailer.unlink()
    kept.unlink()
    assert b"otp.mail" in places["the log"] and b"otp-mail" in places["a command line"]
    assert [place for place, text in places.items() if code.encode() in text] == []


@pytest.mark.parametrize("arguments", ["", "debug", "forward_pass", "split"])
@pytest.mark.parametrize("login", LOGINS)
def test_no_secret_is_left_in_the_memory_of_the_program(
    program, enrol, clock, service, under_test, login, arguments
):
    """A core file would hold nothing that the memory does not. The application keeps no copy of its own."""
    reply_of, before = LOGINS[login]
    carol, alice = enrol("carol"), enrol("alice")
    service(under_test.line(), "required pam_permit.so")
    with Application(program) as application:
        # Six-digit numbers that are in the memory of such a program by chance, whichever user logs in.
        application.login(carol, right(carol))
        by_chance = memory(application.pid)
        reply = reply_of(alice)
        while reply.encode() in by_chance:
            clock.advance(30)
            reply = reply_of(alice)
        before(application, alice, reply)
    assert_nothing_secret_is_left_in_memory(lambda: Application(program), alice, service, under_test, arguments, reply)


@pytest.mark.parametrize("door", ["sshd", "sudo", "su"], indirect=True)
@pytest.mark.parametrize("reply_of", [right, recovery])
def test_no_secret_is_left_in_sshd_sudo_and_su_while_the_session_lasts(door, alice, monkeypatch, reply_of):
    """These programs handle the reply themselves too, so this is about the key and the codes that nobody typed."""
    monkeypatch.setattr(doors, "COMMAND", f"{doors.COMMAND}; read line")
    reply = reply_of(alice)
    with door.visit(alice) as visit:
        for text in (alice.password, reply):
            assert visit.prompt()
            visit.reply(text)
        assert visit.prompt() is None
        memories = memories_of_processes_called(door.service)
    assert any(alice.name.encode() in text for text in memories)
    traces = {f"the key, {name}": trace for name, trace in traces_of_key(alice.key).items()}
    for code in alice.recovery_codes:
        if code != reply:
            traces |= {f"recovery code, {name}": trace for name, trace in traces_of_recovery_code(code).items()}
    for text in memories:
        assert found_in(text, traces) == []


def memories_of_processes_called(name):
    found = []
    for process in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile
            if process.name.isdigit() and (process / "comm").read_text().startswith(name):
                found.append(memory(process.name))
    return found
