"""A user with a shell who is after the records: nothing below /var/lib/pam_otp can be read, listed, replaced, truncated or
deleted, with the helper or without it.

intruder.py has the attempts that an ordinary user can make. To show that a refusal means something, the same attempts are
made where they work: by root on the files, and by the user on a program of their own.
"""

import os
import pathlib
import signal
import subprocess
import textwrap

import pytest

from application import SUCCESS, Application, program, service  # noqa: F401
from clock import wait_until
from helper import VERDICTS, Helper, check, message
from intruders import as_large_as_can_be, group_entry, tried_by
from locking import held_up
from processes import open_files

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


@pytest.fixture
def records(under_test):
    """Describes everything below the directory of all records: names, owners, modes, contents."""

    def picture():
        taken = {}
        for path in [under_test.state_directory, *sorted(under_test.state_directory.rglob("*"))]:
            found = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            taken[str(path)] = (found.st_ino, found.st_uid, found.st_gid, found.st_mode, found.st_mtime_ns, content)
        return taken

    return picture


def lets_in(program, account, code=None):
    """Logs in over the helper, as the account itself."""
    with Application(program, account) as application:
        return application.login(account, code or account.codes.now()).code == SUCCESS


# ------------------------------------------------------------------------------------------------------------ the files


def test_nothing_below_the_records_can_be_read_listed_replaced_truncated_or_deleted(alice, carol, under_test, records):
    before = records()
    tried = tried_by(alice, "files", under_test.state_directory, alice.name, carol.name)
    assert len(tried) > 200
    assert [what for what, error in tried.items() if error is None] == []
    # Every answer is "no"; none tells even whether a file of that name exists.
    below = {error for what, error in tried.items() if f"{under_test.state_directory}/" in what}
    assert below <= {"Permission denied", "Operation not permitted", "Invalid cross-device link"}
    assert records() == before


def test_the_group_is_what_keeps_users_out(alice, carol, under_test, records):
    """With the helper's group many of the same attempts work, so the test above can fail."""
    tried = tried_by(alice, "files", under_test.state_directory, alice.name, carol.name, groups="pam_otp")
    worked = {what.split(" /")[0] for what, error in tried.items() if error is None}
    assert {"read", "write", "truncate", "list", "delete", "enter", "replace", "see"} <= worked


def test_files_belong_to_root_and_the_group_and_the_group_is_empty(alice, program, under_test):
    assert lets_in(program, alice)
    _, _, group, members = group_entry()
    assert members == ""
    directory = under_test.state_directory
    expected = {
        directory: 0o42770, directory / alice.name: 0o42770, directory / alice.name / "credential.toml": 0o100640,
        directory / alice.name / "state": 0o100660, pathlib.Path(under_test.helper): 0o102755,
    }
    for path, mode in expected.items():
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode) == (0, int(group), mode), path


@pytest.mark.parametrize("where", ["newgrp", "sg"])
def test_user_cannot_join_the_group(alice, where):
    command = ["/usr/bin/newgrp", "pam_otp"] if where == "newgrp" else ["/usr/bin/sg", "pam_otp", "-c", "id -g"]
    done = subprocess.run(alice.running(*command), input="id -g\n", capture_output=True, text=True, timeout=120)
    assert group_entry()[2] not in done.stdout.split()


def test_users_copy_of_the_helper_has_no_privileges(alice, under_test, records):
    copy = f"{alice.home}/helper"
    before = records()
    script = f'cp {under_test.helper} {copy} && chmod 2755 {copy} && ls -ln {copy}'
    subprocess.run(alice.running("/bin/sh", "-c", script), check=True, capture_output=True)
    with Helper(copy, alice) as helper:
        assert helper.ask(check(alice, alice.codes.now()))[:1] in (["unavailable"], [])
    assert records() == before


# ---------------------------------------------------------------------------------------------------------- the process


def test_waiting_helper_cannot_be_traced_inspected_or_limited(alice, under_test):
    tried = tried_by(alice, "process", under_test.helper)
    assert len(tried) > 30
    assert [what for what, error in tried.items() if error is None] == []


