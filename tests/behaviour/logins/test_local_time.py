"""People are told times in the machine's time zone, with UTC beside it. TZ in the environment changes nothing."""

import pathlib
import struct

import pytest

from locking import FAILURES, fail
from policy_file import policy  # noqa: F401  (a fixture)
from under_test import BINARIES, run_at_fake_time

pytestmark = pytest.mark.promised_by("ours")

LOCALTIME = pathlib.Path("/etc/localtime")
START = "2027-01-15 17:00 KST (08:00 UTC)"


def asia_seoul():
    """Returns the file of a zone nine hours east of UTC (RFC 9636)."""
    head = b"TZif2" + bytes(15) + struct.pack(">6L", 0, 0, 0, 0, 1, 4)
    block = head + struct.pack(">lBB", 9 * 3600, 0, 0) + b"KST\0"
    return block + block + b"\nKST-9\n"


@pytest.fixture(autouse=True)
def in_seoul():
    LOCALTIME.write_bytes(asia_seoul())
    yield
    LOCALTIME.unlink()


@pytest.fixture(params=["", "America/New_York", ":/etc/shadow"])
def zone_of_the_caller(request):
    """What the caller of a program that runs as root has in its environment."""
    return {"TZ": request.param} if request.param else {}


def told(door, account, prompts=()):
    outcome = door.attempt(account, account.password, account.codes.now(), prompts=prompts)
    return " ".join(outcome.messages.split())


def test_lock_is_told_in_both_times(ssh, alice):
    fail(ssh, alice)
    assert "locked until 17:16 KST (08:16 UTC), in 15 minutes." in told(ssh, alice)


def test_lock_is_told_in_korean(every_door, alice, policy):
    su = every_door["su"]
    fail(su, alice)
    policy('language = "ko"')
    assert "17:16 KST(08:16 UTC)까지 15분 동안 잠겼습니다." in told(su, alice, prompts=["인증 코드: "])


@pytest.mark.parametrize("service", ["su", "pamtester"])
def test_zone_of_the_caller_does_not_count(service, every_door, alice, zone_of_the_caller, monkeypatch):
    door = every_door[service]
    monkeypatch.setattr(door, "environment", {**door.environment, **zone_of_the_caller}, raising=False)
    fail(door, alice)
    assert "locked until 17:16 KST (08:16 UTC), in 15 minutes." in told(door, alice)


def test_command_lines_tell_both_times_and_programs_are_told_utc(ssh, alice, zone_of_the_caller):
    """sudo passes TZ on."""
    def admin(*arguments):
        return run_at_fake_time([BINARIES / "otp-admin", *arguments], **zone_of_the_caller).stdout

    fail(ssh, alice, FAILURES)
    shown = admin("show", alice.name)
    assert f"enrolled {START}" in shown, shown
    assert "locked until 2027-01-15 17:16 KST (08:16 UTC), 15 minutes from now, after too many wrong codes" in shown
    listed = admin("list")
    assert "2027-01-15 17:00 KST" in listed and "locked until 2027-01-15 17:16 KST" in listed and "UTC" not in listed
    assert "2027-01-15 08:00:10," in admin("list", "--csv")


def test_file_that_is_no_zone_means_utc(ssh, alice):
    LOCALTIME.write_bytes(b"TZif2 and then nothing")
    fail(ssh, alice)
    assert "locked until 08:16 UTC (in 15 minutes)." in told(ssh, alice)
