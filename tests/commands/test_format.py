"""Records on disk follow pam_otp-format(5): a second implementation, written from that page alone, and the real programs
read what the other has written.

test_format_refused.py covers what both refuse.
"""

import base64
import hashlib
import re
import shutil

import pytest
from machine import ROOT, START
from record_files import UID, USER, files  # noqa: F401  (a fixture)
from second_attempt import Policy, attempt, compare
from second_implementation import (
    RECORD, Authenticator, Credential, RecoverySet, fresh_state, read_credential, read_state, recovery_code,
    recovery_hash, slow_hash, typed_recovery_code, write_record, write_credential,
)

PAGE = ROOT / "packaging/man/pam_otp-format.5"
CREATED = START - 86400


def octets(what, length):
    """Always the same bytes, so that a failure can be repeated."""
    return hashlib.shake_256(what.encode()).digest(length)


def device(name, length=20, **more):
    return Authenticator(octets(f"id of {name}", 8).hex(), name, octets(f"key of {name}", length), CREATED, **more)


def recovery_set(name, count):
    salt = octets(f"salt of {name}", 16)
    codes = [octets(f"code {at} of {name}", 10) for at in range(count)]
    hashes = [recovery_hash(salt, code) for code in codes]
    return RecoverySet(octets(f"id of {name}", 8).hex(), salt, hashes, CREATED), list(map(recovery_code, codes))


# ------------------------------------------------------------------------------------- what the real programs write


