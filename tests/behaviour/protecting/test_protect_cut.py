"""otp-admin protect, cut off at any moment: each file is the old one or the new one, and the next run puts the old ones back."""

import os
import pathlib
import signal

import pexpect
import pytest

from protecting import (  # noqa: F401 (fixtures)
    DROP_IN, KEEP, KEPT, LINE, PAM, SHIPPED, Talk, everything, guards, installed, run, shipped,
)
from clock import wait_until

pytestmark = pytest.mark.promised_by("ours")

# By which a file gets its text, its place, and its end.
CALLS = ["rename", "fsync", "unlink", "fchmod"]


@pytest.fixture(autouse=True)
def as_shipped(shipped):
    pass


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_any_call_each_file_is_whole_and_the_next_run_puts_it_back(alice, clock, call):
    """The process that undoes is traced as well, and killed at its own call of that number."""
    before = everything()
    drop_in = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
    killed = 0
    for number in range(1, 30):
        clock.advance(30)
        tracer = ["/usr/bin/strace", "--follow-forks", "--quiet=all", "--output=/dev/null", f"--trace={call}",
                  f"--inject={call}:signal=KILL:when={number}"]
        talk = Talk(alice, "protect", "sshd", wrapped=tracer)
        talk.log_in()
        found = talk.child.expect_exact([KEEP, pexpect.EOF])
        killed += found
        # Where nothing was killed by now, the terminal is lost.
        talk.child.close(force=True)
        wait_until(lambda: not guards(), "the end of the process that undoes")
        sshd = (PAM / "sshd").read_text()
        assert sshd in (SHIPPED["sshd"], SHIPPED["sshd"].replace("@include common-auth\n", (
            f"@include common-auth\n# otp-admin protect: the next line\n{LINE}\n"))), number
        assert not DROP_IN.exists() or DROP_IN.read_text().endswith(drop_in), number
        # With the line alone, sshd would send a password that it was given at once as a code.
        assert LINE not in sshd or DROP_IN.exists(), number
        done = run(alice, "unprotect", "sudo")
        assert done.returncode == 0, done
        left = {path: what for path, what in everything().items() if ".pam_otp-protect.new" not in path}
        assert left == before, number
        assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()
        if found == 0:
            break
    assert killed > 1 and found == 0


# The drop-in is in place; the line is about to be; it is.
@pytest.mark.parametrize("call, number", [("rename", 3), ("unlink", 4), ("fsync", 7), ("rename", 4)])
def test_what_is_put_in_place_after_the_guard_has_undone_goes_as_well(alice, tmp_path, call, number):
    """Stopped while it puts the files in place, as by Ctrl-Z; continued when the time is over."""
    before = everything()
    trace = tmp_path / "trace"
    tracer = ["/usr/bin/strace", "--quiet=attach,exit", f"--output={trace}", f"--trace={call}",
              f"--inject={call}:signal=STOP:when={number}"]
    talk = Talk(alice, "protect", "sshd", wrapped=tracer)
    talk.log_in()
    wait_until(lambda: trace.exists() and "stopped by SIGSTOP" in trace.read_text(), "the call at which it is stopped")
    (guard,) = guards()
    assert DROP_IN.exists()
    process = int(pathlib.Path("/proc", str(guard), "stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGTERM)
    wait_until(lambda: not DROP_IN.exists(), "undoing")
    os.kill(process, signal.SIGCONT)
    # 2: its file was gone before it was renamed.
    assert talk.end() in (1, 2), talk.screen
    wait_until(lambda: not guards(), "the end of the process that undoes")
    assert everything() == before
    assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()
