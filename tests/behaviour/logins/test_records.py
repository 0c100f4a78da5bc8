"""Each attempt and each change has one log entry, whichever program makes it."""

import json
import os
import pathlib
import pwd
import re
import subprocess

import pexpect
import pytest

import traced
from application import AUTH_ERR, SUCCESS, Application, application, program, service  # noqa: F401  (fixtures)
from doors import COMMAND, Sudo, Visit
from helper import check
from traced_helper import traced_helper
from under_test import BINARIES, run_at_fake_time

pytestmark = pytest.mark.promised_by("ours")

LINE = re.compile(r"<\d+>.*?(?P<tag>pam_otp\([^)]+\)|otp-\w+)(?:\[\d+\])?: (?P<event>otp\.\w+)(?P<rest>.*)")


def told(journal, account, first=0):
    """Every log entry about the account, by any program: the tag, the event, and the values."""
    found = (LINE.match(line) for line in journal.lines(first))
    lines = [(one["tag"], one["event"], dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', one["rest"]))) for one in found if one]
    return [line for line in lines if line[2].get("user") == account.name]


@pytest.fixture
def since(journal):
    return len(journal.lines())


# -------------------------------------------------------------------------------------------------------------- attempts


def test_each_attempt_has_one_log_entry_at_every_door(door, alice, journal, since):
    used = alice.codes.now()
    for reply in (used, used, alice.codes.wrong(), "", alice.recovery_codes[0]):
        door.attempt(alice, alice.password, reply)
    assert journal.records(alice.name) == ["otp.accept", "otp.replay", "otp.reject", "otp.reject", "otp.recovery"]
    outcomes = [line for line in told(journal, alice, since) if line[1] != "otp.attempt"]
    assert len(outcomes) == 5
    by_helper = door.service == "pamtester"
    assert {tag for tag, _, _ in outcomes} == {"otp-helper" if by_helper else f"pam_otp({door.service}:auth)"}
    for _, _, values in outcomes:
        assert values["claimed_service" if by_helper else "service"] == door.service
        assert ("service" in values) != by_helper
        assert not by_helper or values["caller_uid"] == str(pwd.getpwnam(alice.name).pw_uid)


def test_request_to_the_helper_without_the_module_leaves_a_log_entry(alice, under_test, journal, since):
    for reply, event in ((alice.codes.wrong(), "otp.reject"), (alice.codes.now(), "otp.accept")):
        with traced_helper(under_test.helper, alice) as running:
            running.ask(check(alice, reply))
            running.run()
        assert journal.records(alice.name)[-1] == event
    lines = told(journal, alice, since)
    assert [event for _, event, _ in lines] == ["otp.attempt", "otp.reject", "otp.attempt", "otp.accept"]
    assert lines[0][2]["id"] == lines[1][2]["id"] != lines[2][2]["id"] == lines[3][2]["id"]
    assert not any(key.startswith("claimed") for _, _, values in lines for key in values)


def test_attempt_that_the_helper_cannot_make_has_one_log_entry(alice, under_test, journal, program, service, application):
    state = under_test.state_directory / alice.name / "state"
    state.write_bytes(b"x" * 4096)
    with Application(program, alice) as theirs:
        assert theirs.login(alice, alice.codes.now()).code not in (SUCCESS, AUTH_ERR)
    assert journal.records(alice.name) == ["otp.unavailable"]


SIGNALS = ["TERM", "INT", "HUP"]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("reply", ["right", "wrong"])
def test_no_signal_comes_between_an_attempt_and_its_log_entry(
    program, application, alice, clock, journal, under_test, service, signal, reply
):
    """Sends a signal that ends the program, at each call from the first look at the record to the end of the login."""

    def next_reply():
        clock.advance(60)
        return alice.codes.now() if reply == "right" else alice.codes.wrong()

    undisturbed = traced.login(program, alice, next_reply())
    cut = 0
    for call in undisturbed.from_then_on:
        if reply == "wrong":
            under_test.unlock(alice)
        before, records = traced.Kept(alice, under_test.state_directory), len(journal.records(alice.name))
        login = traced.login(program, alice, next_reply(), inject=call.kills().replace("signal=KILL", f"signal={signal}"))
        left = traced.Kept(alice, under_test.state_directory).since(before)
        written = len(journal.records(alice.name)) - records
        assert written == (left != "nothing"), (call, left, written)
        cut += not login.ended
    assert cut > 10


# --------------------------------------------------------------------------------------------------------------- changes


def test_each_change_by_root_has_one_log_entry(alice, bobby, under_test, journal):
    first = len(journal.lines())
    under_test.admin("unlock", alice.name)
    under_test.admin("provision", alice.name, "--force")
    under_test.admin("reset", alice.name)
    under_test.admin("reset", alice.name)  # there is nothing left to reset
    under_test.admin("show", alice.name)
    lines = told(journal, alice, first)
    assert [(tag, event, values.get("verb")) for tag, event, values in lines] == [
        ("otp-admin", "otp.unlock", None), ("otp-admin", "otp.change", "provision"), ("otp-admin", "otp.change", "reset"),
    ]


def test_log_names_the_administrator_behind_sudo(every_door, alice, bobby, under_test, journal):
    """The real sudo, which names its caller in the environment."""

    class Unlocking(Sudo):
        def visit(self, account, prompts=()):
            shell = f"{BINARIES}/otp-admin unlock {alice.name} > /dev/null && {COMMAND}"
            return Visit(self, account, account.running("/usr/bin/sudo", "/bin/sh", "-c", shell), prompts)

    first = len(journal.lines())
    pathlib.Path("/etc/pam.d/sudo").write_text("auth required pam_unix.so nodelay\naccount required pam_unix.so\n")
    assert Unlocking().attempt(bobby, bobby.password).admitted
    ((tag, event, values),) = told(journal, alice, first)
    assert (tag, event) == ("otp-admin", "otp.unlock")
    assert values["env_sudo_uid"] == str(pwd.getpwnam(bobby.name).pw_uid)


def test_otp_enroll_run_by_root_leaves_log_entries(alice, under_test, journal, clock):
    first = len(journal.lines())
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    for reply, event in ((alice.codes.wrong(), "otp.reject"), (alice.codes.now(), "otp.accept")):
        talk = pexpect.spawn(str(BINARIES / "otp-enroll"), ["test", "--user", alice.name], env=environment, encoding="utf-8", timeout=60)
        talk.expect("Verification code: ")
        talk.sendline(reply)
        talk.expect(pexpect.EOF)
        talk.wait()
        talk.close()
        assert told(journal, alice, first)[-1][:2] == ("otp-enroll", event)
    assert len(told(journal, alice, first)) == 2


# ---------------------------------------------------------------------------------------------------------- reading back


def test_events_are_read_back_from_a_file_of_syslog(ssh, alice, bobby, under_test, journal, tmp_path):
    first = len(journal.lines())
    ssh.attempt(alice, alice.password, alice.codes.wrong())
    ssh.attempt(alice, alice.password, alice.codes.now())
    under_test.admin("unlock", alice.name)
    log = tmp_path / "auth.log"
    written = []
    for line in journal.lines(first):
        # The C library takes the time of a log line from the kernel.
        rest = re.fullmatch(r"<\d+>(?:\w{3} [\d ]\d [\d:]{8} )?(.*)", line)[1]
        written.append(f"Jan 15 08:00:10 web1 {rest}\n")
    log.write_text("".join(written))
    said = run_at_fake_time([BINARIES / "otp-admin", "events", "--file", log, "--user", alice.name, "--json"])
    found = [json.loads(line) for line in said.stdout.splitlines()]
    assert [one["event"] for one in found] == ["otp.reject", "otp.accept", "otp.unlock"]
    assert {one["written_by"] for one in found} == {"unknown"} and "prove nothing" in said.stderr
    assert found[0]["values"]["rhost"] == "127.0.0.1"
    text = under_test.admin("events", "--file", str(log), "--user", alice.name, "--lang", "ko")
    assert len(text.splitlines()) == 3 and "인증 코드로 로그인" in text
    assert under_test.admin("events", "--file", str(log), "--user", bobby.name) == ""
    assert under_test.admin("events", "--file", str(log), "--since", "2027-01-16") == ""
    assert len(under_test.admin("events", "--file", str(log), "--since", "1h").splitlines()) == 3


def test_large_file_is_read_in_little_memory(alice, tmp_path):
    log = tmp_path / "auth.log"
    line = f'Jan 15 08:00:10 web1 sshd[7]: pam_otp(sshd:auth): otp.reject user="{alice.name}" service="sshd" rhost="192.0.2.1"\n'
    log.write_text((line + "Jan 15 08:00:10 web1 sshd[7]: Connection closed by 192.0.2.1\n" * 9) * 100_000)
    command = ["/usr/bin/python3", "-c", (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "print(done.stdout.count(b'\\n'), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    ), str(BINARIES / "otp-admin"), "events", "--file", str(log)]
    counted, kilobytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(counted) == 100_000 and int(kilobytes) < 20_000
