"""Users log in by the real pam_google_authenticator, are imported, and then log in by ours.

This holds for every feature of its file: codes that the old module accepts work here, and codes used there are refused
here.
"""

import os
import pathlib

import pytest

from peers import GOOGLE

pytestmark = pytest.mark.promised_by("ours")

TOTP = '" TOTP_AUTH'
NO_REUSE = '" DISALLOW_REUSE'
CODES = ["83102964", "83102965", "83102966"]


def test_imported_key_works_and_the_last_used_code_is_refused(moving, key):
    moving.write_google(key, '" RATE_LIMIT 3 30', NO_REUSE, TOTP)
    moving.by(GOOGLE)
    used = key.now()
    assert moving.admits(used)
    before = pathlib.Path(moving.google_file).read_bytes()
    report = moving.import_google()
    assert [one["user"] for one in report["users"]] == [moving.account.name] and not report["left"]
    assert pathlib.Path(moving.google_file).read_bytes() == before
    moving.by_ours()
    refused = moving.answers(used)
    assert refused.refused and refused.says("already used")
    moving.clock.advance(30)
    assert moving.admits(key.now())


def test_code_used_ahead_of_time_is_refused_when_its_time_comes(moving, key):
    moving.write_google(key, NO_REUSE, TOTP)
    moving.by(GOOGLE)
    ahead = key.at_step(1)
    assert moving.admits(ahead) and moving.admits(key.now())
    moving.import_google()
    moving.by_ours()
    moving.clock.advance(30)
    assert key.now() == ahead and not moving.admits(ahead)
    moving.clock.advance(30)
    assert moving.admits(key.now())


def test_no_code_of_the_old_window_works_if_codes_could_be_used_twice(moving, key):
    moving.write_google(key, TOTP)
    moving.by(GOOGLE)
    near = [key.at_step(steps) for steps in (-1, 0, 1)]
    assert moving.admits(near[1]) and moving.admits(near[1])
    (user,) = moving.import_google()["users"]
    assert user["first_code"] == (key.step() + 2) * 30
    moving.by_ours()
    for _ in range(2):
        assert not any(moving.admits(code) for code in near)
        moving.clock.advance(30)
    assert moving.admits(key.now())


def test_drift_is_imported(moving, key):
    """A device that is five minutes fast, which the old module has learned."""
    moving.write_google(key, NO_REUSE, TOTP, '" TIME_SKEW 10')
    moving.by(GOOGLE)
    assert moving.admits(key.at_step(10)) and not moving.admits(key.now())
    used = key.at_step(10)
    moving.import_google()
    moving.by_ours()
    assert not moving.admits(used)
    # The code by the server's own clock made the old module learn again, so which codes it has accepted until now is
    # unknown.
    moving.clock.advance(60)
    assert moving.admits(key.at_step(10))


@pytest.mark.parametrize("lines", [[NO_REUSE], [], ['" WINDOW_SIZE 1']], ids=["listed", "not listed", "narrow"])
def test_code_by_which_a_drift_was_learned_is_refused(moving, key, lines):
    """The old module accepts the third code of a device that is far off, but does not list it as used."""
    moving.write_google(key, TOTP, *lines)
    moving.by(GOOGLE)
    learned = [21, 21, 22]
    admitted = []
    for at, distance in enumerate(learned):
        moving.clock.advance(30 if at else 0)
        admitted.append(moving.admits(key.at_step(distance)))
    assert admitted == [False, False, True]
    text = pathlib.Path(moving.google_file).read_text()
    assert '" TIME_SKEW 21' in text and str(key.step(22)) not in text
    used = key.at_step(22)
    moving.import_google()
    moving.by_ours()
    assert not moving.admits(used)
    moving.clock.advance(30)
    # The time of the code, by the learned drift.
    assert key.at_step(21) == used and not moving.admits(used)
    moving.clock.advance(30)
    assert moving.admits(key.at_step(21))


def test_length_of_a_step_is_imported(moving, keys):
    key = keys(period=60)
    moving.write_google(key, NO_REUSE, TOTP, '" STEP_SIZE 60')
    moving.by(GOOGLE)
    used = key.now()
    assert moving.admits(used)
    (user,) = moving.import_google()["users"]
    assert user["authenticators"][0]["period"] == 60
    moving.by_ours()
    assert not moving.admits(used)
    moving.clock.advance(60)
    assert moving.admits(key.now())


def test_window_is_imported(moving, key):
    """Seven codes: three steps before and three after. Our policy has one of each."""
    moving.write_google(key, NO_REUSE, TOTP, '" WINDOW_SIZE 7')
    moving.by(GOOGLE)
    assert moving.admits(key.at_step(-3)) and not moving.admits(key.at_step(4))
    (user,) = moving.import_google()["users"]
    assert user["remarks"] == []
    moving.by_ours()
    assert not moving.admits(key.at_step(4)) and not moving.admits(key.at_step(-3))
    assert moving.admits(key.at_step(3))


