"""cron, by a job that is due when it starts."""

# light
# bookworm: cron
# trixie: cron

import pathlib

import never_asks
import pytest
import table
from daemon import Daemon


@pytest.mark.program("cron")
def test_cron(row, probe):
    job = pathlib.Path("/etc/cron.d/job")
    never_asks.prepare()
    job.write_text(f"@reboot person {never_asks.JOB}\n")

    def run_job():
        pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
        with Daemon("cron", "/usr/sbin/cron", "-f", "-L", "15"):
            never_asks.wait_for_end(probe)

    table.compare(row, never_asks.measure("cron", run_job, probe))
