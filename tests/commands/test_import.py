"""otp-admin import: its messages, what it leaves alone, and that a kill at any of its system calls loses nothing and does
nothing twice.

behaviour/moving tests logins by the real modules before, and by ours after.
"""

import base64
import collections
import fcntl
import json
import os
import pty
import re
import subprocess
import time

import pytest

FEWEST_POINTS = 25
KEY = b"12345678901234567890"
BASE32 = base64.b32encode(KEY).decode()


def oath_file(machine, *lines, mode=0o600):
    path = machine.directory / "users.oath"
    path.write_text("".join(line + "\n" for line in lines))
    path.chmod(mode)
    return path


def of(user, key=KEY, rest=""):
    return f"HOTP/T30 {user} - {key.hex()} {rest}".rstrip()


def another(number):
    return bytes([number]) * 20


@pytest.fixture
def machine(machine):
    # Imports refuse files in a directory that others can write; not every pytest creates it with this mode.
    machine.directory.chmod(0o700)
    return machine


# ----------------------------------------------------------------------------------------------------------- messages


def test_dry_run_says_for_each_user_what_is_imported_or_why_not_and_changes_nothing(machine):
    path = oath_file(machine, "# users", of("daemon"), of("nobody-here", another(1)), f"HOTP/E bin 1234 {KEY.hex()}",
                     f"HOTP/E/8 sys + {KEY.hex()} 3", "HOTP/T30 sync - 3132")
    before = machine.files()
    done = machine.admin("import", "oath", path, "--dry-run", status=1)
    assert machine.files() == before
    assert done.stdout.splitlines() == [
        "daemon: phone (time-based, 6 digits, 30 s, SHA-1)",
        "sys: phone (counter-based, 8 digits, SHA-1)",
        f"{path}:3: nobody-here: no such user on this system",
        f"{path}:4: bin: the old program also asks for a PIN, which cannot be imported",
        f"{path}:6: sync: the key has 16 bits; at least 80 are needed",
        "users that would be imported: 2",
        "entries not imported: 3",
    ]
    assert KEY.hex() not in done.stdout and "1234" not in done.stdout


def test_partly_bad_file_imports_nothing_unless_partial_is_given(machine):
    path = oath_file(machine, of("daemon"), of("nobody-here", another(1)))
    done = machine.admin("import", "oath", path, status=1)
    assert "nothing was imported: entries that cannot be imported: 1" in done.stderr and "--partial" in done.stderr
    assert "nobody-here: no such user" in done.stdout and not (machine.records / "daemon").exists()
    done = machine.admin("import", "oath", path, "--partial")
    assert "users imported: 1" in done.stdout and "entries not imported: 1" in done.stdout
    assert machine.status("daemon")["enrolled"]


def test_repeated_import_changes_nothing_and_other_keys_are_never_replaced(machine, enrolled):
    path = oath_file(machine, of("bin"))
    machine.admin("import", "oath", path)
    before = machine.files()
    assert "users who had the same keys here already: 1" in machine.admin("import", "oath", path).stdout
    assert machine.files() == before
    path = oath_file(machine, of("daemon"))
    before = machine.files()
    done = machine.admin("import", "oath", path, status=1)
    assert "daemon: the user has an authenticator here already, with another key" in done.stdout
    assert machine.files() == before
    done = machine.admin("import", "oath", path, "--partial")
    assert machine.files() == before and "users imported: 0" in done.stdout