@pytest.mark.parametrize("policy, options, device_as_asked", [
    ("", [], ("phone", 30, "SHA1", 6)),
    ('[code]\nalgorithm = "SHA256"\ndigits = 8\nperiod = 60\n', ["--name", "회사 전화"], ("회사 전화", 60, "SHA256", 8)),
    ('[code]\nalgorithm = "SHA512"\ndigits = 7\n[recovery]\ncodes = 32\n', [], ("phone", 30, "SHA512", 7)),
    ("[recovery]\ncodes = 0\n", [], ("phone", 30, "SHA1", 6)),
])
def test_provisioned_record_is_read_with_the_printed_values(machine, files, policy, options, device_as_asked):
    machine.policy(policy)
    made = files.provision(*options)
    credential, state, sequence, successor = files.read()
    (one,) = credential.authenticators
    assert (one.name, one.period, one.algorithm, one.digits) == device_as_asked and one.created == machine.now
    oathtool = [f"--totp={one.algorithm}", f"--digits={one.digits}", f"--time-step-size={one.period}"]
    shown_by_a_phone = machine.code(files.secret, 0, *oathtool)
    assert len(one.secret) == {"SHA1": 20, "SHA256": 32, "SHA512": 64}[one.algorithm]
    same_code = one.code(machine.now // one.period) == shown_by_a_phone
    assert same_code
    hashes = [recovery_hash(credential.recovery.salt, typed_recovery_code(code)) for code in made["recovery_codes"]]
    assert hashes == (credential.recovery.codes if credential.recovery else [])
    assert credential.recovery is None or credential.recovery.created == machine.now
    assert (state, sequence, successor) == (fresh_state(credential), 2, 0)


def test_both_write_the_same_octets(machine, files):
    files.provision()
    credential, state, sequence, _ = files.read()
    same = files.credential.read_bytes().split(b"\n", 1)[1] == write_credential(credential).split(b"\n", 1)[1]
    assert same, "credential.toml, from the second line on"
    assert files.state.read_bytes() == write_record(state, 1) + write_record(state, sequence)


def test_replaced_record_keeps_the_old_entries_until_the_next_attempt(machine, files):
    files.provision()
    old, *_ = files.read()
    files.provision("--force")
    new, state, sequence, _ = files.read()
    assert list(state.authenticators) == [new.authenticators[0].id, old.authenticators[0].id] and sequence == 2
    assert list(state.recovery) == [new.recovery.id, old.recovery.id]
    assert machine.try_code(USER, machine.code(files.secret))[0] == 0
    _, state, *_ = files.read()
    assert list(state.authenticators) == [new.authenticators[0].id] and list(state.recovery) == [new.recovery.id]


# ----------------------------------------------------------------------------- what the second implementation writes


def test_record_of_the_second_implementation_is_read_with_the_same_values(machine, files):
    devices = [
        device("phone", 10), device("회사 전화", 32, algorithm="SHA256", digits=8, period=60),
        device("tablet", 128, algorithm="SHA512", digits=7, period=15), device("token", 21, period=None),
    ]
    recovery, _ = recovery_set("daemon", 32)
    credential = Credential(USER, UID, devices, recovery)
    state = fresh_state(credential)
    state.recovery[recovery.id] = 0x80000005
    state.counts = [3, 13, 2]
    state.refused = (START - 60, "clock-off")
    state.authenticators[devices[1].id].last_used = START - 3600
    files.write(credential, state)
    last_used = [None, START - 3600, None, None]
    assert machine.status(USER) == {
        "user": USER, "enrolled": True, "recovery_codes_left": 29, "failures": 13, "locked": False,
        "locked_until": None, "disabled": False, "authenticators": [
            {"name": one.name, "created": CREATED, "last_used": used} | ({} if one.period else {"next_counter": 0})
            for one, used in zip(devices, last_used)
        ],
    }
    text = machine.admin("show", USER).stdout
    assert "29 of 32 left" in text and "13 in a row; 2 more would lock" in text and "clock" in text
    for one in devices:
        step = 0 if one.period is None else machine.now // one.period
        assert machine.try_code(USER, one.code(step))[0] == 0, one.name
        assert machine.status(USER)["authenticators"][devices.index(one)]["last_used"] == machine.now


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA512"])
def test_key_shorter_than_its_hash_from_earlier_versions_still_works(machine, files, algorithm):
    credential = Credential(USER, UID, [device("phone", 20, algorithm=algorithm)], None)
    files.write(credential, fresh_state(credential))
    code = machine.code(base64.b32encode(credential.authenticators[0].secret).decode(), 0, f"--totp={algorithm}")
    assert machine.try_code(USER, code)[0] == 0


@pytest.mark.parametrize("standing, locked, until, disabled", [
    (("locked", START - 300, 900), True, START + 600, False), (("held",), True, None, False),
    (("disabled",), False, None, True),
])
def test_standing_of_the_second_implementation_refuses_a_right_code(
    machine, files, standing, locked, until, disabled
):
    credential = Credential(USER, UID, [device("phone")], None)
    state = fresh_state(credential)
    state.standing = standing
    files.write(credential, state)
    status = machine.status(USER)
    assert (status["locked"], status["locked_until"], status["disabled"]) == (locked, until, disabled)
    assert machine.try_code(USER, credential.authenticators[0].code(START // 30))[0] == 1


def test_recovery_code_of_the_second_implementation_works_once(machine, files):
    recovery, codes = recovery_set("daemon", 3)
    credential = Credential(USER, UID, [device("phone")], recovery)
    files.write(credential, fresh_state(credential))
    assert machine.try_code(USER, codes[1])[0] == 0
    status, screen = machine.try_code(USER, codes[1])
    assert status == 1 and "already used" in screen
    _, state, *_ = files.read()
    assert state.recovery[recovery.id] == 0b010


# ------------------------------------------------------------------------------------------------------- an attempt


class Attempts:
    """Attempts, one after the other, made by otp-enroll and predicted from the page, to the byte."""

    def __init__(self, machine, files, policy):
        self.machine, self.files, self.policy = machine, files, policy
        self.phone, self.watch = device("phone"), device("watch", 32, algorithm="SHA256", digits=8, period=60)
        self.token = device("token", period=None)
        recovery, self.codes = recovery_set("daemon", 3)
        self.credential = Credential(USER, UID, [self.phone, self.watch, self.token], recovery)
        self.now = fresh_state(self.credential)
        files.write(self.credential, self.now)
        unlock_after = "never" if policy.unlock_after is None else f"{policy.unlock_after}s"
        machine.policy(
            f"[code]\nwindow = {policy.window}\n[recovery]\nopens_lock = {str(policy.opens_lock).lower()}\n"
            f'[lockout]\nfailures = {policy.failures}\nunlock_after = "{unlock_after}"\n'
            f'unlock_after_max = "{policy.unlock_after_max}s"\ndisable_after = {policy.disable_after}\n'
        )

    def __call__(self, reply, outcome):
        """`outcome`: "in", or the reason of the refusal, so that each reason surely occurs."""
        before = self.files.state.read_bytes()
        state, sequence, successor = read_state(before, self.credential)
        lets_in, after = attempt(self.credential, state, self.policy, reply, self.machine.now)
        foretold = bytearray(before)
        foretold[successor:successor + RECORD] = write_record(after, sequence + 1)
        status, _ = self.machine.try_code(USER, reply)
        assert (status == 0) is lets_in is (outcome == "in")
        assert read_state(self.files.state.read_bytes(), self.credential)[0] == after
        assert self.files.state.read_bytes() == bytes(foretold)
        if not lets_in and outcome != "empty":
            assert after.refused == (self.machine.now, outcome)
        self.now = after

    def write(self):
        """Replaces the record by the current values."""
        shutil.rmtree(self.files.directory)
        self.files.write(self.credential, self.now)

    def of(self, one, ahead=0):
        return one.code(self.machine.now // one.period + ahead)

    def wrong(self):
        """Six digits that no authenticator shows near this time."""
        def is_nothing(reply, one):
            return compare(one, self.now.authenticators[one.id], self.policy, reply, self.machine.now)[0] == "nothing"

        replies = (f"{number:06}" for number in range(10**6))
        devices = self.credential.authenticators
        return next(reply for reply in replies if all(is_nothing(reply, one) for one in devices))

    def wait(self, seconds):
        self.machine.now += seconds


def test_codes_are_used_up_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=100))
    tried(tried.of(tried.phone), "in")
    tried(tried.of(tried.phone), "already-used")
    tried(tried.of(tried.phone, -1), "already-used")
    tried("", "empty")
    tried(f" {tried.of(tried.phone, +1)[:3]}-{tried.of(tried.phone, +1)[3:]} ", "in")
    tried(tried.of(tried.phone), "already-used")
    tried(tried.wrong(), "wrong-code")
    tried("no code at all", "wrong-code")
    tried("\x08", "empty")
    tried(" ", "wrong-code")
    tried(tried.of(tried.watch), "in")
    tried(tried.token.code(9), "in")
    tried(tried.token.code(9), "already-used")
    tried(tried.token.code(20), "clock-off")
    tried(tried.token.code(19), "in")
    tried(tried.codes[2].lower().replace("-", " "), "in")
    tried(tried.codes[2], "already-used")
    tried(recovery_code(bytes(10)), "wrong-code")
    assert tried.now.counts[:2] == [1, 1]


def test_code_is_read_and_remembered_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=100))
    code = tried.of(tried.phone)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    tried(f"\u200b{wide[:3]}\u2013{code[3:]}\u00a0", "in")
    tried.wait(7200)
    tried(code, "already-used")
    tried("\u3000" + tried.codes[1].translate({ord(c): ord(c) + 0xFEE0 for c in tried.codes[1]}), "in")
    tried.wait(86400)
    tried(tried.of(tried.phone), "in")
    tried(code, "wrong-code")


