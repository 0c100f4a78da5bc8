"""The limits of nginx: one worker serves everybody, and PAM holds it until PAM has answered."""

import pathlib
import re
import threading
import time

import pytest

from web import Nginx

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def trusted(policy, journal, going_on):
    policy(f'[helper]\ntrusted_callers = ["{Nginx.runs_as}"]\n')


class Watched(Nginx):
    """nginx under strace, which records for how long the worker sleeps."""

    def command(self):
        self.sleeps = pathlib.Path("/run/pam_otp-tests/sleeps")
        return ["strace", "--follow-forks", "--trace=select,pselect6,nanosleep,clock_nanosleep", "-o", self.sleeps,
                *super().command()]

    def seconds_asleep(self):
        """Returns the seconds for which libpam made the worker wait, in all; nginx itself waits only for events (epoll)."""
        found = re.findall(r"p?select6?\(0, NULL, NULL, NULL, \{tv_sec=(\d+), tv_n?u?sec=(\d+)", self.sleeps.read_text())
        return sum(int(seconds) + int(rest) / 10**9 for seconds, rest in found)


class Nobody:
    name = "nobody"


def longest_pause(program, meanwhile):
    """Returns the longest time between two answers to another client meanwhile, in seconds."""
    over = threading.Event()

    def refused():
        meanwhile()
        over.set()

    thread = threading.Thread(target=refused)
    times = [time.monotonic()]
    thread.start()
    while not over.is_set():
        assert program.status(Nobody, "nothing", path="/open") == 204
        times.append(time.monotonic())
    thread.join()
    return max(after - before for before, after in zip(times, times[1:]))


@pytest.mark.parametrize("stack", ["nodelay", "delay"])
def test_a_wrong_code_makes_the_worker_sleep_only_without_nodelay(follow, trusted, alice, stack):
    follow("nginx")
    if stack == "delay":
        file = pathlib.Path("/etc/pam.d/nginx")
        file.write_text(re.sub(r" nodelay", "", file.read_text()))
    with Watched() as program:
        assert program.seconds_asleep() == 0
        pause = longest_pause(program, lambda: program.log_in(alice, alice.password + alice.codes.wrong()))
        print(f"longest pause of the worker, {stack}: {pause:.2f} s")
        # PAM waits for two seconds, give or take a half.
        assert (program.seconds_asleep() >= 1) == (stack == "delay")


def test_wrong_codes_lock_all_the_same(follow, trusted, alice, journal):
    follow("nginx")
    with Nginx() as program:
        for _ in range(5):
            assert not program.log_in(alice, alice.password + alice.codes.wrong())
        assert not program.log_in(alice, alice.password + alice.codes.now())
    assert journal.names(alice.name) == [*["otp.reject"] * 4, "otp.lock", "otp.locked"]


@pytest.mark.parametrize("without", ["shadow", "trusted_callers"])
def test_recipe_needs_the_group_and_the_trust(follow, going_on, alice, policy, journal, without):
    """pam_unix checks other users' passwords only with the group shadow, and otp-helper only for accounts that the policy names."""
    from servers import run

    policy("" if without == "trusted_callers" else f'[helper]\ntrusted_callers = ["{Nginx.runs_as}"]\n')
    follow("nginx")
    program = Nginx()
    if without == "shadow":
        program.configure = lambda: (Nginx.configure(program), run("gpasswd", "--delete", Nginx.runs_as, "shadow"))
    with program:
        assert not program.log_in(alice, alice.password + alice.codes.now())
