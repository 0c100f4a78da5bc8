"""otp-admin move: what it refuses, and that a kill at any of its system calls leaves one owner and a way to continue.

behaviour/records/test_renamed.py has records that follow real users through usermod.
"""

import collections
import pathlib
import re
import subprocess

import pytest

FEWEST_POINTS = 25


def move(machine, *arguments, status=0):
    return machine.admin("move", *arguments, status=status)


def kept(machine):
    """Every file of all records, by its path below their directory."""
    return {
        str(path.relative_to(machine.records)): path.read_bytes() for path in sorted(machine.records.glob("*/*")) if path.is_file()
    }


def status_of(machine, user):
    """Whether the user is enrolled; None if that cannot be determined, and then nobody is admitted."""
    done = subprocess.run(
        machine.words("otp-enroll", "--user", user, "status", "--json"), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, env=machine.environment(),
    )
    return {0: '"enrolled":true' in done.stdout, 2: None}[done.returncode]


@pytest.fixture
def full(machine, enrolled):
    """A user with every kind of file that a record can have."""
    trust = f'version = 1\n\n[[place]]\nservice = "sshd"\naddress = "192.0.2.1"\nsince = {machine.now}\n'
    for name, text, mode in (
        ("trust", trust, 0o600), ("first-login", f"version = 1\nuid = 1\nfirst_login = {machine.now - 5}\n", 0o640),
    ):
        path = machine.records / "daemon" / name
        path.write_text(text)
        path.chmod(mode)
    return machine


# ----------------------------------------------------------------------------------------------------------- messages


def test_each_refusal_says_what_is_wrong_and_changes_nothing(machine, enrolled):
    machine.provision("bin")
    before = kept(machine)
    for arguments, said in (
        (("daemon", "nobody"), "daemon is still a user of this system, and the user id is that of another person"),
        (("nobody-here", "daemon"), "no record is kept under the name 'nobody-here'"),
        (("nobody", "nobody"), "no record is kept under the name 'nobody'"),
        (("daemon", "nobody-here"), "no user is called 'nobody-here'"),
        (("daemon", "bin", "--force"), "bin has a record already"),
    ):
        assert said in move(machine, *arguments, status=1).stderr
        assert kept(machine) == before
    assert "unusable user name" in move(machine, "../daemon", "nobody", status=2).stderr
    assert kept(machine) == before


def test_record_that_fits_its_user_stays_unchanged(machine, enrolled):
    before = kept(machine)
    assert "nothing was changed" in move(machine, "daemon", "daemon").stdout
    assert kept(machine) == before


def test_codes_recovery_codes_and_authenticator_move_together(machine, enrolled):
    assert "nobody has the record of daemon now" in move(machine, "daemon", "nobody", "--force").stdout
    assert status_of(machine, "daemon") is False
    assert machine.try_code("nobody", machine.code(enrolled["secret"]))[0] == 0
    assert machine.try_code("nobody", enrolled["recovery_codes"][3])[0] == 0


def test_move_speaks_korean(machine, enrolled):
    assert "옮겼습니다" in machine.admin("--lang", "ko", "move", "daemon", "nobody", "--force").stdout


# ------------------------------------------------------------------------------------------------------ reset --gone


def test_reset_gone_does_nothing_to_a_name_that_a_user_has(machine, enrolled):
    before = kept(machine)
    assert machine.admin("reset", "--gone", "daemon").stdout == ""
    assert kept(machine) == before
    (machine.records / "daemon").rename(machine.records / "nobody-here")
    renamed = kept(machine)
    said = machine.admin("reset", "--gone", "nobody-here").stdout
    assert "nobody-here: the record stays, because its user id is that of daemon;" in said and "otp-admin move nobody-here daemon" in said
    assert kept(machine) == renamed
    credential = machine.records / "nobody-here/credential.toml"
    credential.write_text(credential.read_text().replace("uid = 1\n", "uid = 65533\n"))
    assert "everything that was kept is removed" in machine.admin("reset", "--gone", "nobody-here").stdout
    assert kept(machine) == {}
    assert machine.admin("reset", "--gone", "nobody-here").stdout == ""


def nobodys(machine):
    """A record whose name and user id belong to nobody; returns its path."""
    record = machine.records / "nobody-here"
    (machine.records / "daemon").rename(record)
    credential = record / "credential.toml"
    credential.write_text(credential.read_text().replace("uid = 1\n", "uid = 65533\n"))
    return record


def newer(machine, credential):
    """Writes a record of a newer version; returns what the command says."""
    text = credential.read_text()
    credential.write_text(re.sub("(?m)^version = 1$", "version = 4", text))
    done = machine.admin("reset", "--gone", "nobody-here", status=2)
    credential.write_text(text)
    return done.stderr