def test_clock_that_is_off_is_followed_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=100, window=2))
    tried(tried.of(tried.phone, 5), "clock-off")
    tried("", "empty")
    tried(tried.of(tried.phone, 5), "clock-off")
    tried.wait(30)
    tried(tried.of(tried.phone, 5), "in")
    assert tried.now.authenticators[tried.phone.id].drift == 5
    tried.wait(30)
    tried(tried.of(tried.phone, 7), "in")
    tried(tried.of(tried.watch, -10), "clock-off")
    tried(tried.wrong(), "wrong-code")
    tried.wait(60)
    tried(tried.of(tried.watch, -10), "clock-off")
    tried(tried.codes[0], "in")
    tried.wait(60)
    tried(tried.of(tried.watch, -9), "clock-off")
    tried.wait(60)
    tried(tried.of(tried.watch, -7), "clock-off")
    tried.wait(120)
    tried(tried.of(tried.watch, -8), "in")
    assert tried.now.authenticators[tried.watch.id].drift == -8
    tried(tried.of(tried.watch, -11), "wrong-code")


def test_counter_far_ahead_is_followed_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=100))
    token = tried.token
    tried(token.code(0), "in")
    tried(token.code(11), "clock-off")
    tried(token.code(11), "clock-off")
    tried(token.code(13), "clock-off")
    tried("", "empty")
    tried(token.code(14), "in")
    assert tried.now.authenticators[token.id].last_step == 14
    tried(token.code(1014), "clock-off")
    tried(tried.of(tried.phone), "in")
    tried(token.code(1015), "wrong-code")
    tried(token.code(1014), "clock-off")
    tried(token.code(1015), "in")
    tried(token.code(1014), "wrong-code")
    tried(token.code(1015), "already-used")