def test_accounts_held_by_their_users_are_waited_for_together(machine):
    """Users can stop a helper of their own that holds their account. A minute for each account would be hours for a crowd."""
    users = ["daemon", "bin", "sys", "sync", "games"]
    path = oath_file(machine, *(of(user, another(at)) for at, user in enumerate(users, 1)))
    machine.admin("import", "oath", path)
    holders = []
    try:
        for user in users:
            held = os.open(machine.records / user, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(held, fcntl.LOCK_EX)
            holders.append(held)
        began = time.monotonic()
        done = machine.admin("import", "oath", path, "--json", status=1)
        assert time.monotonic() - began < 4 * 60
    finally:
        for held in holders:
            os.close(held)
    assert [(one["user"], one["id"]) for one in json.loads(done.stdout)["left"]] == [(user, "not-kept") for user in sorted(users)]


def test_any_number_of_keys_of_one_user_is_reported_at_once(machine):
    lines = [f"HOTP/T30 daemon - {at:040x}" for at in range(1, 20_001)]
    done = machine.admin("import", "oath", oath_file(machine, *lines), status=1)
    assert "daemon: the user has 20000 keys, and the policy allows" in done.stdout


def test_report_has_both_languages(machine):
    path = oath_file(machine, of("nobody-here"), of("daemon", another(1)))
    done = machine.admin("--lang", "ko", "import", "oath", path, "--partial")
    assert "nobody-here: 이 시스템에 없는 사용자입니다" in done.stdout and "가져온 사용자: 1명" in done.stdout


def test_reasons_are_in_the_language_of_the_command(machine):
    """The sentence was Korean and the reason in it English."""
    machine.provision("daemon")
    (machine.records / "daemon/credential.toml").write_text("version = 1\n")
    (machine.directory / "link").symlink_to("elsewhere")
    readable = machine.directory / "readable"
    readable.write_text(f'{BASE32}\n" TOTP_AUTH\n')
    readable.chmod(0o644)
    keyless = machine.directory / "keyless"
    keyless.write_text("none")
    oath = ("oath", oath_file(machine, of("daemon")))
    google = ("google-authenticator", "--user", "root")
    missing = machine.directory / "missing"
    for arguments, english, status in [
        (oath, f"daemon: could not be kept: {machine.records}/daemon/credential.toml: is cut off", 1),
        ((*google, readable), "root: the file is not read: has mode 0644, at most 0600 is allowed", 1),
        ((*google, machine.directory / "link"), "root: the file is not read: is a symbolic link", 1),
        ((*google, missing), "root: the file is not read: entity not found", 1),
        (("uris", machine.directory / "link"), f"{machine.directory}/link: is a symbolic link", 2),
        (("uris", missing), f"{missing}: No such file or directory", 2),
        (("uris", missing / "x"), f"{missing}/x: cannot open: No such file or directory", 2),
        (("pskc", missing, "--key-file", keyless), f"{keyless}: holds no key of 128, 192 or 256 bits", 2),
    ]:
        done = machine.admin("import", *arguments, status=status)
        assert english in done.stdout + done.stderr
        done = machine.admin("--lang", "ko", "import", *arguments, status=status)
        said = done.stdout + done.stderr
        outside = "".join(re.sub(rf"{machine.directory}\S*", "", said).split("'")[::2])
        assert re.search("[가-힣]", said) and not re.search("[A-Za-z]{2,} [A-Za-z]{2,}", outside), said
        assert said.splitlines()[0].endswith("니다."), said
    done = machine.admin("--lang", "ko", "import", *google, missing, "--json", status=1)
    (left,) = json.loads(done.stdout)["left"]
    assert (left["id"], left["text"]) == ("file", "파일을 읽지 않았습니다: 파일이나 디렉터리가 없습니다.")


def test_short_recovery_codes_are_reported_with_their_strength(machine):
    path = machine.directory / "daemon"
    path.write_text(f'{BASE32}\n" TOTP_AUTH\n" DISALLOW_REUSE\n83102964\n83102965\n')
    path.chmod(0o600)
    done = machine.admin("import", "google-authenticator", path, "--user", "daemon")
    assert "users with 8-digit recovery codes: 1" in done.stdout
    assert "within about an hour" in " ".join(done.stdout.split())
    assert machine.status("daemon")["recovery_codes_left"] == 2
    assert "83102964" not in (machine.records / "daemon/credential.toml").read_text()


def test_file_without_recovery_codes_takes_none_away(machine):
    path = machine.directory / "daemon"
    path.write_text(f'{BASE32}\n" TOTP_AUTH\n" DISALLOW_REUSE\n83102964\n83102965\n')
    path.chmod(0o600)
    machine.admin("import", "google-authenticator", path, "--user", "daemon")
    done = machine.admin("import", "oath", oath_file(machine, of("daemon")))
    assert "had the same keys here already: 1" in done.stdout
    assert machine.status("daemon")["recovery_codes_left"] == 2
    # The file from which they came says that both were used.
    path.write_text(f'{BASE32}\n" TOTP_AUTH\n" DISALLOW_REUSE\n')
    machine.admin("import", "google-authenticator", path, "--user", "daemon")
    assert machine.status("daemon")["recovery_codes_left"] == 0


def test_json_form_names_everything_but_the_keys(machine):
    path = oath_file(machine, of("daemon"), f"HOTP/T30 bin 1234 {KEY.hex()}")
    report = json.loads(machine.admin("import", "oath", path, "--partial", "--json").stdout)
    assert set(report) == {"dry_run", "imported", "users", "left"}
    (user,), (left,) = report["users"], report["left"]
    assert (user["user"], user["line"], user["there"], user["first_code"]) == ("daemon", 1, False, None)
    assert user["authenticators"] == [{"name": "phone", "kind": "totp", "algorithm": "SHA1", "digits": 6, "period": 30}]
    assert (left["user"], left["line"], left["id"]) == ("bin", 2, "pin")
    assert KEY.hex() not in json.dumps(report) and BASE32 not in json.dumps(report)


def test_name_in_a_file_cannot_control_the_terminal(machine):
    path = machine.directory / "export.json"
    path.write_text(json.dumps([{"user": "\x1b]0;x\x07alice\u202e", "uri": f"otpauth://totp/a?secret={BASE32}"}]))
    path.chmod(0o600)
    done = machine.admin("import", "uris", path, status=1)
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout and "\u202e" not in done.stdout


# ---------------------------------------------------------------------------------------- files that others can change


@pytest.mark.parametrize("mode, said", [(0o622, "has mode 0622"), (0o620, "has mode 0620")])
def test_file_that_others_could_have_written_is_not_trusted(machine, mode, said):
    done = machine.admin("import", "oath", oath_file(machine, of("daemon"), mode=mode), status=2)
    assert said in done.stderr


def test_file_in_a_directory_where_others_can_swap_it_is_not_trusted(machine):
    path = oath_file(machine, of("daemon"))
    machine.directory.chmod(0o777)
    assert "others than root may write in its directory" in machine.admin("import", "oath", path, status=2).stderr
    machine.directory.chmod(0o1777)
    machine.admin("import", "oath", path)


def test_link_pipe_and_another_users_file_are_not_read(machine):
    real = oath_file(machine, of("daemon"))
    link = machine.directory / "link"
    link.symlink_to(real)
    assert "is a symbolic link" in machine.admin("import", "oath", link, status=2).stderr
    pipe = machine.directory / "pipe"
    os.mkfifo(pipe)
    assert "is not a regular file" in machine.admin("import", "oath", pipe, status=2).stderr
    os.chown(real, 1, 1)
    assert "is owned by user id 1, not by root" in machine.admin("import", "oath", real, status=2).stderr
    assert "No such file" in machine.admin("import", "oath", machine.directory / "missing", status=2).stderr


@pytest.mark.parametrize("kind, text, line, said", [
    ("uris", "user,uri\n\"daemon,x\n", 2, "quotation mark"),
    ("uris", "[\n{]", 2, "not JSON"),
    ("pskc", "<a>\n</b>", 2, "not well-formed XML"),
    ("oath", "# nothing\n", 1, "has no key in it"),
])
def test_file_that_cannot_be_parsed_is_reported_with_its_line(machine, kind, text, line, said):
    path = machine.directory / "export"
    path.write_text(text)
    path.chmod(0o600)
    done = machine.admin("import", kind, path, status=2)
    assert f"{path}:{line}: " in done.stderr and said in done.stderr


def test_key_file_decrypts_an_encrypted_container(machine):
    """The container of RFC 6030, figure 6, with a user."""
    source = (machine_root() / "otp-import/src/pskc/tests.rs").read_text()
    text = re.search(r'const SEALED: &str = r#"(.*?)"#;', source, re.S)[1].replace("</Data>", "</Data><UserId>daemon</UserId>")
    path, key = machine.directory / "tokens.xml", machine.directory / "key"
    path.write_text(text)
    path.chmod(0o600)
    assert "--key-file" in machine.admin("import", "pskc", path, status=1).stdout
    key.write_text("12345678901234567890123456789012\n")
    key.chmod(0o600)
    machine.admin("import", "pskc", path, "--key-file", key)
    code = machine.code(BASE32, 0, "--hotp", "--counter=0", "--digits=8")
    assert machine.try_code("daemon", code)[0] == 0
    assert machine.try_code("daemon", code)[0] == 1


def machine_root():
    from machine import ROOT

    return ROOT


# ------------------------------------------------------------------------------------------------------------ progress


def test_progress_is_shown_on_a_terminal_and_never_on_a_pipe(machine):
    """The machine's clock stands still, that of the progress does not: it is shown however slow the machine is."""
    users = ["daemon", "bin", "sys", "games", "man", "lp", "mail", "news"]
    files = []
    for number, user in enumerate(users):
        path = machine.directory / user
        codes = "".join(f"{10000000 + 100 * number + code}\n" for code in range(10))
        path.write_text(f'{base64.b32encode(another(number)).decode()}\n" TOTP_AUTH\n" DISALLOW_REUSE\n{codes}')
        path.chmod(0o600)
        files.append(path)
    directory = machine.directory / "old"
    directory.mkdir(mode=0o700)
    for path in files:
        path.rename(directory / path.name)
    done = machine.admin("import", "google-authenticator", directory)
    assert done.stderr == "" and f"users imported: {len(users)}" in done.stdout
    for user in users:
        machine.admin("reset", user)
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        machine.words("otp-admin", "import", "google-authenticator", directory), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=theirs, env=machine.environment(), text=True,
    )
    assert running.communicate(timeout=120)[0] and running.returncode == 0
    os.close(theirs)
    shown = all_of(ours).decode()
    os.close(ours)
    assert shown.endswith("\r\x1b[K"), "the line is cleared for the text that follows"


