"""The real programs refuse what a reader must refuse according to pam_otp-format(5), name the file and the reason, and
leave everything unchanged. The second implementation, written from that page alone, refuses it too."""

import hashlib
import json
import os
import re
import subprocess

import pexpect
import pytest
from machine import ROOT
from record_files import UID, USER, files  # noqa: F401  (a fixture)
from second_implementation import RECORD, Newer, Refused

PAGE = ROOT / "packaging/man/pam_otp-format.5"
TWINS = "two authenticators have one id or one name"
NEWER = "written by a newer version of pam_otp"


def replaced(old, new):
    def change(text):
        assert len(re.findall(old, text, re.MULTILINE)) > 0, "the change occurs once"
        return re.sub(old, new, text, count=1, flags=re.MULTILINE)
    return change


def authenticators(count):
    def change(text):
        (table,) = re.findall(r"\n\[\[authenticator\]\].*?(?=\n\[recovery\])", text, re.DOTALL)
        several = [table.replace('id = "', f'id = "{at}').replace('name = "', f'name = "{at}') for at in range(count)]
        several = [re.sub('id = "(.{16}).', r'id = "\1', one) for one in several]
        return text.replace(table, "".join(several))
    return change


def codes(count):
    return lambda text: re.sub(r"codes = \[.*\]", f"codes = {json.dumps(['00' * 32] * count)}", text, flags=re.DOTALL)


def second(change):
    return lambda text: change(replaced("version = 1", "version = 2")(text))