@pytest.fixture
def brought_along(machine, files):
    """An account as an import leaves it: with its own windows, and codes of 8 digits."""
    tried = Attempts(machine, files, Policy(failures=100))
    tried.phone.window, tried.watch.window, tried.token.window = (0, 3), (2, 0), (3,)
    tried.digits = ["12345678", tried.of(tried.watch), "00000000"]
    salt = octets("salt of another program", 16)
    hashes = [slow_hash(salt, digits) for digits in tried.digits]
    recovery = RecoverySet(octets("id of another program", 8).hex(), salt, hashes, CREATED, slow=True)
    tried.credential.recovery = recovery
    tried.now = fresh_state(tried.credential)
    tried.write()
    assert b"version = 2\n" in files.credential.read_bytes()
    return tried


def test_imported_windows_are_as_the_page_says(brought_along):
    tried = brought_along
    tried(tried.of(tried.phone, -1), "clock-off")
    tried(tried.of(tried.phone, 4), "clock-off")
    tried(tried.of(tried.phone, 3), "in")
    tried(tried.of(tried.watch, 1), "clock-off")
    tried(tried.of(tried.watch, -2), "in")
    tried(tried.token.code(3), "clock-off")
    tried(tried.token.code(2), "in")


def test_recovery_codes_of_another_program_work_once_as_the_page_says(brought_along):
    tried, digits = brought_along, brought_along.digits
    tried(recovery_code(bytes(10)), "wrong-code")
    tried(" 1234-5678", "in")
    tried(digits[0], "already-used")
    tried("87654321", "wrong-code")
    # The watch shows the same digits, so this attempt uses up both.
    tried(digits[1], "in")
    assert tried.now.recovery[tried.credential.recovery.id] == 0b011
    assert tried.now.authenticators[tried.watch.id].last_used == tried.machine.now
    tried.wait(7200)
    tried(digits[1], "already-used")
    tried(tried.of(tried.watch), "in")


def test_recovery_codes_of_another_program_open_no_lock(brought_along):
    tried = brought_along
    tried.now.standing = ("held",)
    tried.write()
    for digits in tried.digits:
        tried(digits, "locked")
    assert tried.now.recovery[tried.credential.recovery.id] == 0


def test_both_write_the_second_version_alike(brought_along):
    tried = brought_along
    before = tried.files.credential.read_bytes()
    # A move to another user id rewrites the whole record.
    tried.credential.uid = UID + 1
    tried.write()
    tried.machine.admin("move", USER, USER, "--force")
    assert tried.files.credential.read_bytes().split(b"\n", 1)[1] == before.split(b"\n", 1)[1]


def test_failures_lock_and_disable_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=3, unlock_after=60, unlock_after_max=200, disable_after=15))
    for lasts in (60, 120, 200):
        for _ in range(3):
            tried(tried.wrong(), "wrong-code")
        assert tried.now.standing == ("locked", machine.now, lasts)
        tried.wait(lasts - 1)
        tried(tried.of(tried.phone), "locked")
        tried("", "locked")
        tried.wait(1)
    assert machine.status(USER)["locked"] is False and tried.now.counts == [0, 9, 3]
    for _ in range(3):
        tried(tried.wrong(), "wrong-code")
    tried.wait(-1000)
    # A command that only reads the state also stores it.
    assert machine.status(USER)["locked_until"] == machine.now + 200
    tried(tried.wrong(), "locked")
    assert tried.now.standing == ("locked", machine.now, 200)
    tried(recovery_code(bytes(10)), "locked")
    tried(tried.codes[0], "in")
    tried.wait(3000)
    for _ in range(4):
        for _ in range(3):
            tried(tried.wrong(), "wrong-code")
        tried(tried.codes[0], "locked")
        tried.wait(200)
    for _ in range(3):
        tried(tried.wrong(), "wrong-code")
    assert tried.now.standing == ("disabled",)
    tried(tried.codes[1], "locked")
    assert machine.status(USER)["disabled"] is True
    machine.admin("unlock", USER)
    _, state, *_ = files.read()
    assert (state.standing, state.counts) == (("open",), [0, 0, 0]) and state.refused == tried.now.refused
    tried(tried.codes[1], "in")


