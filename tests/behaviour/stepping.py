"""Following a login instruction by instruction, by first_difference.c."""

import pathlib
import subprocess
import tempfile

import pytest

SOURCE = pathlib.Path(__file__).with_name("first_difference.c")
BYTES_A_STEP = 8


@pytest.fixture(scope="session")
def first_difference():
    """`first_difference(MODE, TRACE, PROGRAM, SCRIPT)` runs the tracer; its output."""
    tracer = pathlib.Path(tempfile.mkdtemp(prefix="first_difference."), "first_difference")
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", tracer, SOURCE], check=True)

    def run(mode, trace, program, script):
        done = subprocess.run([tracer, mode, trace, program], input=script, capture_output=True, timeout=600)
        assert done.returncode == 0, (mode, done.returncode, done.stderr)
        return done.stdout.decode()

    return run


def steps_of(trace):
    """How many instructions a recorded run took from the moment it had the lock."""
    return trace.stat().st_size // BYTES_A_STEP
