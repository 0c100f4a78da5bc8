"""The sizes of the module and the packages that README.md states, and code that must not be in them."""

import pathlib
import platform
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def test_readme_states_what_the_command_prints(deb, verifier_deb, portal_deb, tmp_path):
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    (module,) = tmp_path.rglob("pam_otp.so")
    printed = subprocess.run(
        ["packaging/figures", module, deb, verifier_deb, portal_deb], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    readme = (TOP / "README.md").read_text()
    stated = re.search(r"`packaging/figures`.*?\n\n((?:    .*\n)+)", readme, re.DOTALL)[1].splitlines()
    assert len(stated) == len(printed)
    for said, found in zip(map(str.strip, stated), printed):
        # Another release of the compiler makes the file a little larger or smaller.
        kib = [int(size) for line in (said, found) for size in re.findall(r"(\d+) KiB", line)]
        assert re.sub(r"\d+ KiB", "", said) == re.sub(r"\d+ KiB", "", found)
        assert not kib or abs(kib[0] - kib[1]) < kib[0] / 20, (said, found)


def test_the_module_and_the_helper_have_no_tls_and_no_library_for_it(deb, tmp_path):
    """Only otp-fleet, a program of its own, speaks to a verifier."""
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    # Both sides of TLS 1.3 hash this text (RFC 8446, section 4.4.3), so every implementation contains it.
    mark = b"TLS 1.3, server CertificateVerify"
    libraries = {"pam_otp.so": {"libc", "libpam"}, "otp-helper": {"libc", "libpam"}, "otp-fleet": {"libc"}}
    for name, expected in libraries.items():
        (program,) = tmp_path.rglob(name)
        headers = subprocess.run(["readelf", "--dynamic", "--wide", program], capture_output=True, text=True, check=True)
        needed = {library.split(".")[0] for library in re.findall(r"\(NEEDED\).*\[(.*)\]", headers.stdout)}
        assert {library for library in needed if not library.startswith(("ld-", "libgcc_s", "libm"))} == expected, name
        assert (mark in program.read_bytes()) == (name == "otp-fleet"), name


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction is one of x86")
def test_the_processor_is_asked_for_its_features_in_one_place(deb, tmp_path):
    """On a virtual machine each such instruction goes to the hypervisor, and takes longer than all hashes of a login. The three are
    argon2's, which asks before the slow hash of an imported code and at no other time: test_instructions.py.
    """
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    for name in ("pam_otp.so", "otp-helper"):
        (program,) = tmp_path.rglob(name)
        code = subprocess.run(["objdump", "--disassemble", program], capture_output=True, text=True, check=True).stdout
        assert "\tret" in code
        assert code.count("\tcpuid") == 3, name
