"""The real journald: what it stores of logins and changes, whom it records as the writer, and what otp-admin reads back."""

import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

import pytest

from application import AUTH_ERR, SUCCESS, Application, application, program, service  # noqa: F401  (fixtures)
from clock import wait_until
from under_test import BINARIES, run_at_fake_time

pytestmark = pytest.mark.promised_by("ours")

JOURNALD = "/lib/systemd/systemd-journald"
SOCKET = pathlib.Path("/run/systemd/journal/socket")
MACHINE = pathlib.Path("/etc/machine-id")
KEPT = pathlib.Path("/run/log/journal")


class Journald:
    def __init__(self):
        MACHINE.write_text("0123456789abcdef0123456789abcdef\n")
        KEPT.mkdir(parents=True)
        SOCKET.parent.mkdir(parents=True)
        self._process = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(SOCKET.exists, "the socket of journald")

    def entries(self, *matches):
        """The entries until now, oldest first."""
        subprocess.run(["journalctl", "--sync"], check=False, capture_output=True)
        command = ["journalctl", "--quiet", "--no-pager", "--all", "--output=json", *matches]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [json.loads(line) for line in said.splitlines()]

    def wait_for(self, count, *matches):
        wait_until(lambda: len(self.entries(*matches)) >= count, f"{count} entries of {matches}")
        return self.entries(*matches)

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=60)
        shutil.rmtree(SOCKET.parent)
        shutil.rmtree(KEPT)
        MACHINE.unlink()


@pytest.fixture
def journald():
    running = Journald()
    yield running
    running.stop()


def uid(account):
    return str(pwd.getpwnam(account.name).pw_uid)


def events(*arguments):
    done = run_at_fake_time([BINARIES / "otp-admin", "events", "--json", *arguments])
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_every_attempt_is_an_entry_with_its_fields_and_its_writer(journald, every_door, alice, under_test):
    for name, reply in (("sshd", alice.codes.wrong()), ("sshd", alice.codes.now()), ("sudo", alice.codes.wrong()), ("su", alice.codes.wrong())):
        every_door[name].attempt(alice, alice.password, reply)
    every_door["pamtester"].attempt(alice, alice.password, alice.codes.wrong())
    under_test.unlock(alice)
    provisioned, *found = journald.wait_for(8, f"OTP_USER={alice.name}")
    assert (provisioned["OTP_EVENT"], provisioned["OTP_VERB"]) == ("otp.change", "provision")
    assert [(entry["OTP_EVENT"], entry["SYSLOG_IDENTIFIER"]) for entry in found] == [
        ("otp.reject", "sshd"), ("otp.accept", "sshd"), ("otp.reject", "sudo"), ("otp.reject", "su"),
        ("otp.attempt", "otp-helper"), ("otp.reject", "otp-helper"), ("otp.unlock", "otp-admin"),
    ]
    group = str(os.stat(under_test.state_directory).st_gid)
    for entry in found:
        by_helper = entry["SYSLOG_IDENTIFIER"] == "otp-helper"
        # su and sudo act as root on her behalf; the helper has her user id, and a group that no user has.
        assert (entry["_UID"], entry["_GID"]) == ((uid(alice), group) if by_helper else ("0", entry["_GID"]))
        assert entry["SYSLOG_FACILITY"] == "10" and entry["SYSLOG_PID"] == entry["_PID"]
        assert entry["_TRANSPORT"] == "journal"
    reject = found[0]
    assert reject["MESSAGE"].startswith(f'pam_otp(sshd:auth): otp.reject user="{alice.name}" service="sshd" rhost="127.0.0.1"')
    assert (reject["PRIORITY"], reject["OTP_COUNTED"], reject["OTP_RHOST"]) == ("5", "yes", "127.0.0.1")
    assert [entry["OTP_EVENT"] for entry in journald.entries(f"MESSAGE_ID={reject['MESSAGE_ID']}")] == ["otp.reject"] * 4


def test_recorded_events_are_read_back_and_forged_ones_are_not(journald, every_door, alice, bobby, under_test, program, service):
    every_door["sshd"].attempt(alice, alice.password, alice.codes.wrong())
    with Application(program, alice) as theirs:
        assert theirs.login(alice, alice.codes.now()).code == SUCCESS
    line = f'otp.accept user="{alice.name}" service="sshd" rhost="127.0.0.1"'
    forged = [
        ["logger", "--tag", "sshd", "--priority", "authpriv.info", f"pam_otp(sshd:auth): {line}"],
        ["logger", "--tag", "otp-helper", "--priority", "authpriv.info", line],
    ]
    for command in forged:
        subprocess.run([*bobby.running(*command), "--socket", "/run/systemd/journal/dev-log"], check=True)
    native = f'MESSAGE={line}\nSYSLOG_IDENTIFIER=otp-helper\nSYSLOG_FACILITY=10\nOTP_EVENT=otp.accept\nOTP_USER={alice.name}\n_UID=0\n'
    subprocess.run(bobby.running("logger", "--journald"), input=native, text=True, check=True)
    journald.wait_for(3, f"_UID={uid(bobby)}")
    found, said = events("--user", alice.name)
    told = [(one["event"], one["written_by"], one["program"]) for one in found]
    assert told == [("otp.change", "root", "otp-admin"), ("otp.reject", "root", "sshd"), ("otp.accept", "helper", "otp-helper")]
    assert "3 more lines" in said
    assert events("--user", bobby.name) == ([], said)
    assert events("--since", "1h")[0] and not events("--since", "2030-01-01")[0]


