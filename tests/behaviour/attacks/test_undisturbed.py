"""While an attempt is made, nobody but root can stop or end the program, a slow disk costs nothing but time, and nobody can
prevent the log entry."""

import os
import pathlib
import re
import signal
import subprocess

import pexpect
import pytest

import doors
import traced
from application import SUCCESS, program, service  # noqa: F401
from clock import wait_until
from helper import check
from traced_helper import traced_helper

pytestmark = pytest.mark.promised_by("ours")

# Far longer than anything else takes, and longer than the 3 s that a lock could once be held.
SLOW_SECONDS = 4


class SlowSu:
    """Another user's `su alice`, in which calls of one kind take long."""

    def __init__(self, somebody, account, call):
        self._trace = pathlib.Path(f"/tmp/su.{os.getpid()}.{call}.trace")
        slow = ["-f", "-o", self._trace, "-u", somebody.name, "-e", f"trace=timer_create,timer_settime{call and ',' + call}"]
        slow += ["-e", f"inject={call}:delay_enter={SLOW_SECONDS}s:when=1"] if call else []
        self.terminal = pexpect.spawn(
            "/usr/bin/strace", [*map(str, slow), "/usr/bin/su", account.name, "-c", doors.COMMAND],
            env={"PATH": os.environ["PATH"], "TERM": "dumb", "LC_ALL": "C.UTF-8"},
            encoding="utf-8", timeout=doors.TIMEOUT_SECONDS,
        )
        self.terminal.delaybeforesend = None
        self._call = call

    def asked_for_a_code(self, account):
        self.terminal.expect("Password: ")
        self.terminal.sendline(account.password)
        self.terminal.expect("Verification code: ")

    def pid(self):
        children = pathlib.Path(f"/proc/{self.terminal.pid}/task/{self.terminal.pid}/children").read_text().split()
        return next(pid for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text() == "su\n")

    def trace(self):
        return self._trace.read_text(errors="replace")

    def wait_until_it_is_slow(self):
        wait_until(lambda: f"{self._call}(" in self.trace(), f"{self._call} of su")

    def outcome(self):
        self.terminal.expect(pexpect.EOF)
        self.terminal.wait()
        self.terminal.close()
        return self.terminal.before


@pytest.fixture
def slow_su(every_door, alice):
    """`slow_su(CALL)` starts one; none of them outlives the test."""
    started = []

    def start(call):
        started.append(SlowSu(every_door["su"].caller, alice, call))
        return started[-1]

    yield start
    for each in started:
        if each.terminal.isalive():
            each.terminal.kill(signal.SIGKILL)
        each.terminal.close()


def may_signal(account, pid, name):
    command = account.running("/bin/kill", f"-{name}", pid)
    done = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    assert done.returncode == 0 or "not permitted" in done.stderr, done.stderr
    return done.returncode == 0


# The call that makes the attempt durable, and the one that writes to the log, after the lock is released.
@pytest.mark.parametrize("call", ["fdatasync", "sendto"])
def test_nobody_but_root_can_stop_or_end_su_between_the_count_and_the_log_entry(slow_su, every_door, alice, journal, call):
    su, somebody = slow_su(call), every_door["su"].caller
    su.asked_for_a_code(alice)
    assert may_signal(somebody, su.pid(), "CONT"), "until then the user may end it"
    if call == "sendto":
        # The first log entry that strace sees of this process is that of the attempt: pam_unix has nothing to log.
        assert "sendto(" not in su.trace()
    su.terminal.sendline(alice.codes.now())
    su.wait_until_it_is_slow()
    for name in ("STOP", "KILL", "TERM", "CONT"):
        assert not may_signal(somebody, su.pid(), name), name
    assert f"admitted:{alice.name}" in su.outcome()
    assert journal.names(alice.name) == ["otp.accept"]


def test_signals_from_the_terminal_wait_for_the_log_entry(slow_su, alice, journal):
    su = slow_su("fdatasync")
    su.asked_for_a_code(alice)
    su.terminal.sendline(alice.codes.wrong())
    su.wait_until_it_is_slow()
    os.kill(int(su.pid()), signal.SIGTERM)  # as root, like the signal of a closed terminal or Ctrl-C
    su.outcome()
    assert journal.names(alice.name) == ["otp.reject"]


def test_su_without_cap_setuid_completes_the_attempt(every_door, alice, journal):
    """As in a container without CAP_SETUID: su cannot become the user, but reporting that is up to su."""
    setpriv, *rest = every_door["su"].caller.running("/usr/bin/su", alice.name, "-c", "true")
    command = [setpriv, "--bounding-set=-setuid", *rest]
    terminal = pexpect.spawn(
        command[0], command[1:], env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, encoding="utf-8",
        timeout=doors.TIMEOUT_SECONDS,
    )
    terminal.delaybeforesend = None
    terminal.expect("Password: ")
    terminal.sendline(alice.password)
    terminal.expect("Verification code: ")
    terminal.sendline(alice.codes.now())
    terminal.expect(pexpect.EOF)
    terminal.wait()
    terminal.close()
    assert terminal.signalstatus is None, "su did not abort"
    assert journal.names(alice.name) == ["otp.accept"]


@pytest.mark.usefixtures("service")
def test_slow_disk_costs_a_wait_and_not_the_login(slow_su, program, alice, clock):
    su = slow_su("fdatasync")
    su.asked_for_a_code(alice)
    su.terminal.sendline(alice.codes.now())
    assert f"admitted:{alice.name}" in su.outcome()
    clock.advance(60)
    slow = f"fdatasync:delay_enter={SLOW_SECONDS}s"
    assert traced.login(program, alice, alice.codes.now(), inject=slow, user=alice).code == SUCCESS


def test_frozen_su_holds_a_lock_for_half_a_minute_at_most(slow_su, alice):
    """Neither signals nor the user can hold su up, but a frozen control group can."""
    su = slow_su("")
    su.asked_for_a_code(alice)
    su.terminal.sendline(alice.codes.now())
    assert "admitted" in su.outcome()
    timers = re.findall(r"timer_create\(.*?sigev_signo=(SIG\w+).*?\[(\d+)\]\) = 0", su.trace())
    limits = dict(re.findall(r"timer_settime\((\d+), 0, {(it_interval=.*?it_value=.*?)}, NULL\) = 0", su.trace()))
    assert [name for name, _ in timers[:2]] == ["SIGCONT", "SIGKILL"]
    (_, goes_on), (_, ends) = timers[:2]
    assert "it_interval={tv_sec=0, tv_nsec=50000000}" in limits[goes_on]
    assert "it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=30, tv_nsec=0" in limits[ends]


def test_stopped_helpers_keep_out_neither_the_owner_nor_root(ssh, alice, under_test, journal):
    for _ in range(3):
        stopped = [traced_helper(under_test.helper, alice, "fdatasync:signal=STOP") for _ in range(16)]
        try:
            for each in stopped:
                each.ask(check(alice, alice.codes.wrong()))
            wait_until(lambda: "otp.attempt" in "".join(journal.lines()), "attempt")
            # On a busy machine sixteen helpers may take longer than a login waits. If they stayed stopped, each would take half
            # a minute.
            tries = (ssh.attempt(alice, alice.password, alice.recovery_codes.pop()).admitted for _ in range(3))
            assert any(tries)
            under_test.unlock(alice)
        finally:
            for each in stopped:
                each.__exit__()