def test_users_can_trace_inspect_and_limit_their_own_programs(alice):
    """Proves that the refusals above mean something. The attempts that fail even here are listed by name."""
    tried = tried_by(alice, "process", "/bin/cat")
    refused = {what for what, error in tried.items() if error is not None}
    assert refused <= {"read stack", "write clear_refs", "write timerslack_ns", "write comm", "write attr/current",
                       "open fd/0", "open fd/3", "follow fd/3", "allow it core files", "list map_files", "read map_files"}


def test_working_helper_shows_nothing_either(alice, carol, start, under_test, records):
    """The helper is held up with the record open, by a process that has the lock."""
    with held_up(alice, under_test), start(alice) as helper:
        helper.send(check(alice, alice.codes.wrong()))
        wait_until(lambda: f"/{alice.name}" in open_files(helper.pid), "record in the hands of the helper")
        look = textwrap.dedent(f"""
            import os
            for place in ("mem", "environ", "fd", "root", "cwd", "maps", "fdinfo"):
                try:
                    path = "/proc/{helper.pid}/" + place
                    print(place, os.listdir(path) if place in ("fd", "fdinfo", "root", "cwd") else open(path, "rb").read(1))
                except OSError as error:
                    print(place, "refused")
        """)
        done = subprocess.run(alice.running("/usr/bin/python3", "-c", look), capture_output=True, text=True, check=True)
        assert [line.split(" ", 1)[1] for line in done.stdout.splitlines()] == ["refused"] * 7


@pytest.mark.parametrize("tracer", [
    ["strace", "-f", "-o", "/dev/null"], ["gdb", "-nx", "-batch", "-ex", "run", "--args"], ["setpriv", "--no-new-privs"],
    ["unshare", "--user", "--map-root-user"], ["unshare", "--user", "--map-current-user"],
])
def test_helper_started_under_a_tracer_has_no_group(alice, under_test, start, tracer, records, program):
    """The kernel ignores the set-group-id bit under a tracer: the user gains no privileges and no verdict."""
    before = records()
    for code in (alice.codes.wrong(), alice.codes.now()):
        with start(alice, wrapped=["/usr/bin/env", "PATH=/usr/bin:/bin", *tracer]) as helper:
            words = helper.ask(check(alice, code))
        assert not set(words) & VERDICTS, words
    assert records() == before
    assert lets_in(program, alice)


def test_users_cannot_give_the_helper_a_policy_of_their_own(alice, under_test, start, records, clock):
    """In a namespace of their own users are root, and may mount whatever they like."""
    policy = f"{alice.home}/lenient.conf"
    alice.write_private_file(policy, "[lockout]\nfailures = 500\n", mode=0o644)
    conf = pathlib.Path("/etc/security/pam_otp.conf")
    conf.write_text("")
    script = f'mount --bind {policy} {conf} && exec {under_test.helper}'
    before = records()
    try:
        own_namespace = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", script]
        with start(alice, wrapped=own_namespace) as helper:
            assert not set(helper.ask(check(alice, alice.codes.wrong()))) & VERDICTS
    finally:
        conf.unlink()
    assert records() == before


CRASHES = [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGBUS, signal.SIGFPE, signal.SIGSYS, signal.SIGXCPU]


@pytest.mark.parametrize("crash", CRASHES)
def test_crash_leaves_no_core_file(alice, start, crash):
    """The user allows core files of any size. /proc tells what the kernel does with the process."""
    unlimited = as_large_as_can_be()
    # A shell makes background programs ignore SIGQUIT, and these tests may run in the background.
    with start(alice, limits=unlimited, prepare=lambda: signal.signal(crash, signal.SIG_DFL)) as helper:
        wait_until(lambda: limit_of(helper.pid, "Max core file size") == "0", "helper without core files")
        # Sent until the helper ends: Rust's runtime catches the first of some signals, and leaves further ones to the
        # kernel.
        _, status = wait_until(lambda: signalled(alice, crash, helper.pid), "end of the helper")
        helper.process.returncode = 0
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == crash
        assert not os.WCOREDUMP(status)