def test_window_is_cut_to_our_maximum(moving, key):
    moving.write_google(key, NO_REUSE, TOTP, '" WINDOW_SIZE 60')
    moving.by(GOOGLE)
    assert moving.admits(key.at_step(20))
    (user,) = moving.import_google()["users"]
    assert sorted(one["id"] for one in user["remarks"]) == ["first-code", "window-cut"]
    moving.by_ours()
    moving.clock.advance(30 * 21)
    assert not moving.admits(key.at_step(11)) and moving.admits(key.at_step(10))


def test_window_of_a_counter_is_imported(moving, key):
    moving.write_google(key, '" HOTP_COUNTER 5', '" WINDOW_SIZE 20')
    moving.by(GOOGLE)
    assert moving.admits(key.counter(24))
    moving.import_google()
    moving.by_ours()
    assert not moving.admits(key.counter(45))
    assert moving.admits(key.counter(44))


def test_counter_is_imported(moving, key):
    moving.write_google(key, '" HOTP_COUNTER 5')
    moving.by(GOOGLE)
    assert moving.admits(key.counter(6)), "a code of the window ahead is accepted"
    moving.import_google()
    moving.by_ours()
    assert not any(moving.admits(key.counter(used)) for used in (5, 6))
    assert moving.admits(key.counter(7))


def test_recovery_codes_of_eight_digits_work_once_each(moving, key):
    moving.write_google(key, NO_REUSE, TOTP, *CODES)
    moving.by(GOOGLE)
    assert moving.admits(CODES[0])
    (user,) = moving.import_google()["users"]
    assert user["recovery_codes"] == 2
    moving.by_ours()
    assert not moving.admits(CODES[0])
    assert moving.admits(CODES[1]) and not moving.admits(CODES[1])
    assert moving.admits(CODES[2])
    assert moving.admits(key.now())


def test_second_import_takes_what_was_used_meanwhile_and_gives_nothing_back(moving, key):
    moving.write_google(key, NO_REUSE, TOTP, *CODES)
    moving.import_google()
    moving.by_ours()
    assert moving.admits(CODES[0])
    # Another machine, or later the same one, still has the old module.
    moving.by(GOOGLE)
    used = key.now()
    assert moving.admits(used) and moving.admits(CODES[1])
    report = moving.import_google()
    assert [one["there"] for one in report["users"]] == [True]
    moving.by_ours()
    assert not any(moving.admits(reply) for reply in (used, CODES[0], CODES[1]))
    assert moving.admits(CODES[2])


@pytest.mark.parametrize("lines, why", [
    ([TOTP, '" STEP_SIZE 10'], "step-size"),
    ([TOTP, '" TIME_SKEW 200'], "clock"),
    ([TOTP, '" HOTP_COUNTER 5'], "algorithm"),
    ([], "algorithm"),
    ([TOTP, '" WINDOW_SIZE 500'], "unreadable"),
])
def test_key_that_cannot_be_imported_has_a_reason_and_nothing_is_imported(moving, key, lines, why):
    moving.write_google(key, *lines)
    report = moving.import_google(status=1)
    assert [one["id"] for one in report["left"]] == [why] and not report["imported"]
    assert not (moving.ours.state_directory / moving.account.name).exists()


def test_every_users_home_is_searched(moving, key, enrol, keys):
    """Without a path, every user who has a file is imported, and the others are passed over."""
    moving.write_google(key, NO_REUSE, TOTP)
    report = moving.import_("google-authenticator", "--partial", "--dry-run")
    assert moving.account.name in [one["user"] for one in report["users"]]
    report = moving.import_("google-authenticator", "${HOME}/.google_authenticator", "--user", moving.account.name)
    assert [one["user"] for one in report["users"]] == [moving.account.name]


def test_directory_of_roots_is_read_by_the_names_of_its_files(moving, key):
    """`secret=/var/lib/google-authenticator/${USER} user=root`."""
    directory = pathlib.Path("/var/lib/google-authenticator")
    directory.mkdir(mode=0o755)
    file = directory / moving.account.name
    file.write_text(f"{key.base32}\n{NO_REUSE}\n{TOTP}\n")
    file.chmod(0o400)
    line = f"{GOOGLE} secret={directory}/${{USER}} user=root"
    moving.by(line)
    used = key.now()
    assert moving.admits(used)
    os.chmod(file, 0o400)
    report = moving.import_("google-authenticator", f"{directory}/${{USER}}", "--dry-run")
    assert [one["user"] for one in report["users"]] == [moving.account.name]
    report = moving.import_("google-authenticator", str(directory))
    assert [one["user"] for one in report["users"]] == [moving.account.name]
    moving.by_ours()
    assert not moving.admits(used)
    moving.clock.advance(30)
    assert moving.admits(key.now())
