"""A helper started without its group: the log and otp-enroll name the reason, and what to do about it.

Without that, the kernel only says "Permission denied" at the directory of records, which tempts administrators to open the
directory.
"""

import os
import pathlib
import re
import subprocess

import pytest

from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

NO_NEW_PRIVS = ["/usr/bin/setpriv", "--no-new-privs", "--"]


class Nosuid:
    """The helper on a file system that is mounted with nosuid."""

    def __init__(self):
        self.place = pathlib.Path(Ours.helper).parent

    def __enter__(self):
        subprocess.run(["mount", "--bind", self.place, self.place], check=True)
        subprocess.run(["mount", "-o", "remount,bind,nosuid", self.place], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", self.place], check=True)


class Mode:
    """The helper with another mode or another group, as an unpacked archive leaves it."""

    def __init__(self, mode, group=None):
        self.mode, self.group = mode, group

    def __enter__(self):
        self.before = os.stat(Ours.helper)
        os.chown(Ours.helper, 0, self.before.st_gid if self.group is None else self.group)
        os.chmod(Ours.helper, self.mode)

    def __exit__(self, *_):
        os.chown(Ours.helper, 0, self.before.st_gid)
        os.chmod(Ours.helper, self.before.st_mode & 0o7777)


class Nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


WAYS = {
    "no new privileges": (Nothing, NO_NEW_PRIVS, "no_new_privs (systemd: NoNewPrivileges=yes"),
    "nosuid": (Nosuid, [], "mounted with nosuid"),
    "without the bit": (lambda: Mode(0o755), [], "no set-group-id bit"),
    "without the group": (lambda: Mode(0o2755, group=0), [], "has the group 0 and the records have"),
    "without group and bit": (lambda: Mode(0o755, group=0), [], "no set-group-id bit"),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request):
    damage, wrapped, words = request.param
    with damage():
        yield wrapped, words


def run(account, *command):
    return subprocess.run(
        account.running(*command), input="123456\n", capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )


@pytest.mark.parametrize("phase", ["authenticate", "acct_mgmt"])
def test_log_names_the_reason(alice, way, journal, protect, under_test, phase):
    protect(under_test.line())
    pathlib.Path("/etc/pam.d/pamtester").write_text(f"auth {under_test.line()}\naccount {under_test.line()}\n")
    wrapped, words = way
    assert run(alice, *wrapped, "/usr/bin/pamtester", "pamtester", alice.name, phase).returncode == 1
    event = journal.events(alice.name)[-1]
    assert event["event"] == "otp.unavailable" and words in event["reason"], event
    assert "ermission denied" not in event["reason"] and "..." not in event["reason"]


@pytest.mark.parametrize("words", [["status"], ["status", "--json"]], ids=" ".join)
def test_otp_enroll_names_the_reason(alice, way, words):
    wrapped, reason = way
    done = run(alice, *wrapped, str(BINARIES / "otp-enroll"), *words)
    assert done.returncode == 2 and done.stdout == ""
    first, hint = done.stderr.splitlines()
    assert reason in first and "ermission denied" not in first, done.stderr
    assert hint == "hint: ask your administrator"


IN_KOREAN = {
    "no new privileges": "no_new_privs가 설정되어 있으므로(systemd: NoNewPrivileges=yes",
    "nosuid": "nosuid로 마운트되어 있으므로",
    "without the bit": "set-group-id 비트가 없어",
    "without the group": "그룹은 0번이고 등록 정보의 그룹은",
    "without group and bit": "set-group-id 비트가 없어",
}


@pytest.mark.parametrize("name", WAYS)
def test_otp_enroll_names_the_reason_in_korean(alice, name):
    damage, wrapped, english = WAYS[name]
    with damage():
        done = run(alice, *wrapped, str(BINARIES / "otp-enroll"), "status", "--lang", "ko")
    assert done.returncode == 2 and done.stdout == ""
    first, _ = done.stderr.splitlines()
    assert IN_KOREAN[name] in first and english not in first and "without its group" not in first, done.stderr


def test_otp_enrolls_dialogue_names_the_reason(bobby, way):
    wrapped, reason = way
    command = " ".join(["exec", *wrapped, str(BINARIES / "otp-enroll")])
    done = run(bobby, "/usr/bin/script", "-qec", command, "/dev/null")
    assert re.sub(r"\s+", " ", reason) in re.sub(r"\s+", " ", done.stdout), done


def test_helper_that_has_its_group_does_not_mention_it(alice, journal, protect, under_test):
    """Any other reason is given as it is."""
    protect(under_test.line())
    records = Ours.state_directory
    os.rename(records, f"{records}.away")
    try:
        assert run(alice, "/usr/bin/pamtester", "pamtester", alice.name, "authenticate").returncode == 1
    finally:
        os.rename(f"{records}.away", records)
    assert "directory of all records is missing" in journal.events(alice.name)[-1]["reason"]
