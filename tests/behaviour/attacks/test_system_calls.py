"""The system calls of a login, and what it leaves behind in the program that called it."""

import os
import re
import subprocess

import pytest

import traced
from application import AUTH_ERR, SUCCESS, Application, application, program, service  # noqa: F401
from processes import assert_program_is_afterwards_what_it_was

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

SYNCS = {"fsync", "fdatasync", "sync", "syncfs", "msync", "sync_file_range"}
WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendfile"}
# Calls with an effect outside the module: on other code in the process, or on other processes. Signals may wait while
# the record is locked (rt_sigprocmask); `what_a_program_is` shows that they come through again.
FELT_BY_THE_APPLICATION = {
    "clone", "clone3", "fork", "vfork", "execve", "execveat", "kill", "tgkill", "alarm", "setitimer", "timer_create",
    "rt_sigaction", "sigaltstack", "chdir", "fchdir", "umask", "prctl", "setrlimit", "prlimit64",
    "setuid", "setgid", "setresuid", "setresgid", "setreuid", "setregid", "setfsuid", "setfsgid", "setgroups", "capset",
    "chroot", "unshare", "setns", "setsid", "setpgid", "personality", "seccomp", "mlockall",
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat", "ftruncate",
    "truncate", "fallocate", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "creat", "mknod", "mknodat",
}


@pytest.fixture(params=["right", "wrong", "used", "recovery"])
def login(program, application, alice, journal, request):
    """A traced login of each kind, all the way to a verdict."""
    reply = {"wrong": alice.codes.wrong(), "recovery": alice.recovery_codes[0]}.get(request.param, alice.codes.now())
    if request.param == "used":
        assert application.login(alice, reply).code == SUCCESS
    traced_login = traced.login(program, alice, reply)
    assert traced_login.code == (AUTH_ERR if request.param in ("wrong", "used") else SUCCESS)
    return traced_login


def test_login_costs_one_fdatasync_and_no_other_sync(login):
    assert [call.name for call in login.inside if call.name in SYNCS] == ["fdatasync"]
    assert not any("O_SYNC" in call.arguments or "O_DSYNC" in call.arguments for call in login.inside)


def test_state_is_on_disk_before_the_first_byte_of_an_answer_or_a_log_line(login, under_test, alice):
    state = f"{under_test.state_directory}/{alice.name}/state"
    order = [call for call in login.inside if call.name in WRITES | SYNCS and '"asked ' not in call.arguments]
    # The attempt as failed; its outcome, in the same place; then the sync.
    assert [call.name for call in order[:3]] == ["pwrite64", "pwrite64", "fdatasync"]
    assert [call.file for call in order[:3]] == [state, state, state]
    assert not any(call.result.startswith("-1") for call in order[:3])
    first, second = (call.arguments.rsplit(", ", 1)[1] for call in order[:2])
    assert first == second in ("0", "2048")
    assert "otp." in order[3].arguments
    assert [call.name for call in login.calls].count("pwrite64") == 2


def test_files_are_opened_without_following_links_and_only_the_state_for_writing(login, under_test, alice):
    directory = f"{under_test.state_directory}/{alice.name}"
    below = [call for call in login.inside if call.name == "openat" and call.path.startswith(directory)]
    assert {call.path for call in below} == {directory, f"{directory}/credential.toml", f"{directory}/state"}
    for call in below:
        assert "O_NOFOLLOW" in call.arguments and "O_CLOEXEC" in call.arguments
    opened = [call for call in login.inside if call.name == "openat"]
    for_writing = [call.path for call in opened if re.search("O_WRONLY|O_RDWR|O_CREAT", call.arguments)]
    assert for_writing == [f"{directory}/state"]
    assert not any(call.name in ("open", "openat2", "creat") for call in login.inside)


