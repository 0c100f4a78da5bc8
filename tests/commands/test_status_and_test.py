"""The commands `otp-enroll status` and `otp-enroll test`."""

import json

import pexpect
import pytest


def test_status_as_json_has_the_promised_keys(machine, enrolled):
    assert list(machine.status("daemon").items()) == [
        ("user", "daemon"), ("enrolled", True),
        ("authenticators", [{"name": "phone", "created": machine.now, "last_used": None}]),
        ("recovery_codes_left", 10), ("failures", 0), ("locked", False), ("locked_until", None), ("disabled", False),
    ]


def test_status_says_that_a_user_has_no_authenticator(machine):
    assert machine.status("nobody") == {
        "user": "nobody", "enrolled": False, "authenticators": [], "recovery_codes_left": 0, "failures": 0,
        "locked": False, "locked_until": None, "disabled": False,
    }
    assert machine.run("otp-enroll", "--user", "nobody", "status").stdout == "nobody has no authenticator\n"


def test_wrong_code_counts_and_the_fifth_locks(machine, enrolled):
    wrong = machine.wrong_code(enrolled["secret"])
    for left in ("4 more wrong codes lock", "3 more wrong codes lock", "2 more wrong codes lock", "One more wrong code locks"):
        status, screen = machine.try_code("daemon", wrong)
        assert status == 1 and "would have been refused" in screen and left in screen
    status, screen = machine.try_code("daemon", wrong)
    assert status == 1 and "locked until 08:16 UTC (in 15 minutes)" in screen
    status, screen = machine.try_code("daemon", machine.code(enrolled["secret"]))
    assert status == 1 and "locked until" in screen
    now = machine.status("daemon")
    assert (now["failures"], now["locked"], now["locked_until"]) == (5, True, machine.now + 900)


def test_lock_ends_at_its_time(machine, enrolled):
    wrong = machine.wrong_code(enrolled["secret"])
    for _ in range(5):
        machine.try_code("daemon", wrong)
    machine.now += 900
    assert machine.status("daemon")["locked"] is False
    assert machine.try_code("daemon", machine.code(enrolled["secret"]))[0] == 0


@pytest.mark.parametrize("look", ["show", "list", "status"])
def test_lock_set_by_a_clock_in_the_future_ends_for_waiting_users_when_they_were_told(machine, enrolled, look):
    machine.now += 365 * 86400
    wrong = machine.wrong_code(enrolled["secret"])
    for _ in range(5):
        machine.try_code("daemon", wrong)
    machine.now -= 365 * 86400
    words = {"show": ("otp-admin", "show", "daemon"), "list": ("otp-admin", "list"),
             "status": ("otp-enroll", "--user", "daemon", "status")}[look]
    told = machine.run(*words).stdout
    assert "08:16 UTC" in told, told
    machine.now += 600
    assert machine.run(*words).stdout.count("08:16 UTC") == 1
    machine.now += 300
    assert "locked" not in machine.run(*words).stdout
    assert machine.try_code("daemon", machine.code(enrolled["secret"]))[0] == 0


def test_typed_code_is_not_shown(machine, enrolled):
    code = machine.code(enrolled["secret"])
    status, screen = machine.try_code("daemon", code)
    assert status == 0 and code not in screen


def test_recovery_code_is_used_up_and_the_rest_counted(machine, enrolled):
    status, screen = machine.try_code("daemon", enrolled["recovery_codes"][0].lower().replace("-", " "))
    assert status == 0 and "recovery code" in screen and "9 left" in screen


def test_empty_reply_does_not_count(machine, enrolled):
    status, screen = machine.try_code("daemon", "")
    assert status == 1 and "No code was entered" in screen
    assert machine.status("daemon")["failures"] == 0


def test_test_without_an_authenticator_asks_nothing(machine):
    child = machine.spawn("--user", "nobody", "test")
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    assert child.exitstatus == 1 and "nobody has no authenticator" in child.before and "code:" not in child.before


def test_test_speaks_korean(machine, enrolled):
    child = machine.spawn("--user", "daemon", "test", "--lang", "ko")
    child.expect_exact("인증 코드: ")
    child.sendline(machine.code(enrolled["secret"]))
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    assert child.exitstatus == 0 and "로그인이었다면 허용되었을 것입니다" in child.before


def test_status_is_one_line_of_json(machine, enrolled):
    out = machine.run("otp-enroll", "--user", "daemon", "status", "--json").stdout
    assert out.count("\n") == 1 and json.loads(out)