def all_of(terminal):
    """Reads what a program has written to a terminal that it has left. The kernel returns it in pieces, and reports the end as an
    error."""
    found = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return found
        if not piece:
            return found
        found += piece


# --------------------------------------------------------------------------------------------------- killed, anywhere


def traced(machine, inject, *arguments):
    """Runs an import under strace; returns the calls of each thread as (name, number, text)."""
    trace = machine.directory / "trace"
    command = ["strace", "--follow-forks", "--decode-fds=path", "--output", trace]
    if inject:
        command += ["-e", f"inject={inject}"]
    subprocess.run(
        [*map(str, command), *machine.words("otp-admin", "import", *arguments)], capture_output=True,
        stdin=subprocess.DEVNULL, env=machine.environment(), timeout=60,
    )
    counted, calls = collections.Counter(), []
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found:
            counted[found[1], found[2]] += 1
            calls.append((found[2], counted[found[1], found[2]], line))
    return calls


def kept(machine):
    return {
        str(path.relative_to(machine.records)): path.read_bytes() for path in sorted(machine.records.glob("*/*")) if path.is_file()
    }


WRITES = ("mkdirat", "openat", "write", "fsync", "fdatasync", "renameat", "fchown", "fchmod", "pwrite64", "unlinkat", "flock")


