"""The files of conf/pam.d are the ones under test: installed unchanged, with the lines that they quote for other files."""

import pathlib
import re

import pytest

CONF = pathlib.Path("/run/pam_otp-tests/recipes")


def text(name):
    return (CONF / name).read_text()


@pytest.fixture
def follow(under_test):
    """`follow(NAME)` installs the file of conf/pam.d unchanged; a second argument is added to our lines."""

    def follow_recipe(name, arguments="", service=None):
        put_in_place(name, under_test.module, arguments, service)

    return follow_recipe


def put_in_place(name, module, arguments="", service=None):
    """Installs the file as the service's. Only our module, which is not where libpam looks, is named by its path."""
    lines = re.sub(r"(?m)^(auth\s.*)\bpam_otp\.so\b(.*)$", rf"\1pam_otp.so\2 {arguments}", text(name))
    lines, found = re.subn(r"(?m)^(auth\s.*|account\s.*)\bpam_otp\.so\b", rf"\1{module}", lines)
    assert found, name
    # Passwords here are long and random, so pam_unix need not wait after a wrong one.
    lines = re.sub(r"(?m)^(auth\s.*pam_unix\.so.*)$", r"\1 nodelay", lines)
    pathlib.Path("/etc/pam.d", service or name).write_text(lines)


def quoted(name, of):
    """The lines that the file gives for another one: those indented below the first line that names it."""
    lines = text(name).splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("#") and line.rstrip(":").endswith(of)]
    found = []
    for line in lines[start + 1 :]:
        if line.startswith("#   "):
            found.append(line[4:])
        elif line != "#" or found:
            break
    assert found, f"{name} quotes nothing of {of}"
    return "\n".join(found) + "\n"
