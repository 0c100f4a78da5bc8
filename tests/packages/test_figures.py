"""What README.md says that the module weighs."""

import pathlib
import platform
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def test_readme_states_what_the_command_prints(deb, tmp_path):
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    (module,) = tmp_path.rglob("pam_otp.so")
    printed = subprocess.run(
        ["packaging/figures", module], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    readme = (TOP / "README.md").read_text()
    stated = re.search(r"`packaging/figures`.*?\n\n((?:    .*\n)+)", readme, re.DOTALL)[1].splitlines()
    size, *others = [line.strip() for line in stated]
    assert others == printed[1:]
    # Another release of the compiler makes it a little larger or smaller.
    kib = [int(re.search(r"(\d+) KiB", line)[1]) for line in (size, printed[0])]
    assert abs(kib[0] - kib[1]) < kib[0] / 20


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction is one of x86")
def test_the_processor_is_asked_in_one_place_what_it_can_do(deb, tmp_path):
    """On a virtual machine each such question goes to the hypervisor, and takes longer than to hash all that a login hashes.
    Those three are of argon2, which asks before the slow hash of an imported code, and never else: test_instructions.py.
    """
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    for name in ("pam_otp.so", "otp-helper"):
        (program,) = tmp_path.rglob(name)
        code = subprocess.run(["objdump", "--disassemble", program], capture_output=True, text=True, check=True).stdout
        assert "\tret" in code
        assert code.count("\tcpuid") == 3, name
