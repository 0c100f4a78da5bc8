"""Measures a program that runs users' jobs without asking them anything."""

import pathlib

import kept
import table
from probe import wait_until

DONE = pathlib.Path("/tmp/job-done")
JOB = f"/usr/bin/touch {DONE}"


def prepare():
    for crontab in pathlib.Path("/etc/cron.d").glob("*"):
        crontab.unlink()


def wait_for_end(probe):
    """Waits until the job has run and its session is closed."""
    wait_until(DONE.exists, "end of the job")
    probe.wait_for_call("close_session")


def measure(service, run_job, probe):
    """Measures every key, with two jobs one after the other."""
    probe.protect(service)
    found = {"services": [service], "includes": table.included_by(service)}
    processes = []
    for _ in range(2):
        DONE.unlink(missing_ok=True)
        probe.plan("info error hidden =SUCCESS")
        run_job()
        processes.append(probe.calls("open_session")[0]["pid"])
    asked = probe.calls("authenticate")
    found |= table.caller_of(probe, "person") | table.further_calls(probe)
    found["lives"] = "many logins" if processes[0] == processes[1] else "one login"
    found |= {"asks": "never" if not asked else "asks", "tries": len(asked), "again": [], "repeats": len(asked) > 1}
    # These keys are empty, because nothing is asked.
    assert not probe.steps
    nothing = ["information", "error", "text", "echoed", "auth_err", "maxtries", "unavail", "ignore"]
    found |= dict.fromkeys(nothing, "") | {"last_words": "lost"}
    found["keeps"] = kept.keepers()
    return found
