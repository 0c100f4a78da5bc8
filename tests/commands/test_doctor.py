"""otp-admin doctor over files below a root of their own: its output and its exit status."""
import json
import os
import subprocess

import pytest
from machine import TARGET

COMMON_AUTH = """auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
"""
COMMON_ACCOUNT = COMMON_AUTH.replace("auth", "account").replace(" nullok", "")
OURS = "auth required pam_otp.so\n"
SSHD = "@include common-auth\n" + OURS + "@include common-account\n"


@pytest.fixture
def root(tmp_path):
    """A machine whose sshd asks for codes, and on which root is enrolled."""
    os.umask(0o022)
    for path, text in {
        "etc/pam.d/common-auth": COMMON_AUTH,
        "etc/pam.d/common-account": COMMON_ACCOUNT,
        "etc/pam.d/sshd": SSHD,
        "etc/pam.d/cron": "@include common-auth\n",
        "etc/passwd": "root:x:0:0::/root:/bin/bash\n",
        "etc/shadow": "root:$y$x:::::::\n",
        "etc/group": "root:x:0:\n",
        "etc/pam.d/login": SSHD,
        "etc/nsswitch.conf": "passwd: files\ngroup: files\n",
        "var/lib/pam_otp/root/credential.toml": "",
        "var/lib/pam_otp/root/state": "",
    }.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    records = tmp_path / "var/lib/pam_otp"
    for path, mode in [("", 0o2770), ("root", 0o2770), ("root/credential.toml", 0o640), ("root/state", 0o660)]:
        (records / path).chmod(mode)
    return tmp_path


def doctor(root, *arguments):
    """Returns the findings, the complaints and the exit status."""
    command = [TARGET / "otp-admin", "doctor", "--root", root, *arguments]
    return subprocess.run(command, env={"LANG": "C.UTF-8"}, capture_output=True, text=True, timeout=60, check=False)


def test_sound_machine_is_reported_as_such_with_status_0(root):
    done = doctor(root)
    assert done.stdout.splitlines() == [
        "examined login, sshd: nothing is wrong",
        "no code is asked for in cron",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_finding_is_a_line_with_service_and_id_with_status_1(root):
    (root / "etc/pam.d/sshd").write_text("auth sufficient pam_wheel.so trust\n" + SSHD)
    done = doctor(root)
    first, *_, summary, _ = done.stdout.splitlines()
    assert first.startswith("sshd: way-in: /etc/pam.d/sshd:1: ")
    assert "; " in first
    assert summary == "examined login, sshd: 1 problem"
    assert done.returncode == 1


def test_names_cannot_control_the_terminal(root):
    """The names may come from an image that another person has made."""
    (root / "etc/pam.d/\x1b]0;own\x07\u009b2J").write_text("auth sufficient pam_wheel.so trust\n" + SSHD)
    (root / "etc/pam.d/\x1b[2J").write_text("@include common-auth\n")
    (root / "etc/pam.d/\x1b[3J").write_text("@include ../pam.d/\x1b[3J\n")
    done = doctor(root)
    assert "way-in" in done.stdout and "?]0;own??2J" in done.stdout and "?[2J" in done.stdout and "?[3J" in done.stderr
    assert not {"\x1b", "\x07", "\u009b"} & set(done.stdout + done.stderr)


def test_note_does_not_count_as_a_finding(root):
    (root / "etc/pam.d/sshd").write_text(SSHD.replace("pam_otp.so", "pam_otp.so nullok"))
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n")
    (root / "etc/shadow").write_text("root:$y$x:::::::\nalice:$y$x:::::::\n")
    done = doctor(root)
    assert done.stdout.startswith("sshd: nullok (note): /etc/pam.d/sshd:2: ")
    assert done.returncode == 0


def test_programs_can_read_one_json_object(root):
    (root / "etc/pam.d/sshd").write_text("auth sufficient pam_wheel.so trust\n" + SSHD)
    done = doctor(root, "--json")
    told = json.loads(done.stdout)
    assert set(told) == {"examined", "unprotected", "findings", "unexamined"}
    assert (told["examined"], told["unprotected"], told["unexamined"]) == (["login", "sshd"], ["cron"], [])
    (finding,) = told["findings"]
    assert set(finding) == {"service", "id", "weight", "text", "when"}
    assert (finding["service"], finding["id"], finding["weight"]) == ("sshd", "way-in", "problem")
    assert finding["when"] == [{"line": "/etc/pam.d/sshd:1", "module": "pam_wheel.so", "answer": "success"}]
    assert done.returncode == 1


def test_only_named_services_are_examined(root):
    (root / "etc/pam.d/sshd").write_text("auth sufficient pam_wheel.so trust\n" + SSHD)
    done = doctor(root, "login")
    assert (done.stdout, done.returncode) == ("examined login: nothing is wrong\n", 0)
    done = doctor(root, "cron")
    assert done.stdout.startswith("cron: not-protected: ")
    assert done.returncode == 1


def test_unusable_policy_is_a_finding_and_not_the_end(root):
    place = root / "etc/security/pam_otp.conf"
    place.parent.mkdir()
    place.write_text("nonsense = 1\n")
    done = doctor(root)
    assert done.stdout.startswith("machine: policy-unusable: ")
    assert "line 1" in done.stdout
    assert done.returncode == 1


def test_unreadable_file_is_an_error_with_status_2(root):
    (root / "etc/pam.d/endless").write_text("@include endless\n")
    done = doctor(root)
    assert "examined login, sshd: nothing is wrong" in done.stdout
    assert done.stderr.startswith("otp-admin: endless could not be examined: ")
    assert done.returncode == 2


def test_doctor_speaks_korean(root):
    done = doctor(root, "--lang", "ko")
    assert "문제가 없습니다" in done.stdout
    (root / "etc/pam.d/endless").write_text("@include endless\n")
    said = doctor(root, "--lang", "ko").stderr
    assert said.startswith("otp-admin: 점검할 수 없습니다: endless: ") and said.endswith("니다.\n"), said


def test_doctor_changes_nothing(root):
    def everything():
        places = sorted(root.rglob("*"))
        return [(str(one), one.lstat().st_mtime_ns, one.lstat().st_mode, one.is_file() and one.read_bytes()) for one in places]
    before = everything()
    doctor(root)
    doctor(root, "--json", "sshd", "nonsense")
    assert everything() == before