def test_paths_of_an_account_are_examined_only_by_opening_them(login, under_test):
    """Only an opened file is checked, so nobody can swap it between the check and its use."""
    by_path = {"stat", "lstat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "newfstatat", "statx"}
    looked_at = [call for call in login.inside if call.name in by_path and "AT_EMPTY_PATH" not in call.arguments]
    assert not [call for call in looked_at if str(under_test.state_directory) in call.arguments]


def test_nothing_below_the_users_home_is_opened_or_looked_at(login, under_test, alice):
    """The user could have put a link or a fifo there. Data from a read is not a path: /etc/passwd names the home."""

    def calls_naming(path):
        return [call for call in login.inside if call.name not in ("read", "pread64") and path in call.arguments]

    assert calls_naming(f"{under_test.state_directory}/{alice.name}"), "paths are visible in the trace"
    assert calls_naming(alice.home) == []


def test_login_makes_no_call_that_affects_its_program(login):
    assert {call.name for call in login.inside} & FELT_BY_THE_APPLICATION == set()


@pytest.mark.parametrize("arguments", ["", "debug", "split", "forward_pass"])
def test_program_is_unchanged_after_a_login(application, alice, service, under_test, arguments):
    """Descriptors, signals, threads, children, limits, directory and identity."""
    assert_program_is_afterwards_what_it_was(application, alice, service, under_test, arguments)


HOSTILE = {
    "TZ": "/dev/zero", "LANG": "ko_KR.UTF-8", "LC_ALL": "xx_XX.broken", "LANGUAGE": "../../tmp", "HOME": "/dev/null",
    "PATH": "/nowhere", "TMPDIR": "/nowhere", "RUST_BACKTRACE": "full", "RUST_LOG": "trace", "RUST_MIN_STACK": "1",
    "LD_LIBRARY_PATH": "/nowhere", "USER": "root", "LOGNAME": "root", "SUDO_USER": "root", "SHELL": "/nowhere",
    "XDG_CONFIG_HOME": "/nowhere", "PAM_USER": "root", "PAM_OTP_CONF": "/dev/null", "PAM_OTP_STATE_DIR": "/tmp",
    "SOURCE_DATE_EPOCH": "0", "MALLOC_TRACE": "/tmp/malloc-trace", "NSS_WRAPPER_PASSWD": "/dev/null",
}


def test_environment_decides_nothing(program, alice, clock):
    """The same calls with the same arguments, the same question and the same answer, whatever environment a caller sets."""
    strace = {"PATH": os.environ["PATH"]}  # needed to find strace itself
    plain = traced.login(program, alice, alice.codes.now())
    clock.advance(30)
    hostile = traced.login(program, alice, alice.codes.now(), environment={**HOSTILE, **strace})
    assert plain.code == hostile.code == SUCCESS
    assert hostile.output == plain.output
    assert hostile.errors == ""
    assert opened_by_the_login(hostile) == opened_by_the_login(plain)
    assert [call.name for call in hostile.inside] == [call.name for call in plain.inside]


def opened_by_the_login(login):
    return [call.path for call in login.inside if call.name == "openat"]


def test_module_exports_the_six_entry_points_of_pam_and_nothing_else(under_test):
    command = ["nm", "--dynamic", "--defined-only", under_test.module]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].split("@")[0] for line in table.splitlines()}
    assert names == {
        "pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt", "pam_sm_open_session", "pam_sm_close_session",
        "pam_sm_chauthtok",
    }


def test_module_alone_in_a_stack_sets_credentials_with_success(application, alice):
    application.start(alice)
    assert application.authenticate(alice.codes.now()).code == SUCCESS
    assert application.setcred().code == SUCCESS
    application.end()


def test_module_writes_nothing_to_stderr(program, alice, machine_clock, journal, service, under_test):
    """stderr belongs to the application, with `debug` as well. This application reads every line of its own stdout."""
    service(under_test.line("debug"))
    with Application(program) as application:
        for reply in (alice.codes.now(), alice.codes.wrong(), alice.recovery_codes[0], ""):
            application.login(alice, reply)
    assert application.errors == b""