def test_killed_at_any_call_an_import_loses_nothing_and_the_next_one_completes_it(machine, capsys):
    path = machine.directory / "old"
    used = machine.now // 30
    path.write_text(f'{BASE32}\n" TOTP_AUTH\n" DISALLOW_REUSE {used}\n83102964\n83102965\n')
    path.chmod(0o600)
    arguments = ("google-authenticator", path, "--user", "daemon")
    before = path.read_bytes()
    calls = traced(machine, None, *arguments)
    assert machine.status("daemon")["enrolled"]
    begins = next(at for at, call in enumerate(calls) if "records/daemon" in call[2])
    points = sorted({call[:2] for call in calls[begins:] if call[0] in WRITES})
    assert len(points) >= FEWEST_POINTS, points
    code = machine.code(BASE32)
    for name, number in points:
        subprocess.run(["rm", "-rf", *machine.records.iterdir()], check=True)
        traced(machine, f"{name}:signal=KILL:when={number}", *arguments)
        assert path.read_bytes() == before
        # A user is enrolled completely or not at all, and this can always be determined.
        status = machine.status("daemon")
        if status["enrolled"]:
            assert status["recovery_codes_left"] == 2
        machine.admin("import", *arguments)
        status = machine.status("daemon")
        assert status["enrolled"] and status["recovery_codes_left"] == 2, (name, number)
        assert sorted(path.name for path in (machine.records / "daemon").iterdir()) == ["credential.toml", "state"]
        assert machine.try_code("daemon", code)[0] == 1, "the code used before the move is refused"
    machine.now += 30
    assert machine.try_code("daemon", machine.code(BASE32))[0] == 0
    with capsys.disabled():
        print(f"\nkilled at {len(points)} calls")