# Changes of credential.toml, and the words of the refusal.
CREDENTIALS = {
    "empty": (lambda text: "", "is empty"),
    "not UTF-8": (lambda text: text.replace("phone", "\udcff"), "line 8: not UTF-8"),
    "not TOML": (replaced("^uid = ", "uid "), "line 4: not valid TOML"),
    "a key given twice": (replaced("^(uid = .*)$", r"\1\n\1"), "line 5: not valid TOML, or a key given twice"),
    "version 0": (replaced("version = 1", "version = 0"), "version 0 does not exist"),
    "no version": (replaced("version = 1", ""), "the key 'version' is missing"),
    "a version in words": (replaced("version = 1", 'version = "1"'), "line 2: must be a whole number"),
    "cut off": (replaced("^# end", ""), "is cut off"),
    "cut off before the recovery codes": (lambda text: text[:text.index("\n[recovery]")], "is cut off"),
    "another user": (replaced(f'"{USER}"', '"alice"'), "is the record of another user"),
    "another user id": (replaced("^uid = .*", "uid = 65533"), f"made for user id 65533, but {USER} has user id {UID}"),
    "a user id of 33 bits": (replaced("^uid = .*", "uid = 4294967296"), "line 4: is not a user id"),
    "an unknown key": (replaced("^uid", "colour = 1\nuid"), "line 4: unknown key"),
    "an unknown key of an authenticator": (replaced("^digits", "colour = 1\ndigits"), "unknown key"),
    "an unknown key of the recovery codes": (replaced("^salt", "colour = 1\nsalt"), "unknown key"),
    "an unknown type": (replaced('"totp"', '"push"'), 'must be "totp" or "hotp"'),
    "a counter with a period": (replaced('"totp"', '"hotp"'), "unknown key"),
    "no period": (replaced("^period.*", ""), "the key 'period' is missing"),
    "a period too short": (replaced("period = 30", "period = 14"), "line 10: period must be 15 to 120"),
    "a period too long": (replaced("period = 30", "period = 121"), "line 10: period must be 15 to 120"),
    "an unknown algorithm": (replaced("SHA1", "sha1"), 'must be "SHA1", "SHA256" or "SHA512"'),
    "five digits": (replaced("digits = 6", "digits = 5"), "digits must be 6, 7 or 8"),
    "nine digits": (replaced("digits = 6", "digits = 9"), "digits must be 6, 7 or 8"),
    "a secret of 72 bits": (replaced('secret = ".*"', 'secret = "AAAAAAAAAAAAAAA"'), "a secret has 80 to 1024 bits"),
    "a secret of 1032 bits": (replaced('secret = ".*"', f'secret = "{"A" * 207}"'), "a secret has 80 to 1024 bits"),
    "a secret with bits left over": (replaced('secret = ".*"', f'secret = "{"A" * 17}B"'), "is not base32"),
    "a secret that is no base32": (replaced('secret = "..', 'secret = "01'), "is not base32"),
    "a moment before 1970": (replaced("created = .*", "created = -1"), "must be a whole number, zero or more"),
    "an id too short": (replaced('id = ".', 'id = "'), "must be 16 lower-case hexadecimal digits"),
    "an id in capitals": (replaced('id = ".*"', 'id = "ABCDEF0123456789"'), "must be 16 lower-case hexadecimal digits"),
    "an empty name": (replaced('"phone"', '""'), "a name has 1 to 32 characters"),
    "a name of 33 characters": (replaced('"phone"', f'"{"한" * 33}"'), "a name has 1 to 32 characters"),
    "a name with space around it": (replaced('"phone"', '"phone "'), "a name has 1 to 32 characters"),
    "a name with a quote": (replaced('"phone"', "'ph\"one'"), "a name has 1 to 32 characters"),
    "a name with a control character": (replaced('"phone"', r'"ph\\u0007one"'), "a name has 1 to 32 characters"),
    "a name that turns the line round": (replaced('"phone"', '"ph\u202eone"'), "a name has 1 to 32 characters"),
    "no authenticator": (authenticators(0), "an account has 1 to 4 authenticators"),
    "five authenticators": (authenticators(5), "an account has 1 to 4 authenticators"),
    "two of one id": (lambda text: authenticators(2)(text).replace('\nid = "1', '\nid = "0'), TWINS),
    "two of one name": (lambda text: authenticators(2)(text).replace('"1phone"', '"0phone"'), TWINS),
    "a salt too short": (replaced('salt = "..', 'salt = "'), "has the wrong number of hexadecimal digits"),
    "a hash in capitals": (replaced('^    ".', '    "A'), "must be lower-case hexadecimal digits"),
    "a hash too long": (replaced('^    "', '    "00'), "has the wrong number of hexadecimal digits"),
    "33 recovery codes": (codes(33), "a set has at most 32 recovery codes"),
    "larger than it can be": (lambda text: "#" * 16384 + "\n" + text, "is larger than 16384 bytes"),
    "version 4": (replaced("version = 1", "version = 4"), NEWER),
    "version 4 that says something else": (lambda text: 'version = 4\nkeys = "hidden"\n', NEWER),
    "a window in version 1": (replaced("^period", "before = 1\nafter = 1\nperiod"), "unknown key"),
    "a hash in version 1": (replaced("^salt", 'hash = "argon2id"\nsalt'), "unknown key"),
    "half a window": (second(replaced("^period", "before = 1\nperiod")), "'before' and 'after' stand together"),
    "the other half of a window": (second(replaced("^period", "after = 1\nperiod")), "stand together"),
    "a window too wide": (second(replaced("^period", "before = 1\nafter = 11\nperiod")), "a window has 0 to 10 steps"),
    "a look-ahead of steps": (second(replaced("^period", "look_ahead = 10\nperiod")), "unknown key"),
    "another hash": (second(replaced("^salt", 'hash = "argon2i"\nsalt')), 'must be "argon2id"'),
}


def record_with(old, new, checksum=True):
    """Changes both records, with correct checksums, so that these do not reveal it."""
    def change(content):
        records = []
        for at in (0, RECORD):
            body, *_ = content[at:at + RECORD].partition(b"checksum ")
            assert re.search(old, body, re.MULTILINE), "the change occurs once"
            body = re.sub(old, new, body, count=1, flags=re.MULTILINE)
            proof = hashlib.sha256(body).hexdigest()[:32] if checksum else "0" * 32
            records.append((body + f"checksum {proof}\n".encode()).ljust(RECORD, b"\n"))
        return b"".join(records)
    return change


