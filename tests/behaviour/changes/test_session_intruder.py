"""What users can read or take over while a helper of theirs holds a dialogue, and of a record whose files belong to them.

The helper makes the files as the user, so they carry the user's id; the directory above them keeps the user out.
"""

import ctypes
import json
import os
import pathlib
import pwd
import re
import resource
import subprocess
import textwrap

import pytest

from clock import wait_until
from helper import Session, message, picture, stack_of_changes
from intruders import as_large_as_can_be, as_user, group_entry, tried_by
from locking import held_up
from processes import children, children_of, open_files

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("password_first")]

PARTS = pathlib.Path(__file__).parents[1] / "parts"


# ------------------------------------------------------------------------------------------------------------ the files


def test_record_made_by_the_helper_belongs_to_the_user_and_the_group(erin, under_test):
    """Without this, the refusals below would prove nothing."""
    owner, group = pwd.getpwnam(erin.name).pw_uid, int(group_entry()[2])
    directory = under_test.state_directory / erin.name
    for path, mode in {directory: 0o42770, directory / "credential.toml": 0o100640, directory / "state": 0o100660}.items():
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode) == (owner, group, mode), path


def test_owner_can_do_nothing_to_the_files_of_the_record(erin, carol, under_test, clock):
    before = picture(under_test.state_directory)
    with Session(under_test.helper, erin, clock, "enrol", "new") as talk:
        talk.up_to("codes")
        tried = tried_by(erin, "files", under_test.state_directory, erin.name, carol.name)
    assert len(tried) > 200
    assert [what for what, error in tried.items() if error is None] == []
    below = {error for what, error in tried.items() if f"{under_test.state_directory}/" in what}
    assert below <= {"Permission denied", "Operation not permitted", "Invalid cross-device link"}
    after = picture(under_test.state_directory)
    assert {path: what for path, what in after.items() if not path.endswith("state")} == {
        path: what for path, what in before.items() if not path.endswith("state")}


HANDLES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
mount = os.open("/var/lib", os.O_RDONLY)
for line in sys.stdin:
    handle = ctypes.create_string_buffer(bytes.fromhex(line))
    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_PATH):
        opened = libc.open_by_handle_at(mount, handle, flags)
        print("opened" if opened >= 0 else os.strerror(ctypes.get_errno()))
"""


@pytest.mark.parametrize("within", [[], ["unshare", "--user", "--map-root-user", "--mount"],
                                    ["unshare", "--user", "--map-current-user", "--keep-caps"]])
def test_files_cannot_be_opened_by_handle(erin, under_test, within):
    """A handle, guessed or kept from elsewhere, bypasses all directories. Only root can open one."""
    directory = under_test.state_directory / erin.name
    handles = "".join(handle_of(path) + "\n" for path in (directory, directory / "credential.toml", directory / "state"))
    look = [*within, "/usr/bin/python3", "-B", "-c", HANDLES]
    as_root = subprocess.run(look[len(within):], input=handles, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    assert as_root.count("opened") >= 7
    done = subprocess.run(erin.running(*look), input=handles, capture_output=True, text=True)
    assert done.stdout.split("\n")[:-1] == ["Operation not permitted"] * 9 or (within and done.returncode != 0), done


def handle_of(path):
    """struct file_handle, in hexadecimal: the size, the type, the bytes."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = ctypes.create_string_buffer(8 + 128)
    ctypes.c_uint.from_buffer(handle).value = 128
    mount = ctypes.c_int()
    assert libc.name_to_handle_at(-100, str(path).encode(), handle, ctypes.byref(mount), 0) == 0, os.strerror(ctypes.get_errno())
    return handle.raw.hex()


