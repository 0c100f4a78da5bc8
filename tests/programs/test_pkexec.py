"""pkexec at a terminal, with polkitd and its helper; run0 and systemctl go the same way."""

# light
# bookworm: pkexec polkitd dbus
# trixie: pkexec polkitd dbus

import pathlib

import pytest
import table
import terminal
from daemon import Daemon
from probe import wait_until

AT_TERMINAL = pathlib.Path("/usr/local/bin/with-agent")
WITH_AGENT = """
import os, subprocess, sys
reading, writing = os.pipe()
agent = subprocess.Popen(["pkttyagent", "--process", str(os.getpid()), "--notify-fd", str(writing)], pass_fds=[writing])
os.close(writing)
os.read(reading, 1)
code = subprocess.call(["pkexec", "--disable-internal-agent", *sys.argv[1:]])
agent.terminate()
agent.wait()
sys.exit(code)
"""
BUS = pathlib.Path("/run/dbus/system_bus_socket")


class Pkexec(terminal.Program):
    services = ("polkit-1",)
    runner = "person"

    def prepare(self):
        # pkexec's built-in agent fails in Debian 12 without a session of logind ("No session for cookie").
        AT_TERMINAL.write_text(WITH_AGENT)

    def command(self):
        return self.running("/usr/bin/env", "SHELL=/bin/sh", "/usr/bin/python3", AT_TERMINAL, "/bin/sh", "-c", self.command_inside)


@pytest.fixture
def polkit():
    """The person is an administrator, and the only one."""
    table.run("usermod", "--append", "--groups", "sudo", "person")
    BUS.parent.mkdir()
    (daemon,) = [path for path in map(pathlib.Path, ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd")) if path.exists()]
    with Daemon("dbus", "/usr/bin/dbus-daemon", "--system", "--nofork", "--nopidfile"):
        wait_until(BUS.exists, "the system bus")
        with Daemon("polkitd", daemon):
            wait_until(lambda: registered("org.freedesktop.PolicyKit1"), "polkitd")
            yield


def registered(name):
    names = table.run(
        "dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames",
    )
    return name in names


@pytest.mark.program("pkexec")
def test_pkexec(row, probe, polkit):
    table.compare(row, terminal.measure(Pkexec(), probe, row))