def written_by(account, program, line):
    """Writes an entry as a program of that account would."""
    _, _, reason = line.partition(" ")
    native = f"MESSAGE={line}\nSYSLOG_IDENTIFIER={program}\nSYSLOG_FACILITY=10\n_UID=0\nOTP_REASON={reason}\n"
    command = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "logger", "--journald"]
    subprocess.run(command, input=native, text=True, check=True)


def test_entries_of_the_portal_about_itself_are_read_back_and_no_others_in_its_name(journald, alice, bobby):
    portal = "_pam-otp-portal"
    subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", portal], check=True)
    try:
        denied, accept = 'otp.denied rhost="192.0.2.1" reason="x"', f'otp.accept user="{alice.name}" service="otp-portal"'
        written_by(portal, "otp-portal", denied)
        written_by(portal, "otp-portal", accept)
        written_by(portal, "otp-portal-login", denied)
        written_by(bobby.name, "otp-portal", denied)
        journald.wait_for(4, "SYSLOG_FACILITY=10", f"_UID={pwd.getpwnam(portal).pw_uid}", f"_UID={uid(bobby)}")
        found, said = events()
        told = [(one["event"], one["written_by"], one["program"], one["values"].get("rhost")) for one in found if one["program"].startswith("otp-portal")]
        assert told == [("otp.denied", "portal", "otp-portal", "192.0.2.1")]
        assert "3 more lines" in said
        assert [one["written_by"] for one in events("--newest", "1")[0]] == ["portal"]
    finally:
        subprocess.run(["userdel", portal], check=True)


def test_newest_events_of_a_user_are_found_among_the_entries_of_others(journald, every_door, alice, bobby, under_test):
    for reply in (alice.codes.wrong(), alice.codes.now()):
        every_door["sshd"].attempt(alice, alice.password, reply)
    journald.wait_for(3, f"OTP_USER={alice.name}")
    # Root's entries about other users, and another user's entries in the name of root.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as native:
        native.connect(str(SOCKET))
        for number in range(2000):
            line = f'otp.notenrolled user="stranger{number}" service="sshd"'
            native.send(f"MESSAGE=pam_otp(sshd:auth): {line}\nSYSLOG_IDENTIFIER=sshd\nSYSLOG_FACILITY=10\nOTP_USER=stranger{number}\n".encode())
    forged = f'otp.accept user="{alice.name}" service="sshd"'
    for _ in range(5):
        written_by(bobby.name, "otp-helper", forged)
    journald.wait_for(2000, "OTP_EVENT=otp.notenrolled", "+", "SYSLOG_IDENTIFIER=sshd", "_UID=0")
    journald.wait_for(5, f"_UID={uid(bobby)}")
    both = events("--user", alice.name)[0][-2:]
    assert [one["event"] for one in both] == ["otp.reject", "otp.accept"]
    assert events("--user", alice.name, "--newest", "2")[0] == both
    assert events("--user", alice.name, "--newest", "1")[0] == both[1:]
    assert [one["values"]["user"] for one in events("--newest", "2")[0]] == ["stranger1998", "stranger1999"]
    assert len(events("--user", alice.name, "--newest", "50")[0]) == 3


def test_name_is_one_field_exactly_as_given(journald, application, service):
    class Named:
        name = 'x" OTP_USER=root "이'

    assert application.login(Named, "123456").code == AUTH_ERR
    (entry,) = journald.wait_for(1, "OTP_EVENT=otp.notenrolled")
    assert entry["OTP_USER"] == Named.name


def test_stopped_journal_keeps_nobody_out(journald, application, alice, service):
    import signal

    os.kill(journald._process.pid, signal.SIGSTOP)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
            full.setblocking(False)
            full.connect(str(SOCKET))
            while True:
                try:
                    full.send(b"MESSAGE=x\n")
                except BlockingIOError:
                    break
        assert application.login(alice, alice.codes.now()).code == SUCCESS
    finally:
        os.kill(journald._process.pid, signal.SIGCONT)
