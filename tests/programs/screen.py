"""A display of the person's own: Xvfb or a headless compositor, and a keyboard on which a program types."""

import os
import pathlib
import subprocess

import probe as probes

DISPLAY = ":7"
ENVIRONMENT = {"PATH": os.environ["PATH"], "DISPLAY": DISPLAY, "HOME": "/home/person", "LC_ALL": "C.UTF-8"}


class Screen:
    """`with Screen() as screen:` an X server that runs as the person."""

    def __enter__(self):
        pathlib.Path("/tmp/.X11-unix").mkdir(exist_ok=True)
        pathlib.Path("/tmp/.X11-unix").chmod(0o1777)
        self._server = subprocess.Popen(
            # -r: without auto-repeat, because on a busy machine a key can look held.
            as_person("/usr/bin/Xvfb", DISPLAY, "-nolisten", "tcp", "-screen", "0", "1280x1024x24", "-noreset", "-r"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )
        probes.wait_until(pathlib.Path("/tmp/.X11-unix/X" + DISPLAY[1:]).exists, "Xvfb")
        # The first key changes the server's keyboard to xdotool's layout, which must not happen while a locker reads.
        self.key("Shift_L")
        return self

    def __exit__(self, *_):
        self._server.terminate()
        self._server.wait(timeout=60)

    def type(self, text):
        self.text(text)
        self.key("Return")

    def text(self, text):
        self._xdotool("type", "--delay", "1", "--file", "-", text=text)

    def key(self, name):
        self._xdotool("key", name)

    def _xdotool(self, *arguments, text=""):
        subprocess.run(as_person("/usr/bin/xdotool", *arguments), input=text, text=True, check=True, env=ENVIRONMENT,
                       capture_output=True)


def as_person(*command):
    return ["/usr/sbin/runuser", "-u", "person", "--", *command]