DAMAGED = "both records are damaged"
ANOTHER = "does not belong to the credential beside it"
STATES = {
    "cut short": (lambda content: content[:-1], "has 4095 bytes instead of 4096"),
    "too long": (lambda content: content + b"\n", "is larger than 4096 bytes"),
    "empty": (lambda content: b"", "has 0 bytes instead of 4096"),
    "nothing but zeros": (lambda content: bytes(4096), DAMAGED),
    "one bit changed in each": (lambda content: content.replace(b"open", b"opdn"), DAMAGED),
    "no checksum that fits": (record_with(b"open", b"open", checksum=False), DAMAGED),
    "something behind the checksum": (lambda content: content[:RECORD - 1] + b" " + content[RECORD:-1] + b" ", DAMAGED),
    "version 0": (record_with(b"state 1", b"state 0"), DAMAGED),
    "version 2 to the 32nd": (record_with(b"state 1", b"state 4294967296"), DAMAGED),
    "an unknown line": (record_with(b"^refused", b"colour red\nrefused"), DAMAGED),
    "an unknown last line": (record_with(rb"\Z", b"colour red\n"), DAMAGED),
    "another order of lines": (record_with(b"^(standing.*\n)(failures.*\n)", rb"\2\1"), DAMAGED),
    "recovery codes behind the authenticators": (record_with(b"^(recovery.*\n)(authenticator.*\n)", rb"\2\1"), DAMAGED),
    "an unknown standing": (record_with(b"open", b"ajar"), DAMAGED),
    "a lock without a length": (record_with(b"open", b"locked 1"), DAMAGED),
    "two counts": (record_with(b"failures 0 0 0", b"failures 0 0"), DAMAGED),
    "a count of 33 bits": (record_with(b"failures 0", b"failures 4294967296"), DAMAGED),
    "a count below zero": (record_with(b"failures 0", b"failures -1"), DAMAGED),
    "an unknown refusal": (record_with(b"refused -", b"refused 1 tired"), DAMAGED),
    "used codes of 36 bits": (record_with(b"(recovery .{16}) ", rb"\1 0"), DAMAGED),
    "three sets": (record_with(b"^(recovery.*\n)", rb"\1\1\1"), DAMAGED),
    "nine authenticators": (record_with(b"^(authenticator.*\n)", rb"\1" * 9), DAMAGED),
    "a drift of 41 steps": (record_with(b"- 0 - - -$", b"- 41 - - -"), DAMAGED),
    "half a resynchronisation": (record_with(b"- 0 - - -$", b"- 0 7 - -"), DAMAGED),
    "a resynchronisation out of reach": (record_with(b"- 0 - - -$", b"- 0 7 -41 -"), DAMAGED),
    "a sixth word": (record_with(b"- 0 - - -$", b"- 0 - - - -"), DAMAGED),
    "no entry for the authenticator": (record_with(b"^authenticator.*\n", b""), ANOTHER),
    "no entry for the recovery codes": (record_with(b"^recovery.*\n", b""), ANOTHER),
    "the entry of another authenticator": (record_with(b"authenticator .{16}", b"authenticator " + b"0" * 16), ANOTHER),
    "the entry of another set": (record_with(b"recovery .{16}", b"recovery " + b"0" * 16), ANOTHER),
    "version 2": (record_with(b"state 1", b"state 2"), NEWER),
    "version 2 in the first record": (lambda content: content.replace(b"state 1", b"state 2", 1), NEWER),
    "version 2 in the second record": (
        lambda content: content[:RECORD] + content[RECORD:].replace(b"state 1", b"state 2"), NEWER,
    ),
    "the highest version": (record_with(b"state 1", b"state 4294967295"), NEWER),
}


def refused_by_the_programs(machine, files, path, reason):
    """Asserts that each program names the file and the reason, and that nothing at all has changed."""
    before = files.content()
    done = machine.admin("show", USER, status=2)
    problem = json.loads(machine.admin("list", "--json").stdout)[0]["problem"]
    child = machine.spawn("--user", USER, "test")
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    assert child.exitstatus == 2 and done.stdout == ""
    for said in (done.stderr, child.before, problem):
        assert str(path) in said and reason in said
        tells_the_secret = files.secret in said
        assert not tells_the_secret
    unchanged = files.content() == before
    assert unchanged
    return done.stderr


def refused_by_the_page(files):
    try:
        files.read()
    except Refused as refused:
        return type(refused)