@pytest.mark.parametrize("within", ["--map-root-user", "--map-current-user"])
def test_namespace_of_ones_own_gives_the_owner_no_way_in(erin, under_test, within):
    """In the namespace the user is root, and the files belong to root."""
    script = f"for what in 'ls {{}}' 'cat {{}}/state' 'chmod 777 {{}}' 'chown 0:0 {{}}/state' 'mv {{}} /tmp' 'rm {{}}/state' " \
             "'mount --bind {} /mnt' 'setfacl -m o:rwx {}' 'chattr +i {}' 'cd {}'; do $what 2>&- >&- && echo \"$what\"; done; echo end"
    script = script.replace("{{}}", "{}").replace("{}", str(under_test.state_directory / erin.name))
    before = picture(under_test.state_directory)
    done = subprocess.run(
        erin.running("/usr/bin/unshare", "--user", within, "--mount", "/bin/sh", "-c", script), capture_output=True, text=True)
    assert done.stdout in ("end\n", ""), done.stdout
    assert picture(under_test.state_directory) == before


# ---------------------------------------------------------------------------------------------------------- the process

# Runs intruder.py's attempts on a process that is the user's own child; its messages come from standard input. The
# attempts begin when the process has said its part, and sleeps.
AT_A_STAGE = """
import socket, subprocess, sys, json, time
sys.path.insert(0, {parts!r})
import intruder
program, stage, said = sys.argv[1], sys.argv[2].encode(), sys.stdin.buffer.read()
pair, sleeps, theirs_of = socket.socketpair, intruder.wait_until_it_sleeps, []
def begun():
    ours, theirs = pair()
    ours.sendall(said)
    theirs_of.append(ours)
    return ours, theirs
def at_the_stage(pid):
    heard = b""
    while heard.count(stage) < int(sys.argv[3]):
        got = theirs_of[0].recv(65536)
        assert got, heard
        heard += got
    sleeps(pid)
intruder.socket.socketpair, intruder.wait_until_it_sleeps = begun, at_the_stage
print(json.dumps(intruder.process(program)))
"""


def looked_at(account, program, stage, times, *messages):
    done = subprocess.run(
        account.running("/usr/bin/python3", "-B", "-c", AT_A_STAGE.format(parts=str(PARTS)), program, stage, str(times)),
        input=b"".join(messages), capture_output=True, cwd="/")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.parametrize("stage", ["password", "code", "offer", "codes"])
def test_waiting_helper_cannot_be_traced_or_inspected_at_any_stage(erin, under_test, stage):
    """At two of the stages it has given up its group, and has only the user's rights."""
    request = message("enrol", erin.name, "new") if stage == "offer" else message("recovery-codes", erin.name)
    proof = [message("reply", erin.password), message("reply", erin.codes.now())]
    said, word, times = {
        "password": ([], "ask-hidden", 1), "code": (proof[:1], "ask-hidden", 2), "offer": (proof, "offer", 1),
        "codes": (proof, "codes", 1),
    }[stage]
    tried = looked_at(erin, under_test.helper, word, times, request, *said)
    assert len(tried) > 30
    assert [what for what, error in tried.items() if error is None] == []


LOOK = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for pid in sys.argv[1:]:
    for place in ("mem", "environ", "fd", "root", "cwd", "maps", "fdinfo", "exe", "map_files", "fd/0", "fd/3", "fd/4", "fd/5", "ns/mnt"):
        path = "/proc/" + pid + "/" + place
        for what in (os.listdir, lambda path: open(path, "rb").read(1), os.readlink, lambda path: os.open(path, os.O_RDONLY)):
            try:
                what(path)
                print("worked", what, path)
            except OSError:
                pass
    if libc.ptrace(0x4206, int(pid), None, None) == 0:
        print("seized", pid)