def signalled(account, crash, pid):
    """Sends the signal; returns the process and its status if it has ended."""
    as_user(account, f"kill -{crash:d} {pid}")
    ended = os.waitpid(pid, os.WNOHANG)
    return ended if ended[0] else None


def limit_of(pid, name):
    for line in pathlib.Path("/proc", str(pid), "limits").read_text().splitlines():
        if line.startswith(name):
            return line[len(name) :].split()[0]


def as_user(account, script):
    subprocess.run(account.running("/bin/sh", "-c", script), check=True, capture_output=True)


# ------------------------------------------------------------------------------------------------------ the environment

HOSTILE = {
    "LD_PRELOAD": "{library}", "LD_LIBRARY_PATH": "{home}", "LD_AUDIT": "{library}", "LD_DEBUG": "all",
    "LD_DEBUG_OUTPUT": "{home}/loader", "LD_PROFILE": "libc.so.6", "LD_PROFILE_OUTPUT": "{home}", "LD_BIND_NOW": "1",
    "GLIBC_TUNABLES": "glibc.malloc.check=3", "MALLOC_TRACE": "{home}/malloc", "GCONV_PATH": "{home}", "LOCPATH": "{home}",
    "NLSPATH": "{home}", "RES_OPTIONS": "nameserver 127.0.0.1", "HOSTALIASES": "{home}/hosts", "TZ": "{home}/zone",
    "TZDIR": "{home}", "TMPDIR": "{home}", "HOME": "{home}", "PATH": "{home}", "LC_ALL": "xx_XX.broken", "LANG": "ko_KR.UTF-8",
    "RUST_BACKTRACE": "full", "RUST_LOG": "trace", "RUST_MIN_STACK": "1", "PAM_OTP_CONF": "{home}/lenient.conf",
    "NSS_WRAPPER_PASSWD": "{home}/passwd", "SUDO_UID": "0", "USER": "root", "LOGNAME": "root", "UID": "0",
}


def test_preloaded_library_and_environment_decide_nothing(alice, start, under_test, records):
    library = f"{alice.home}/evil.so"
    source = '#include <stdlib.h>\n__attribute__((constructor)) static void begin(void) { exit(42); }\n' \
             'unsigned getuid(void) { return 0; }\n'
    alice.write_private_file(f"{alice.home}/evil.c", source, mode=0o644)
    os.chmod(alice.home, 0o755)
    as_user(alice, f"gcc -shared -fPIC -o {library} {alice.home}/evil.c")
    environment = {key: text.format(library=library, home=alice.home) for key, text in HOSTILE.items()}
    files_before = set(os.listdir(alice.home))
    with start(alice, environment=environment) as helper:
        assert helper.ask(check(alice, alice.codes.wrong())) == ["rejected", "4"]
    with start(alice, environment=environment) as helper:
        assert helper.ask(check(alice, alice.codes.now()))[0] == "accepted"
    with start(alice, environment=environment) as helper:
        assert helper.ask(message("check", "root", "", "123456")) == ["denied"]
    assert set(os.listdir(alice.home)) == files_before
    # The same library does take over a program of the user's own.
    done = subprocess.run(alice.running("/bin/cat", "/dev/null"), env={"LD_PRELOAD": library})
    assert done.returncode != 0


def test_helper_leaves_its_callers_directory_environment_and_descriptors(alice, start):
    with open("/etc/passwd") as inherited, start(
        alice, environment={"SECRET": "of the caller"}, pass_fds=[inherited.fileno()], cwd=alice.home, umask=0,
    ) as helper:
        process = pathlib.Path("/proc", str(helper.pid))
        wait_until(lambda: os.readlink(process / "cwd") == "/", "helper at the root")
        assert sorted(os.listdir(process / "fd")) == ["0", "1", "2"]
        assert "Umask:\t0077" in (process / "status").read_text()
        assert limit_of(helper.pid, "Max core file size") == "0"