def test_lock_without_an_end_is_kept_as_the_page_says(machine, files):
    tried = Attempts(machine, files, Policy(failures=1, unlock_after=None, disable_after=0, opens_lock=False))
    tried(tried.wrong(), "wrong-code")
    assert tried.now.standing == ("held",)
    tried(tried.codes[0], "locked")
    tried.wait(10**6)
    tried(tried.of(tried.phone), "locked")


def test_torn_write_leaves_the_previous_record_valid(machine, files):
    tried = Attempts(machine, files, Policy())
    tried(tried.wrong(), "wrong-code")
    whole = files.state.read_bytes()
    for torn in (bytes(512), b"\xff" * 512, b"pam_otp-state 1\nsequence 4\n".ljust(512)):
        files.state.write_bytes(whole[:RECORD] + torn + whole[RECORD + 512:])
        assert machine.status(USER)["failures"] == 1
        tried(tried.wrong(), "wrong-code")
        assert files.state.read_bytes()[:RECORD] == whole[:RECORD]


# ----------------------------------------------------------------------------------------- what must be tolerated


def example(name):
    """The text under EXAMPLES, as a reader of the page sees it."""
    found = re.search(rf'\.\\" example: {re.escape(name)}\n\.EX\n(.*?)\.EE\n', PAGE.read_text(), re.DOTALL)
    return found[1].replace("\\-", "-").replace("\\e", "\\")


def test_examples_of_the_page_are_true(machine, files):
    text = example("credential.toml").replace('"alice"', f'"{USER}"').replace("uid = 1001", f"uid = {UID}")
    credential = read_credential(text.encode(), USER, UID)
    files.write(credential, fresh_state(credential))
    files.credential.write_text(text)
    machine.now = 1_800_000_000
    assert machine.try_code(USER, "000000")[0] == 1
    machine.now += 10
    assert machine.try_code(USER, machine.code(re.search('secret = "(.*)"', text)[1]))[0] == 0
    assert files.state.read_bytes()[RECORD:].decode().rstrip("\n") == example("state").rstrip("\n")
    code = re.search(r"its owner types (\S+)\. ", PAGE.read_text())[1].replace("\\-", "-")
    assert machine.try_code(USER, code)[0] == 0


TOLERATED = {
    "a comment": lambda text: text.replace("uid =", "# A comment.\nuid ="),
    "another order of keys": lambda text: re.sub('(user = .*\n)(uid = .*\n)', r"\2\1", text),
    "white space": lambda text: text.replace(" = ", "\t=  ") + "\n \t\n",
    "lines that end in CR LF": lambda text: text.replace("\n", "\r\n"),
    "another notation": lambda text: text.replace("digits = 6", "digits = 0x6").replace('"phone"', "'phone'"),
    "a secret in small letters": lambda text: re.sub('secret = "(.*)"', lambda m: f'secret = "{m[1].lower()}"', text),
    "a secret in groups": lambda text: re.sub('secret = "(.{5})(.{4})', r'secret = "\1 \2-', text),
    "a secret with padding": lambda text: re.sub('secret = "(.*)"', r'secret = "\1===="', text),
    "no recovery codes": lambda text: re.sub(r"codes = \[.*\]", "codes = []", text, flags=re.DOTALL),
}


@pytest.mark.parametrize("how", TOLERATED)
def test_both_accept_what_a_reader_must_accept(machine, files, how):
    files.provision()
    text = files.credential.read_text()
    changed = TOLERATED[how](text)
    assert changed != text, "the change occurs once"
    files.credential.write_text(changed, newline="")
    before, *_ = read_credential(text.encode(), USER, UID).authenticators
    after, *_ = read_credential(changed.encode(), USER, UID).authenticators
    same = before == after
    assert same
    assert machine.status(USER)["authenticators"][0]["name"] == "phone"
    assert machine.try_code(USER, machine.code(files.secret))[0] == 0
