"""Servers of the test's own, and a clock that goes on for them."""

import os
import pathlib
import socket
import subprocess
import threading
import time

import sshd
from clock import wait_until

LOGS = pathlib.Path("/var/log/recipes")


class Server:
    """`with Server():` runs it until the end of the block; its output is in `log`."""

    # The account as which it runs PAM; None: root.
    runs_as = None
    # A fixed port, where it cannot use any other.
    on_port = None
    # Whether it gives PAM the client's address.
    tells_address = True

    def command(self):
        raise NotImplementedError

    def prepare(self):
        pass

    def ready(self):
        return listens(self.port)

    def __enter__(self):
        sshd.bring_loopback_up()
        self.port = self.on_port or sshd.free_port()
        LOGS.mkdir(exist_ok=True)
        self.log = LOGS / type(self).__name__
        self.prepare()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, self.command())), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, start_new_session=True,
            )
        wait_until(self._up, type(self).__name__)
        return self

    def _up(self):
        assert self.process.poll() is None, f"{self.said()}\nended with {self.process.returncode}"
        return self.ready()

    def said(self):
        return self.log.read_text(errors="replace")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=60)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((sshd.HOST, port)) == 0


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd="/", **options)
    assert done.returncode == 0, f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def directory(path, owner="root", mode=0o755):
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    run("chown", f"{owner}:", path)
    return path


class Ticking:
    """`with Ticking(clock):` the clock of the PAM programs goes on at the real speed, from its current time. It can still
    be advanced."""

    def __init__(self, clock):
        self._clock = clock
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def _tick(self):
        last = time.monotonic()
        while not self._end.wait(0.05):
            seconds = int(time.monotonic() - last)
            if seconds:
                last += seconds
                self._clock.advance(seconds)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
