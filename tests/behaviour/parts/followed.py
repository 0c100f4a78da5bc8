"""A login followed by valgrind: the way it takes through its instructions, and how many there are. Neither varies with the
machine or its load."""

import os
import re
import subprocess

WAY = re.compile(rb"SB ([0-9a-f]+)|SYSCALL\[\d+,\d+\]\(\s*\d+\) sys_(flock|pwrite64) ")
FIRST = b"pam_sm_authenticate"


def run(tool, program, script, log):
    """The program under a tool of valgrind's, to its end."""
    command = ["valgrind", "--quiet", f"--log-file={log}", *tool, program]
    done = subprocess.run(command, input=script, capture_output=True, timeout=600, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    return done.stdout


def way(program, script, directory):
    """Where the login goes from the moment it has the lock: the address of each block of instructions, and `pwrite64`."""
    log = directory / "way"
    tool = ["--tool=lackey", "--basic-counts=no", "--trace-superblocks=yes", "--trace-syscalls=yes"]
    run(tool, program, script, log)
    steps = [address or call for address, call in WAY.findall(log.read_bytes())]
    return [step for step in steps[steps.index(b"flock") + 1 :] if step != b"flock"]


def instructions(program, script, directory):
    """How many instructions pam_sm_authenticate takes, with all that it calls."""
    counted = directory / "counted"
    tool = ["--tool=callgrind", f"--callgrind-out-file={counted}", f"--toggle-collect={FIRST.decode()}"]
    run(tool, program, script, directory / "log")
    return int(re.search(r"^(?:summary|totals): (\d+)$", counted.read_text(), re.MULTILINE)[1])
