"""A program that runs in the background for as long as a test needs it."""

import os
import subprocess

import kept


class Daemon:
    """`with Daemon(NAME, COMMAND...):` its output is searched for the text that was shown. It is stopped by its pid."""

    def __init__(self, name, *command, account=None, **environment):
        self._name = name
        self._command = [*(["/usr/sbin/runuser", "-u", account, "--"] if account else []), *map(str, command)]
        self._environment = {**os.environ, **environment}

    def __enter__(self):
        with kept.output_of(self._name) as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment, cwd="/",
            )
        self.pid = self._process.pid
        return self

    def running(self):
        return self._process.poll() is None

    def said(self):
        return (kept.OUTPUT / self._name).read_text(errors="replace")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)
