"""Terminals on a display: how each is started with a font, a size and a background, and made to show one text after another."""

import os
import select
import signal
import subprocess

import display

COLUMNS, LINES = 100, 50
GEOMETRY = f"{COLUMNS}x{LINES}+0+0"
DARK, LIGHT = ("#000000", "#ffffff"), ("#ffffff", "#000000")
FONTS = ["DejaVu Sans Mono", "Liberation Mono", "Noto Mono", "Hack"]
SIZES = [8, 11, 14]


def xterm(home, font, size, background, ink):
    return ["xterm", "-fa", font, "-fs", str(size), "-geometry", GEOMETRY, "-bg", background, "-fg", ink, "-e"]


def st(home, font, size, background, ink):
    # Its colours are compiled in; Terminal sets them by sequences.
    return ["st", "-f", f"{font}:size={size}", "-g", GEOMETRY, "-e"]


def mlterm(home, font, size, background, ink):
    (home / ".mlterm").mkdir()
    (home / ".mlterm/aafont").write_text(f"DEFAULT = {font}\nISO10646_UCS4_1 = {font}\n")
    pixels = round(size * display.DPI / 72)
    return ["mlterm", "--type", "xft", "-w", str(pixels), "-g", GEOMETRY, "-b", background, "-f", ink, "-O", "none", "-e"]


def urxvt(home, font, size, background, ink):
    return ["urxvt", "-fn", f"xft:{font}:size={size}", "-geometry", GEOMETRY, "-bg", background, "-fg", ink, "+sb", "-e"]


def konsole(home, font, size, background, ink):
    profiles = home / ".local/share/konsole"
    profiles.mkdir(parents=True)
    scheme = "Linux" if (background, ink) == DARK else "BlackOnWhite"
    (profiles / "picture.profile").write_text(
        f"[General]\nName=picture\nParent=FALLBACK/\nTerminalColumns={COLUMNS}\nTerminalRows={LINES}\n"
        f"[Appearance]\nColorScheme={scheme}\nFont={font},{size},-1,5,50,0,0,0,0,0\n[Scrolling]\nScrollBarPosition=2\n"
    )
    (home / ".config").mkdir()
    (home / ".config/konsolerc").write_text("[KonsoleWindow]\nRememberWindowSize=false\n")
    return ["dbus-run-session", "--", "konsole", "--profile", "picture", "--hide-menubar", "--hide-tabbar", "-e"]


def gnome_terminal(home, font, size, background, ink):
    settings = home / ".config/glib-2.0/settings"
    settings.mkdir(parents=True)
    (settings / "keyfile").write_text(
        "[org/gnome/terminal/legacy/profiles:/:b1dcc9dd-5262-4d8d-a863-c897e6d979b9]\n"
        f"use-system-font=false\nfont='{font} {size}'\nuse-theme-colors=false\n"
        f"background-color='{background}'\nforeground-color='{ink}'\nscrollbar-policy='never'\n"
        "[org/gnome/terminal/legacy]\ndefault-show-menubar=false\n"
    )
    return ["env", "GSETTINGS_BACKEND=keyfile", "dbus-run-session", "--", "gnome-terminal", "--wait", "--hide-menubar",
            f"--geometry={GEOMETRY}", "--"]


def alacritty(home, font, size, background, ink):
    (home / "alacritty.yml").write_text(
        f"font:\n  size: {size}\n  normal: {{family: {font}}}\n"
        f"window: {{dimensions: {{columns: {COLUMNS}, lines: {LINES}}}, position: {{x: 0, y: 0}}, decorations: none}}\n"
        f"colors: {{primary: {{background: '{background}', foreground: '{ink}'}}}}\n"
    )
    return ["env", "WINIT_X11_SCALE_FACTOR=1", "alacritty", "--config-file", str(home / "alacritty.yml"), "-e"]


def kitty(home, font, size, background, ink):
    settings = {"font_family": font, "font_size": size, "background": background, "foreground": ink, "remember_window_size": "no",
                "initial_window_width": f"{COLUMNS}c", "initial_window_height": f"{LINES}c"}
    return ["kitty", "--config", "NONE", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


TERMINALS = {
    "xterm": xterm, "st": st, "mlterm": mlterm, "urxvt": urxvt, "konsole": konsole, "gnome-terminal": gnome_terminal,
    "alacritty": alacritty, "kitty": kitty,
}

SHOW = r"""
exec 3<> "$1" 4<> "$2"
stty -echo
printf '\033]10;%s\007\033]11;%s\007\033[?25l' "$3" "$4"
while read -r text <&3; do
    printf '\033[0m\033[H\033[2J\033[3J'
    cat "$text"
    # Its answer to this comes once it has taken in everything before.
    printf '\033[6n'
    IFS= read -rs -d R place
    echo "shown" >&4
done
"""


class Terminal:
    """`with Terminal(screen, home, "xterm", font, size, colours) as terminal:` shows texts until the end of the block.

    `home` is a new directory; `within` is a program that runs in the terminal and in which the text is shown.
    """

    def __init__(self, screen, home, name, font, size, colours, within=(), environment=None):
        self._screen, self._home = screen, home
        script = home / "show.bash"
        script.write_text(SHOW)
        for pipe in ("wanted", "shown"):
            os.mkfifo(home / pipe)
        background, ink = colours
        self._command = [
            *TERMINALS[name](home, font, size, *colours), *within,
            "/bin/bash", str(script), str(home / "wanted"), str(home / "shown"), ink, background,
        ]
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "DISPLAY": screen.name, "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(home), "LIBGL_ALWAYS_SOFTWARE": "1", **(environment or {}),
        }

    def __enter__(self):
        self._wanted, self._shown = (os.open(self._home / pipe, os.O_RDWR) for pipe in ("wanted", "shown"))
        with open(self._home / "said", "w") as said:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                cwd=self._home, start_new_session=True,
            )
        return self

    def __exit__(self, *_):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=60)
        os.close(self._wanted)
        os.close(self._shown)

    def show(self, text, patience=300):
        """Has it show a text instead of the last one, and waits until it has read it; it may still be drawing."""
        path = self._home / "text"
        path.write_text(text)
        os.write(self._wanted, f"{path}\n".encode())
        ready, _, _ = select.select([self._shown], [], [], patience)
        assert ready, f"{self._command[0]} shows nothing: {(self._home / 'said').read_text()[-500:]}"
        os.read(self._shown, 100)
