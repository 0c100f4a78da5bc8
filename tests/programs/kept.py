"""Finds where a program has left the text that it was shown: in the files that are written here, or in the system log."""

import os
import pathlib
import re
import socket
import threading
import time

import probe as probes

# The places to which programs write here. The output of daemons is in OUTPUT, so that it is searched too.
PLACES = ["/run", "/tmp", "/var", "/etc", "/home", "/root", "/dev/shm"]
OUTPUT = pathlib.Path("/var/log/standard-error")
# Files of the module and of the tests.
NOT_SEARCHED = [probes.DIRECTORY, pathlib.Path("/run/suite"), pathlib.Path("/run/reports")]
# For each message, a part that survives the changes of programs to text.
MARKERS = {
    "information": re.compile(rb"probe\s+information\s+(one|three)", re.IGNORECASE),
    "error": re.compile(rb"probe\s+error", re.IGNORECASE),
}
# The start of these tests, less a second, because some file systems keep times less exactly than the clock.
BEGIN = time.time() - 1
SYSLOG = pathlib.Path("/var/log/syslog-of-the-test")


class SystemLog:
    """/dev/log, written to a file that is searched like the others."""

    def __init__(self):
        path = pathlib.Path("/dev/log")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        OUTPUT.mkdir()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        with open(SYSLOG, "ab", buffering=0) as file:
            while True:
                file.write(self._socket.recv(65536) + b"\n")


def output_of(name):
    """Opens a file for a daemon's standard output and error."""
    return open(OUTPUT / name, "ab")


def keepers():
    """Returns "nowhere", or the places where a message of the module is found."""
    found = set()
    for place in PLACES:
        for directory, _, names in os.walk(place):
            if any(pathlib.Path(directory).is_relative_to(other) for other in NOT_SEARCHED):
                continue
            for name in names:
                path = pathlib.Path(directory, name)
                try:
                    if path.is_symlink() or not path.is_file():
                        continue
                    # A file that is older than the tests cannot have the message.
                    if path.stat().st_ctime < BEGIN:
                        continue
                    content = path.read_bytes()
                except OSError:
                    continue  # it has gone meanwhile
                if any(marker.search(content) for marker in MARKERS.values()):
                    found.add("syslog" if path == SYSLOG else "standard error" if path.parent == OUTPUT else str(path))
    return ", ".join(sorted(found)) or "nowhere"


def assert_search_finds():
    """Checks that the search finds a text that is there."""
    planted = pathlib.Path("/tmp/planted")
    planted.write_text(f"... {probes.INFORMATION[0]} ...")
    assert str(planted) in keepers()
    planted.unlink()
