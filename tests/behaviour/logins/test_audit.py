"""What logins and changes send to the kernel's audit system, read by its own ausearch and aureport.

The kernel hands records to one auditd for the whole machine, which only its first process namespace may start. So strace catches
the records as they are sent, and the test writes them into a log as auditd would.
"""

import os
import re
import subprocess
import tarfile

import pytest

from application import program, script, service  # noqa: F401  (fixtures)
from under_test import BINARIES

pytestmark = pytest.mark.promised_by("ours")

NAMES = {1100: "USER_AUTH", 1101: "USER_ACCT", 1102: "USER_MGMT", 1108: "USER_CHAUTHTOK", 1111: "USYS_CONFIG"}
# libpam writes records of its own to the same kernel.
OURS = "op=otp."
NETLINK = re.compile(
    r"^(?P<pid>\d+) .*?sendto\(\d+<NETLINK:[^>]*>, \[\{nlmsg_len=(?P<length>\d+), nlmsg_type=(?P<kind>\w+)[^}]*\}, "
    r'"(?P<bytes>[^"]*)"\], (?P<size>\d+), (?P<flags>[A-Z_|]+), .* = (?P<sent>-?\d+)$'
)


class Audit:
    """ausearch and aureport, and a log that they read."""

    def __init__(self, directory):
        self._place = directory
        with tarfile.open(BINARIES / "audit.tar") as archive:
            archive.extractall(directory)
        library = next(directory.glob("libauparse.so.0.*"))
        (directory / "libauparse.so.0").unlink(missing_ok=True)
        (directory / "libauparse.so.0").symlink_to(library.name)
        self.log = directory / "audit.log"
        self.log.write_text("")
        self.records = []

    def traced(self, command, **options):
        """Runs a command, and takes the records that it and its children send; returns the command's result."""
        trace = self._place / "trace"
        strace = ["strace", "--follow-forks", "--quiet=all", "--decode-fds=all", "--trace=sendto", "--strings-in-hex=all",
                  "--string-limit=20000", "--output", trace]
        done = subprocess.run([*strace, *command], capture_output=True, text=True, check=False, **options)
        for line in trace.read_text().splitlines():
            found = NETLINK.match(line)
            text = found and bytes.fromhex(found["bytes"].replace("\\x", "")).decode()
            if found and text.startswith(OURS):
                # The kernel took the whole message at once; it would overwrite the last byte with a NUL.
                assert found["length"] == found["size"] == found["sent"] and text.endswith("\0"), line
                assert "MSG_DONTWAIT" in found["flags"], line
                kind = found["kind"]
                name = NAMES[int(kind, 16)] if kind.startswith("0x") else kind.removeprefix("AUDIT_")
                self.take(name, text.rstrip("\0"), found["pid"])
        return done

    def take(self, name, text, pid):
        """Logs a record as the kernel passes it on and auditd writes it."""
        self.records.append((name, text))
        before = f"type={name} msg=audit(1800000010.{len(self.records):03}:{len(self.records)}): "
        with self.log.open("a") as log:
            log.write(f"{before}pid={pid} uid=0 auid=4294967295 ses=4294967295 msg='{text}'\n")

    def run(self, program, *arguments):
        environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(self._place), "LC_ALL": "C", "TZ": "UTC"}
        command = [self._place / program, *arguments, "--input", self.log]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done
        return done.stdout


@pytest.fixture
def audit(tmp_path):
    return Audit(tmp_path)


def login(audit, program, account, reply):
    done = audit.traced([program], input=script(account, reply).decode(), env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr


def test_each_attempt_is_one_record_with_the_right_account_and_result(audit, program, service, alice, bobby, under_test):
    for reply in (alice.codes.wrong(), alice.codes.now(), alice.codes.now(), alice.recovery_codes[0]):
        login(audit, program, alice, reply)
    assert [text.split()[0] for _, text in audit.records] == ["op=otp.reject", "op=otp.accept", "op=otp.replay", "op=otp.recovery"]
    assert {name for name, _ in audit.records} == {"USER_AUTH"}
    found = audit.run("ausearch", "--interpret", "-m", "USER_AUTH")
    assert found.count("type=USER_AUTH") == found.count(f" acct={alice.name} ") == 4
    assert audit.run("ausearch", "-m", "USER_AUTH", "--success", "yes").count("res=success") == 2
    report = [line.split() for line in audit.run("aureport", "-au").splitlines() if line[:1].isdigit()]
    # number, date, time, account, host, terminal, program, success, event
    assert [(row[3], row[7]) for row in report] == [(alice.name, "no"), (alice.name, "yes"), (alice.name, "no"), (alice.name, "yes")]
    assert {row[6] for row in report} == {str(program)}


def test_change_is_recorded_as_management_of_an_account(audit, alice, under_test):
    admin = BINARIES / "otp-admin"
    for arguments in (["unlock", alice.name], ["provision", alice.name, "--force"], ["reset", alice.name]):
        done = audit.traced([admin, *arguments], env={"PATH": os.environ["PATH"]})
        assert done.returncode == 0, done.stderr
    assert [(name, text.split()[0]) for name, text in audit.records] == [
        ("USER_MGMT", "op=otp.unlock"), ("USER_MGMT", "op=otp.change:provision"), ("USER_MGMT", "op=otp.change:reset"),
    ]
    done = audit.traced([BINARIES / "otp-portal-login", "--log-out", alice.name], env={})
    assert done.returncode == 0, done.stderr
    name, text = audit.records[-1]
    assert (name, text.split()[0]) == ("USER_MGMT", "op=otp.change:log-out")
    report = [line for line in audit.run("aureport", "-m").splitlines() if line[:1].isdigit()]
    assert len(report) == 4 and all(alice.name in line and " yes " in line for line in report)


@pytest.mark.parametrize("name", ["two words", 'x" res=success acct="root', "이브"])
def test_name_cannot_forge_a_record(audit, program, service, name):
    class Named:
        pass

    Named.name = name
    login(audit, program, Named, "123456")
    ((_, text),) = audit.records
    assert f"acct={name.encode().hex().upper()} exe=" in text and text.endswith(" res=failed")
    assert "\n" not in text
    found = audit.run("ausearch", "--interpret", "-m", "USER_AUTH", "--success", "no")
    assert found.count("type=USER_AUTH") == 1


def test_program_without_the_right_to_sends_no_record(audit, program, service, alice, journal):
    """This includes the helper, which has its caller's rights here."""
    audit.traced(alice.running(program), input=script(alice, alice.codes.wrong()).decode(), env={"PATH": os.environ["PATH"]})
    assert journal.records(alice.name) == ["otp.reject"] and audit.records == []
