"""Users log in by the real pam_oath, are imported, and then log in by ours."""

import pathlib

import pytest

from peers import OATH

pytestmark = pytest.mark.promised_by("ours")


@pytest.mark.parametrize("word, period", [("HOTP/T30", 30), ("HOTP/T60", 60)])
def test_time_based_key_works_and_the_last_used_code_is_refused(moving, keys, word, period):
    key = keys(period=period)
    moving.write_oath(f"{word}\tUSER\t-\t{key.hex}")
    moving.by(f"{OATH} window=1 digits=6")
    used = key.now()
    assert moving.admits(used)
    line = pathlib.Path("/etc/users.oath").read_bytes()
    assert used.encode() in line
    (user,) = moving.import_oath("--window", "1")["users"]
    assert pathlib.Path("/etc/users.oath").read_bytes() == line
    assert user["first_code"] is None
    moving.by_ours()
    assert not moving.admits(used)
    moving.clock.advance(period)
    assert moving.admits(key.now())


def test_code_used_ahead_of_time_is_refused_when_its_time_comes(moving, key):
    """The file has the code and the time of the login, in an unknown time zone, but not the step."""
    moving.write_oath(f"HOTP/T30 USER - {key.hex}")
    moving.by(f"{OATH} window=5 digits=6")
    ahead = key.at_step(3)
    assert moving.admits(ahead) and not moving.admits(key.now())
    moving.import_oath()
    moving.by_ours()
    for _ in range(3):
        moving.clock.advance(30)
        assert not moving.admits(key.now())
    assert key.now() == ahead
    moving.clock.advance(30)
    assert moving.admits(key.now())


def test_last_code_of_another_length_uses_up_every_step_that_it_may_belong_to(moving, keys):
    """A line of /etc/pam.d without digits=, which otp-admin does not know about."""
    key, longer = keys(), keys(digits=8)
    longer.bytes = key.bytes
    moving.write_oath(f"HOTP/T30 USER - {key.hex}")
    moving.by(f"{OATH} window=5")
    assert moving.admits(longer.now())
    (user,) = moving.import_oath()["users"]
    assert user["first_code"] == (key.step() + 6) * 30
    moving.by_ours()
    for _ in range(6):
        assert not moving.admits(key.now())
        moving.clock.advance(30)
    assert moving.admits(key.now())


def test_key_that_was_never_used_works_at_once(moving, key):
    moving.write_oath(f"HOTP/T30 USER - {key.hex}")
    (user,) = moving.import_oath()["users"]
    assert user["first_code"] is None
    moving.by_ours()
    assert moving.admits(key.now())


def test_counter_continues_after_the_last_code(moving, key):
    moving.write_oath(f"HOTP USER - {key.hex} 3")
    moving.by(f"{OATH} window=5 digits=6")
    assert moving.admits(key.counter(4))
    moving.import_oath()
    moving.by_ours()
    assert not any(moving.admits(key.counter(used)) for used in (3, 4))
    assert moving.admits(key.counter(5))


def test_window_of_the_line_in_pam_d_is_imported(moving, keys):
    phone = keys()
    moving.write_oath(f"HOTP/T30 USER - {phone.hex}")
    moving.by(f"{OATH} window=4 digits=6")
    assert moving.admits(phone.at_step(-4)) and not moving.admits(phone.at_step(5))
    moving.import_oath("--window", "4")
    moving.by_ours()
    assert not moving.admits(phone.at_step(5)) and not moving.admits(phone.at_step(-4))
    assert moving.admits(phone.at_step(4))


def test_window_of_a_counter_is_imported(moving, key):
    """The next counter, and as many more as window= says."""
    moving.write_oath(f"HOTP USER - {key.hex} 0")
    moving.by(f"{OATH} window=20 digits=6")
    assert not moving.admits(key.counter(21)) and moving.admits(key.counter(20))
    moving.import_oath("--window", "20")
    moving.by_ours()
    assert not moving.admits(key.counter(42))
    assert moving.admits(key.counter(41))


def test_unused_counter_begins_at_its_value(moving, key):
    moving.write_oath(f"HOTP/E USER + {key.hex} 3")
    moving.import_oath()
    moving.by_ours()
    assert not moving.admits(key.counter(2))
    assert moving.admits(key.counter(3))


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_digits_are_those_of_the_line_in_pam_d(moving, keys, digits):
    """pam_oath ignores the digits in the file; otp-admin gets the line's by --digits."""
    key = keys(digits=digits)
    moving.write_oath(f"HOTP/E/6 USER - {key.hex} 0")
    moving.by(f"{OATH} window=5 digits={digits}")
    assert moving.admits(key.counter(0))
    moving.import_oath("--digits", str(digits))
    moving.by_ours()
    assert not moving.admits(key.counter(0))
    assert moving.admits(key.counter(1))


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_digits_are_those_of_the_file_without_digits_in_the_command(moving, keys, digits):
    key = keys(digits=digits)
    moving.write_oath(f"HOTP/T30/{digits} USER - {key.hex}")
    (user,) = moving.import_oath()["users"]
    assert user["authenticators"][0]["digits"] == digits
    moving.by_ours()
    assert moving.admits(key.now())


def test_several_lines_of_a_user_are_several_authenticators(moving, keys):
    phone, token = keys(), keys()
    moving.write_oath(f"HOTP/T30 USER - {phone.hex}", f"HOTP/E USER - {token.hex} 0")
    report = moving.import_oath(status=1)
    assert [one["id"] for one in report["left"]] == ["too-many"]
    pathlib.Path("/etc/security/pam_otp.conf").write_text("[enroll]\nmax_authenticators = 2\n")
    (user,) = moving.import_oath()["users"]
    assert [one["kind"] for one in user["authenticators"]] == ["totp", "hotp"]
    moving.by_ours()
    assert moving.admits(phone.now()) and moving.admits(token.counter(0))
    assert not moving.admits(phone.now()) and not moving.admits(token.counter(0))


def test_key_with_a_pin_in_plain_text_is_not_imported(moving, key, enrol):
    moving.write_oath(f"HOTP/T30 USER 1234 {key.hex}")
    moving.by(f"{OATH} window=1 digits=6")
    assert moving.admits(f"1234{key.now()}")
    report = moving.import_oath(status=1)
    assert [one["id"] for one in report["left"]] == ["pin"]
    assert "1234" not in str(report)


def test_rest_of_a_partly_bad_file_is_imported_on_demand(moving, key):
    moving.write_oath(f"HOTP/T30 nobody-of-that-name - {key.hex}", "HOTP/T30 USER - 3132", f"HOTP/T30 USER - {key.hex}")
    report = moving.import_oath(status=1)
    assert sorted(one["id"] for one in report["left"]) == ["short-key", "unknown-user"] and not report["imported"]
    assert not (moving.ours.state_directory / moving.account.name).exists()
    report = moving.import_oath("--partial")
    assert sorted(one["id"] for one in report["left"]) == ["short-key", "unknown-user"]
    moving.by_ours()
    assert moving.admits(key.now())
