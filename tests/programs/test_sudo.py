"""sudo, and sudo -i."""

# light
# bookworm: sudo
# trixie: sudo

import pathlib

import probe as probes
import pytest
import table
import terminal

SUDOERS = "Defaults timestamp_timeout=0, lecture=never, !fqdn\nperson ALL=(ALL:ALL) ALL\n"


class Sudo(terminal.Program):
    services = ("sudo", "sudo-i")
    runner = "person"
    program = "/usr/bin/sudo"

    def __init__(self, *options):
        self.options = options

    def prepare(self):
        pathlib.Path("/etc/sudoers").write_text(SUDOERS)

    def command(self):
        return self.running(self.program, *self.options, "/bin/sh", "-c", self.command_inside)


@pytest.mark.program("sudo")
def test_sudo(row, probe):
    table.compare(row, terminal.measure(Sudo(), probe, row))


@pytest.mark.program("sudo")
def test_sudo_with_a_login_shell_differs_in_its_service_alone(row, probe):
    table.compare(row, terminal.measure(Sudo("-i"), probe, row))
    assert {call["service"] for call in probe.calls()} == {"sudo-i"}


def log_in(program, probe, question):
    """Logs in with two hidden questions, in these words, and is let in."""
    probe.protect("sudo")
    program.prepare()
    probe.plan("hidden hidden =SUCCESS")
    child = program.spawn()
    screen = terminal.Screen(child)
    for asked, reply in zip(question, terminal.REPLIES):
        screen.wait_for(asked)
        child.sendline(reply)
    screen.wait_for(terminal.INSIDE)
    screen.read_to_end()
    return screen.text


@pytest.mark.program("sudo")
def test_sudo_from_1_9_16_on_has_a_setting_that_shows_messages(row, probe):
    class Told(Sudo):
        def prepare(self):
            pathlib.Path("/etc/sudoers").write_text("Defaults !pam_silent\n" + SUDOERS)

    log_in(Told(), probe, [probes.PASSWORD, probes.CODE])
    assert table.flags_of(probe) == {"bookworm": "silent", "trixie": "0 / silent"}[table.RELEASE]


@pytest.mark.program("sudo")
def test_prompt_of_the_command_line_replaces_the_question_for_the_code_too(row, probe):
    said = log_in(Sudo("-p", "Say it: "), probe, ["Say it: ", "Say it: "])
    assert "Probe" not in said and probe.replies("hidden") == terminal.REPLIES[:2]