"""


def test_inner_processes_cannot_be_inspected_either(erin, under_test, clock):
    """The helper that the stack asks about the code, held up while it has the record open; and the helper that waits for it."""
    with Session(under_test.helper, erin, clock, "recovery-codes") as talk:
        talk.up_to("ask-code")
        with held_up(erin, under_test):
            talk.say("reply", erin.codes.now())
            (child,) = wait_until(lambda: children(talk.pid, "otp-helper"), "inner helper")
            wait_until(lambda: f"/{erin.name}" in open_files(child), "record")
            done = subprocess.run(erin.running("/usr/bin/python3", "-c", LOOK, str(talk.pid), str(child)),
                                  capture_output=True, text=True, check=True)
            assert done.stdout == ""
            assert {os.stat(f"/proc/{pid}/environ").st_uid for pid in (talk.pid, child)} == {0}
        assert talk.until("codes")


def ids(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [int(number) for number in re.search(r"^Gid:\s+(.*)$", status, re.MULTILINE)[1].split()]


def test_stack_runs_in_a_process_that_has_given_up_the_group_for_good(erin, under_test, clock):
    """All its group ids: real, effective, saved, and for files. Of the records, it has only their directory open."""
    own, group = pwd.getpwnam(erin.name).pw_gid, int(group_entry()[2])
    with Session(under_test.helper, erin, clock, "enrol", "new") as talk:
        for stage in ("ask", "ask-code"):
            talk.up_to("ask") if stage == "ask" else (talk.say("reply", erin.password), talk.until("ask", "ask-hidden"))
            (stack,) = children_of(talk.pid)
            assert ids(stack) == [own] * 4
            assert os.stat(f"/proc/{stack}/environ").st_uid == 0, "undumpable"
            names = open_files(stack).splitlines()
            assert {name for name in names if name.startswith("/")} <= {"/dev/null", str(under_test.state_directory)}
        talk.say("reply", erin.codes.now())
        talk.until("offer")
        assert children_of(talk.pid) == []
        assert ids(talk.pid) == [own, group, group, group]
        assert os.stat(f"/proc/{talk.pid}/environ").st_uid == 0, "undumpable"


@pytest.mark.parametrize("type_, line", [("auth", "auth optional pam_exec.so {}"), ("account", "account optional pam_exec.so {}")])
def test_programs_started_by_the_stack_have_the_users_rights_and_nothing_of_the_caller(erin, under_test, clock, type_, line, tmp_path):
    script, out = pathlib.Path("/run/pam_otp-tests/look"), f"{erin.home}/seen.{type_}"
    # -p: without it the shell itself would drop privileges that it should not have been given.
    script.write_text(textwrap.dedent(f"""\
        #!/bin/sh -p
        {{ cat /proc/self/status; id -G; id -g; id -u; echo --; env; echo --; pwd; ls -ln /proc/self/fd
        ls {under_test.state_directory} 2>&1; }} > {out}
        """))
    script.chmod(0o755)
    stack_of_changes("auth requisite pam_unix.so nodelay", *([line.format(script)] if type_ == "auth" else []),
                     "account required pam_unix.so", *([line.format(script)] if type_ == "account" else []))
    hostile = {"LD_PRELOAD": "/nowhere.so", "SECRET": "of the caller", "PATH": erin.home, "ENV": f"{erin.home}/env"}
    with Session(under_test.helper, erin, clock, "recovery-codes", environment=hostile, cwd=erin.home) as talk:
        talk.up_to("codes")
    own, group = pwd.getpwnam(erin.name).pw_gid, group_entry()[2]
    seen, environment, rest = pathlib.Path(out).read_text().split("--\n")
    assert re.search(r"^Gid:\s+(.*)$", seen, re.MULTILINE)[1].split() == [str(own)] * 4
    assert group not in re.search(r"^Groups:(.*)$", seen, re.MULTILINE)[1].split()
    assert seen.split("\n")[-4:-1] == [str(own), str(own), str(pwd.getpwnam(erin.name).pw_uid)]
    names = {entry.split("=")[0] for entry in environment.splitlines()}
    assert names <= {"PAM_USER", "PAM_RUSER", "PAM_TYPE", "PAM_SERVICE", "PWD", "OLDPWD", "SHLVL", "_"}, names
    assert "of the caller" not in environment and rest.startswith("/\n")
    assert str(under_test.state_directory) + "/" not in rest and "Permission denied" in rest.splitlines()[-1]


def test_crash_during_a_dialogue_leaves_no_core_file(erin, under_test, clock):

    unlimited = as_large_as_can_be()
    for stage in ("ask", "offer"):
        with Session(under_test.helper, erin, clock, "enrol", "new", limits=unlimited) as talk:
            talk.up_to(stage)
            assert re.search(r"Max core file size\s+0\s+0", pathlib.Path(f"/proc/{talk.pid}/limits").read_text())
            as_user(erin, f"kill -ABRT {talk.pid}")
            _, status = os.waitpid(talk.pid, 0)
            talk.helper.process.returncode = 0
            assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
        clock.advance(60)
