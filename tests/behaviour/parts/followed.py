"""A login under valgrind: its path through the instructions, and how many there are. Neither varies with the machine or its
load."""

import os
import re
import subprocess

WAY = re.compile(rb"SB ([0-9a-f]+)|SYSCALL\[\d+,\d+\]\(\s*\d+\) sys_(flock|pwrite64) ")
MODULE = ("pam_sm_authenticate",)
# libpam loads the modules in the first of these, and releases them in the last.
WHOLE_LOGIN = ("pam_start", "pam_authenticate", "pam_end")


def run(tool, program, script, log):
    """Runs the program under a tool of valgrind's, to its end."""
    command = ["valgrind", "--quiet", f"--log-file={log}", *tool, program]
    done = subprocess.run(command, input=script, capture_output=True, timeout=600, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    return done.stdout


def way(program, script, directory):
    """The path of the login from the moment it has the lock: the address of each block of instructions, and `pwrite64`."""
    log = directory / "way"
    tool = ["--tool=lackey", "--basic-counts=no", "--trace-superblocks=yes", "--trace-syscalls=yes"]
    run(tool, program, script, log)
    steps = [address or call for address, call in WAY.findall(log.read_bytes())]
    return [step for step in steps[steps.index(b"flock") + 1 :] if step != b"flock"]


def instructions(program, script, directory, functions=MODULE):
    """The number of instructions of these functions, with everything that they call."""
    counted = directory / "counted"
    toggles = [f"--toggle-collect={function}" for function in functions]
    run(["--tool=callgrind", f"--callgrind-out-file={counted}", *toggles], program, script, directory / "log")
    return int(re.search(r"^(?:summary|totals): (\d+)$", counted.read_text(), re.MULTILINE)[1])


def executed(program, script, directory, object, functions=MODULE):
    """The addresses in a binary at which these functions, with everything that they call, executed instructions."""
    counted = directory / "executed"
    toggles = [f"--toggle-collect={function}" for function in functions]
    plain = ["--dump-instr=yes", "--compress-pos=no", "--compress-strings=no"]
    run(["--tool=callgrind", f"--callgrind-out-file={counted}", *plain, *toggles], program, script, directory / "log")
    addresses, within = set(), False
    for line in counted.read_text().splitlines():
        if line.startswith("ob="):
            within = line == f"ob={object}"
        elif within and line.startswith("0x"):
            addresses.add(int(line.split()[0], 16))
    return addresses
