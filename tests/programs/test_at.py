"""atd, by a job that is due at once."""

# light
# bookworm: at
# trixie: at

import pathlib
import subprocess

import never_asks
import pytest
import table
from daemon import Daemon
from probe import wait_until


@pytest.mark.program("at")
def test_at(row, probe):
    never_asks.prepare()

    def run_job():
        with Daemon("atd", "/usr/sbin/atd", "-f"):
            wait_until(pathlib.Path("/run/atd.pid").exists, "atd")
            subprocess.run(["/usr/sbin/runuser", "-u", "person", "--", "/usr/bin/at", "now"], input=never_asks.JOB, text=True,
                           check=True, capture_output=True, cwd="/")
            never_asks.wait_for_end(probe)

    table.compare(row, never_asks.measure("atd", run_job, probe))
