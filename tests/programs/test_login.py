"""login, as getty starts it."""

# light
# bookworm: login
# trixie: login

import pathlib

import pytest
import table
import terminal

SHELL = pathlib.Path("/usr/local/bin/inside")


class Login(terminal.Program):
    services = ("login",)

    def prepare(self):
        SHELL.write_text(f"#!/bin/sh\n{self.command_inside}\n")
        SHELL.chmod(0o755)
        table.run("usermod", "--shell", SHELL, self.person)

    def command(self):
        return ["/bin/login", self.person]

    def before_next_try(self, child, text):
        if "login: " not in text:
            return False
        child.sendline(self.person)
        return True


@pytest.mark.program("login 4.13", "login 2.41")
def test_login(row, probe):
    table.compare(row, terminal.measure(Login(), probe, row))
