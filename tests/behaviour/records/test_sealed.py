"""Sealed records: logins work as before where the key is, and are refused with that reason where it is not."""

import base64
import grp
import pathlib
import re
import subprocess

import pytest

from account_doors import knock
from application import AUTHINFO_UNAVAIL, SUCCESS, Application, program, service  # noqa: F401
from policy_file import policy  # noqa: F401  (a fixture)
from replies import enrol  # noqa: F401  (a fixture: the account has its key)
from secrets_seen import found_in, memory, swapped, traces_of_key, windows
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")

KEY = pathlib.Path("/run/pam_otp/seal")


@pytest.fixture
def sealed(policy, under_test):  # noqa: F811
    """A machine with a key, by which every record is sealed. As the unit leaves it, the key is below /run, for root and the
    group."""
    KEY.parent.mkdir(mode=0o755, exist_ok=True)
    KEY.write_text(subprocess.run(["openssl", "rand", "-hex", "32"], capture_output=True, text=True, check=True).stdout)
    group = Ours.state_directory.stat().st_gid
    subprocess.run(["chown", f"root:{group}", KEY], check=True)
    KEY.chmod(0o640)
    policy(f'[seal]\nkey = "{KEY}"')
    assert "sealed by the key" in under_test.admin("seal")
    yield KEY
    if KEY.exists():
        under_test.admin("seal", "--undo")
        KEY.unlink()


def record(account):
    return (Ours.state_directory / account.name / "credential.toml").read_text()


def test_user_with_a_sealed_record_logs_in_at_every_door_by_a_right_code_only(door, alice, sealed, journal):
    assert "\nsealed = " in record(alice) and alice.key not in record(alice)
    assert knock(door, alice, alice.codes.wrong()).refused
    assert knock(door, alice, alice.codes.now()).admitted
    assert knock(door, alice, alice.codes.now()).refused, "once"
    assert journal.names(alice.name)[-1] == "otp.replay"


@pytest.mark.parametrize("arguments", ["", "nullok"])
@pytest.mark.parametrize("hinder, said", [
    (lambda key: key.rename(key.with_name("away")), "seal is missing"),
    (lambda key: key.chmod(0o644), "mode"),
    (lambda key: key.write_text("0f1e2d3c4b5a6978" * 4), "is sealed by the key"),
], ids=["missing", "open to all", "another"])
def test_every_door_refuses_without_the_key_and_the_log_says_why(
    door, alice, sealed, journal, protect, under_test, hinder, said, arguments
):
    protect("required pam_unix.so nodelay", under_test.line(arguments))
    kept = sealed.read_text()
    hinder(sealed)
    try:
        before = len(journal.events(alice.name))
        assert knock(door, alice, alice.codes.now()).refused
        (event,) = [event for event in journal.events(alice.name)[before:] if event["event"] == "otp.unavailable"]
        assert said in event["reason"] and "notenrolled" not in " ".join(journal.names(alice.name)[before:])
    finally:
        away = sealed.with_name("away")
        if away.exists():
            away.rename(sealed)
        sealed.write_text(kept)
        sealed.chmod(0o640)
    assert knock(door, alice, alice.codes.now()).admitted, "no failure was counted, and the code is unused"


@pytest.mark.parametrize("of_the_user", [False, True], ids=["root", "the user"])
def test_program_is_told_that_the_check_could_not_be_made(program, service, alice, sealed, under_test, of_the_user):  # noqa: F811
    service(under_test.line())
    kept = sealed.read_text()
    sealed.unlink()
    try:
        with Application(program, alice if of_the_user else None) as application:
            assert application.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
    finally:
        sealed.write_text(kept)
        subprocess.run(["chown", f"root:{Ours.state_directory.stat().st_gid}", sealed], check=True)
        sealed.chmod(0o640)
    with Application(program, alice if of_the_user else None) as application:
        assert application.login(alice, alice.codes.now()).code == SUCCESS


def test_users_cannot_read_the_key(alice, sealed):
    assert grp.getgrgid(sealed.stat().st_gid).gr_mem == []
    done = subprocess.run(alice.running("/bin/cat", str(sealed)), capture_output=True)
    assert done.returncode != 0 and done.stdout == b""


def test_records_of_new_enrolments_are_sealed_also_by_the_helper(alice, sealed, under_test):
    assert "\nsealed = " in record(alice)
    made = subprocess.run(["grep", "-rl", "^secret = ", Ours.state_directory], capture_output=True, text=True)
    assert made.stdout == ""


def traces_of_sealing_key(text):
    key = bytes.fromhex(text.strip())
    traces = {f"digits from {at}": part for at, part in windows(text.strip().encode())}
    for order, octets in {"": key, " in words": swapped(key), " backwards": key[::-1]}.items():
        traces |= {f"bytes{order} from {at}": part for at, part in windows(octets)}
    return traces


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_neither_key_is_left_in_the_memory_of_a_program_of_root(program, service, alice, sealed, under_test, right):  # noqa: F811
    service(under_test.line())
    with Application(program) as running:
        running.start(alice)
        running.authenticate(alice.codes.now() if right else alice.codes.wrong())
        after_the_answer = memory(running.pid)
        running.end()
        after_the_end = memory(running.pid)
    assert alice.name.encode() in after_the_answer
    traces = traces_of_sealing_key(sealed.read_text()) | traces_of_key(alice.key)
    assert found_in(after_the_answer, traces) == []
    assert found_in(after_the_end, traces) == []


def test_search_finds_a_key_that_is_there(sealed):
    text = sealed.read_text()
    key = bytes.fromhex(text.strip())
    for piece in (text.encode(), b"x" + key, swapped(key)[4:20]):
        assert found_in(b"\0" + piece + b"\0", traces_of_sealing_key(text))
    assert base64.b32encode(key).decode()[:16] not in re.sub(r"\W", "", text)