def broken(machine, credential):
    """Makes the disk fail when this file is read; no other file is affected."""
    words = machine.words("otp-admin", "reset", "--gone", "nobody-here")
    strace = ["strace", "--output=/dev/null", f"--trace-path={credential}", "--inject=read,pread64:error=EIO"]
    done = subprocess.run([*strace, *words], capture_output=True, text=True, env=machine.environment(), stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    return done.stderr


def held(machine, credential):
    """Another process has the lock, for longer than the command waits; its minute passes at once."""
    holder = subprocess.Popen(["flock", "--exclusive", credential.parent, "sh", "-c", "echo held; read _"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    quickly = {"FAKETIME": "+0 x300", "FAKETIME_DONT_FAKE_MONOTONIC": "0"}
    try:
        assert holder.stdout.readline() == "held\n"
        return machine.admin("reset", "--gone", "nobody-here", status=2, environment=quickly).stderr
    finally:
        holder.communicate("")


@pytest.mark.parametrize("hinder, said", [
    (newer, "written by a newer version of pam_otp"), (broken, "Input/output error"), (held, "still locked by another login"),
])
def test_record_that_cannot_be_read_for_now_survives_reset_gone(machine, enrolled, hinder, said):
    """The record may belong to a user who has been renamed, so only an administrator removes it, or a later run."""
    record = nobodys(machine)
    before = kept(machine)
    assert said in hinder(machine, record / "credential.toml")
    assert kept(machine) == before
    assert "everything that was kept is removed" in machine.admin("reset", "--gone", "nobody-here").stdout
    assert kept(machine) == {}


# --------------------------------------------------------------------------------------------------- killed, anywhere


def traced(machine, inject, *arguments):
    """Runs a move under strace; returns its calls as (name, number, text), from the first look at the records on."""
    trace = machine.directory / "trace"
    command = ["strace", "--decode-fds=path", "--output", trace]
    if inject:
        command += ["-e", f"inject={inject}"]
    subprocess.run(
        [*map(str, command), *machine.words("otp-admin", "move", *arguments)], capture_output=True, stdin=subprocess.DEVNULL,
        env=machine.environment(), timeout=60,
    )
    numbers, calls = collections.Counter(), []
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\w+)\(", line)
        if found:
            numbers[found[1]] += 1
            calls.append((found[1], numbers[found[1]], line))
    (begins, *_) = [at for at, call in enumerate(calls) if str(machine.records) in call[2] and call[0] == "openat"] or [0]
    return calls[begins:]


def another_number(machine):
    """Changes the user id in the record to another than the user's."""
    credential = machine.records / "daemon/credential.toml"
    credential.write_text(credential.read_text().replace("uid = 1\n", "uid = 65533\n"))


@pytest.mark.parametrize("new", ["nobody", "daemon"], ids=["another name", "another number"])
@pytest.mark.parametrize("there", [False, True], ids=["nothing there", "grace there"])
def test_killed_at_any_call_a_move_leaves_one_owner_and_the_next_one_completes_it(full, new, there, capsys):
    machine, arguments = full, ("daemon", new, "--force")
    if new == "daemon":
        another_number(machine)
    if there and new != "daemon":
        machine.policy("")
        (machine.records / new).mkdir(mode=0o2770)
        (machine.records / new / "first-login").write_text(f"version = 1\nuid = 65534\nfirst_login = {machine.now - 9}\n")
        (machine.records / new / "first-login").chmod(0o640)
    saved = machine.directory / "saved"
    subprocess.run(["cp", "-a", machine.records, saved], check=True)
    before, old_before = kept(machine), status_of(machine, "daemon")
    calls = traced(machine, None, *arguments)
    after = kept(machine)
    assert set(after) == {f"{new}/{name}" for name in ("credential.toml", "state", "first-login")}
    assert status_of(machine, new) is True
    points, unfinished = 0, 0
    for name, number, text in calls:
        subprocess.run(["rm", "-rf", machine.records], check=True)
        subprocess.run(["cp", "-a", saved, machine.records], check=True)
        traced(machine, f"{name}:signal=KILL:when={number}", *arguments)
        points += 1
        old, now = status_of(machine, "daemon"), status_of(machine, new)
        if new != "daemon":
            assert not (old and now), f"there are two owners after {text}"
            assert old or now is not False, f"there is no owner after {text}: {kept(machine).keys()}"
        else:
            assert now in (old_before, True), text
        if kept(machine) == after:
            continue
        unfinished += 1
        move(machine, *arguments)
        assert kept(machine) == after, text
    assert points >= FEWEST_POINTS and 0 < unfinished < points
    assert before != after
    with capsys.disabled():
        print(f"\nmove: killed at {points} calls, {unfinished} of them before it was done")


def test_no_secret_is_in_the_arguments_or_the_output(full, enrolled):
    said = move(full, "daemon", "nobody", "--force")
    assert enrolled["secret"] not in said.stdout + said.stderr
    assert not list(pathlib.Path(full.records).glob("*/.*")), "no unfinished file is left"
