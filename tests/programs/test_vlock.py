"""vlock, which locks a terminal."""

# light
# bookworm: vlock
# trixie: vlock

import pytest
import table
import terminal

READY = "[ENTER]"


class Vlock(terminal.Program):
    services = ("vlock",)
    runner = "person"

    def command(self):
        return self.running("/bin/sh", "-c", f"vlock --current && {self.command_inside}")

    def begin(self, child):
        child.expect_exact(READY)
        child.sendline("")

    def before_next_try(self, child, text):
        if READY not in text:
            return False
        child.sendline("")
        return True


@pytest.mark.program("vlock")
def test_vlock(row, probe):
    table.compare(row, terminal.measure(Vlock(), probe, row))
    # The last measurement is of refusals.
    assert [call["user"] for call in probe.calls("authenticate")][:3] == ["person", "root", "person"]
