"""runuser, with which root runs a command as another user."""

# light
# bookworm: util-linux
# trixie: util-linux

import subprocess

import never_asks
import pytest
import table


@pytest.mark.program("runuser")
def test_runuser(row, probe):
    def run_job():
        subprocess.run(["/usr/sbin/runuser", "person", "-c", never_asks.JOB], check=True, cwd="/")
        never_asks.wait_for_end(probe)

    table.compare(row, never_asks.measure("runuser", run_job, probe))
