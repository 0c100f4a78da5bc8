"""otp-admin protect is cut off at any moment: each file is the old one or the new one, and the next run restores the old ones."""

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

# The calls by which a file gets its text, gets its place, or is removed.
CALLS = ["rename", "fsync", "unlink", "fchmod"]


@pytest.fixture(autouse=True)
def as_shipped(shipped):
    pass


@pytest.mark.parametrize("call", CALLS)
def test_kill_at_any_call_leaves_each_file_whole_and_the_next_run_restores_it(alice, clock, call):
    """The guard process is traced as well, and killed at its own call of that number."""
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
        # If nothing has been killed by now, the terminal is lost instead.
        talk.child.close(force=True)
        wait_until(lambda: not guards(), "the end of the process that undoes")
        sshd = (PAM / "sshd").read_text()
        assert sshd in (SHIPPED["sshd"], SHIPPED["sshd"].replace("@include common-auth\n", (
            f"@include common-auth\n# otp-admin protect: the next line\n{LINE}\n"))), number
        assert not DROP_IN.exists() or DROP_IN.read_text().endswith(drop_in), number
        # With only the line, sshd would use a password sent in advance as the code.
        assert LINE not in sshd or DROP_IN.exists(), number
        done = run(alice, "unprotect", "sudo")
        assert done.returncode == 0, done
        left = {path: what for path, what in everything().items() if ".pam_otp-protect.new" not in path}
        assert left == before, number
        assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()
        if found == 0:
            break
    assert killed > 1 and found == 0


# The moments: the drop-in is in place; the line is about to be; the line is in place.
@pytest.mark.parametrize("call, number", [("rename", 3), ("unlink", 4), ("fsync", 7), ("rename", 4)])
def test_files_put_in_place_after_the_guard_has_undone_are_removed_too(alice, tmp_path, call, number):
    """The command is stopped while it puts the files in place, as by Ctrl-Z, and continued when the time is over."""
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
    # 2: its file was gone before the command could rename it.
    assert talk.end() in (1, 2), talk.screen
    wait_until(lambda: not guards(), "the end of the process that undoes")
    assert everything() == before
    assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()
