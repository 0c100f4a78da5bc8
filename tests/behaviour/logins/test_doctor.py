"""Logins meet what `otp-admin doctor` says of a stack; and the doctor reads the configuration of a real sshd."""

import json
import pathlib
import subprocess

import pytest

from under_test import BINARIES

pytestmark = pytest.mark.promised_by("ours")

PASSWORD = "requisite pam_unix.so nodelay"
SSHD_CONFIG = pathlib.Path("/etc/ssh/sshd_config")


def doctor(service):
    """Returns the findings about a service by id, and the exit status."""
    done = subprocess.run([BINARIES / "otp-admin", "doctor", "--json", service], capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["unexamined"] == [], done.stderr
    found = [one for one in told["findings"] if one["service"] == service]
    return {one["id"]: one for one in found}, done.returncode


@pytest.fixture
def su(every_door, clock):
    return every_door["su"]


def test_stack_without_findings_admits_only_by_password_and_code(su, alice, protect, under_test):
    protect(PASSWORD, under_test.line())
    found, _ = doctor("su")
    assert found == {}
    assert su.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert su.attempt(alice, alice.password, alice.codes.now()).admitted


def test_reported_way_in_admits_without_a_code(su, alice, protect, under_test):
    protect("sufficient pam_unix.so nodelay", under_test.line())
    found, status = doctor("su")
    assert status == 1
    assert found["way-in"]["when"] == [{"line": "/etc/pam.d/su:1", "module": "pam_unix.so", "answer": "success"}]
    assert su.attempt(alice, alice.password).admitted


def test_refusal_reported_as_undone_admits(su, alice, protect, under_test):
    protect(PASSWORD, under_test.line(control="optional"))
    found, status = doctor("su")
    assert (list(found), status) == (["refusal-undone"], 1)
    assert su.attempt(alice, alice.password, alice.codes.wrong()).admitted


def test_code_is_asked_for_after_a_wrong_password_where_others_can_lock_the_account(su, alice, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line())
    found, status = doctor("su")
    assert (list(found), status) == (["locks-after-refusal"], 1)
    refused = su.attempt(alice, "no password of hers", alice.codes.wrong())
    assert refused.refused
    assert len(refused.prompts) == 2


@pytest.fixture
def configuration():
    """Writes the default configuration of sshd, which no server here uses."""
    before = SSHD_CONFIG.read_text() if SSHD_CONFIG.exists() else None
    SSHD_CONFIG.parent.mkdir(exist_ok=True)
    subprocess.run(["/usr/bin/ssh-keygen", "-A"], check=True, capture_output=True)
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    yield SSHD_CONFIG.write_text
    if before is None:
        SSHD_CONFIG.unlink()
    else:
        SSHD_CONFIG.write_text(before)


def test_sshds_configuration_is_examined_as_a_whole_and_for_each_match(protect, under_test, configuration, machine_clock):
    right = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
    protect(PASSWORD, under_test.line())
    configuration(right)
    found, status = doctor("sshd")
    # A public key logs in without a code: that is a note, not a mistake.
    assert {one: found[one]["weight"] for one in found} == {"sshd-key-alone": "note"}
    for lines, expected, within in [
        ("PasswordAuthentication yes\n" + right, "sshd-password", None),
        (right.replace("UsePAM yes", "UsePAM no"), "sshd-no-pam", None),
        (right.replace("KbdInteractiveAuthentication yes", "KbdInteractiveAuthentication no"), "sshd-no-dialogue", None),
        (right + "AuthenticationMethods publickey publickey,keyboard-interactive\n", "sshd-methods", None),
        (right + "Match User root\n  PasswordAuthentication yes\n", "sshd-password", "Match User root"),
        (right + "Match Address 10.0.0.0/8\n  PasswordAuthentication yes\n", "sshd-password", "Match Address 10.0.0.0/8"),
    ]:
        configuration(lines)
        found, status = doctor("sshd")
        assert expected in found, (lines, found)
        assert status == 1
        assert within is None or within in found[expected]["text"]