@pytest.mark.parametrize("what", CREDENTIALS)
def test_invalid_credential_is_refused_and_left_unchanged(machine, files, what):
    files.provision()
    change, reason = CREDENTIALS[what]
    text = files.credential.read_text()
    files.credential.write_bytes(change(text).encode(errors="surrogateescape"))
    said = refused_by_the_programs(machine, files, files.credential, reason)
    assert refused_by_the_page(files) is (Newer if "newer" in reason else Refused)
    assert ("hint: upgrade" in said) is ("newer" in reason)


@pytest.mark.parametrize("what", STATES)
def test_invalid_state_is_refused_and_left_unchanged(machine, files, what):
    files.provision()
    change, reason = STATES[what]
    files.state.write_bytes(change(files.state.read_bytes()))
    said = refused_by_the_programs(machine, files, files.state, reason)
    assert refused_by_the_page(files) is (Newer if "newer" in reason else Refused)
    assert ("hint: upgrade" in said) is ("newer" in reason)


@pytest.mark.parametrize("name", ["credential.toml", "state"])
def test_record_of_a_newer_version_is_replaced_only_by_a_reset(machine, files, name):
    files.provision()
    path = files.directory / name
    path.write_bytes(re.sub(rb"(version =|state) 1", rb"\1 4", path.read_bytes()))
    before = files.content()
    for arguments in (["provision", USER, "--force"], ["provision", USER], ["unlock", USER]):
        done = machine.admin(*arguments, status=2)
        assert f"{path}: written by a newer version of pam_otp" in done.stderr and "hint: upgrade" in done.stderr
        unchanged = files.content() == before
        assert unchanged
    child = machine.spawn("--user", USER)
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    unchanged = files.content() == before
    assert child.exitstatus == 2 and NEWER in child.before and unchanged
    machine.admin("reset", USER)
    assert not files.directory.exists()


# --------------------------------------------------------------------------------- owners, modes, links and the lock


def link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def second_name(path):
    path.with_name("elsewhere").hardlink_to(path)


def fifo(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def directory(path):
    path.unlink()
    path.mkdir(0o700)


FAULTS = {
    "a symbolic link": (link, "is a symbolic link"),
    "two names": (second_name, "has more than one hard link"),
    "a fifo": (fifo, "is not a regular file"),
    "a directory": (directory, "is not a regular file"),
    "another owner": (lambda path: os.chown(path, 65533, -1), "is owned by user id 65533, not by root"),
    "another group": (lambda path: os.chown(path, -1, 65533), "belongs to group id 65533"),
    "open to others": (lambda path: path.chmod(0o644), "has mode 0644"),
    "set-user-id": (lambda path: path.chmod(0o4600), "has mode 4600"),
}


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("name", ["credential.toml", "state"])
def test_file_that_others_could_have_changed_is_refused(machine, files, name, what):
    files.provision()
    path = files.directory / name
    change, reason = FAULTS[what]
    change(path)
    refused_by_the_programs(machine, files, path, reason)


def test_modes_are_those_of_the_page(machine, files):
    files.provision()
    paths = [files.directory, files.credential, files.state]
    modes = {path.name: f"{path.stat().st_mode & 0o7777:04o}" for path in paths}
    assert modes == {USER: "2770", "credential.toml": "0640", "state": "0660"}
    page = PAGE.read_text().replace("\\-", "-").replace("USER/", USER)
    table = re.findall(r"^(\S+) +(\d{4}) +root", page, re.MULTILINE)
    assert dict(table) == {**modes, "trust": "0600", "first-login": "0640", "mail": "0660"}


def test_missing_state_is_refused_and_a_missing_credential_means_unenrolled(machine, files):
    files.provision()
    files.state.rename(files.directory / "kept")
    refused_by_the_programs(machine, files, files.state, "the state is missing beside a credential")
    (files.directory / "kept").rename(files.state)
    files.credential.unlink()
    assert machine.status(USER)["enrolled"] is False


def test_holder_of_the_pages_lock_keeps_the_programs_waiting(machine, files):
    files.provision()
    holder = subprocess.Popen(["flock", "--exclusive", files.directory, "sh", "-c", "echo held; read _"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        assert "still locked by another login after 10 s" in machine.admin("show", USER, status=2).stderr
    finally:
        holder.communicate("")
    assert machine.status(USER)["enrolled"] is True
