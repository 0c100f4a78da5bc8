"""Starts terminals on a display with a font, a size and a background, and makes them show one text after another."""

import os
import select
import signal
import subprocess
import typing

import display

COLUMNS, LINES = 100, 50
GEOMETRY = f"{COLUMNS}x{LINES}+0+0"
DARK, LIGHT = ("#000000", "#ffffff"), ("#ffffff", "#000000")
FONTS = ["DejaVu Sans Mono", "Liberation Mono", "Noto Mono", "Hack"]
SIZES = [8, 11, 14]


class Look(typing.NamedTuple):
    """The settings of a terminal. Lines are `spacing` times as far apart as the font wants, and the less `opacity` its background has,
    the more the desktop behind the window shines through."""

    font: str = "DejaVu Sans Mono"
    size: int = 11
    background: str = DARK[0]
    ink: str = DARK[1]
    spacing: float = 1.0
    opacity: float = 1.0

    @property
    def gap(self):
        """Returns the pixels to add to the height of a line. A line of these fonts is about 1.17 times the font's size."""
        return round((self.spacing - 1) * 1.17 * self.size * display.DPI / 72)


def xterm(home, look):
    return ["xterm", "-xrm", f"XTerm*scaleHeight: {look.spacing}", "-fa", look.font, "-fs", str(look.size), "-geometry", GEOMETRY,
            "-bg", look.background, "-fg", look.ink, "-e"]


def st(home, look):
    # st's colours are compiled in; Terminal sets them by sequences.
    return ["st", "-f", f"{look.font}:size={look.size}", "-g", GEOMETRY, "-e"]


def mlterm(home, look):
    (home / ".mlterm").mkdir()
    (home / ".mlterm/aafont").write_text(f"DEFAULT = {look.font}\nISO10646_UCS4_1 = {look.font}\n")
    (home / ".mlterm/main").write_text(f"line_space = {look.gap}\nalpha = {round(255 * look.opacity)}\n")
    pixels = round(look.size * display.DPI / 72)
    return ["mlterm", "--type", "xft", "-w", str(pixels), "-g", GEOMETRY, "-b", look.background, "-f", look.ink, "-O", "none", "-e"]


def urxvt(home, look):
    seen_through = ["-depth", "32", "-bg", f"[{round(100 * look.opacity)}]{look.background}"]
    background = ["-bg", look.background] if look.opacity == 1 else seen_through
    return ["urxvt", "-fn", f"xft:{look.font}:size={look.size}", "-geometry", GEOMETRY, "-lsp", str(look.gap), *background,
            "-fg", look.ink, "+sb", "-e"]


def konsole(home, look):
    profiles = home / ".local/share/konsole"
    profiles.mkdir(parents=True)
    (profiles / "picture.colorscheme").write_text(
        f"[General]\nDescription=picture\nOpacity={look.opacity}\n[Background]\nColor={rgb(look.background)}\n"
        f"[Foreground]\nColor={rgb(look.ink)}\n[Color0]\nColor=0,0,0\n[Color7]\nColor=178,178,178\n"
    )
    (profiles / "picture.profile").write_text(
        f"[General]\nName=picture\nParent=FALLBACK/\nTerminalColumns={COLUMNS}\nTerminalRows={LINES}\n"
        f"[Appearance]\nColorScheme=picture\nFont={look.font},{look.size},-1,5,50,0,0,0,0,0\nLineSpacing={look.gap}\n"
        "[Scrolling]\nScrollBarPosition=2\n"
    )
    (home / ".config").mkdir()
    (home / ".config/konsolerc").write_text("[KonsoleWindow]\nRememberWindowSize=false\n")
    return ["dbus-run-session", "--", "konsole", "--profile", "picture", "--hide-menubar", "--hide-tabbar", "-e"]


def gnome_terminal(home, look):
    settings = home / ".config/glib-2.0/settings"
    settings.mkdir(parents=True)
    (settings / "keyfile").write_text(
        "[org/gnome/terminal/legacy/profiles:/:b1dcc9dd-5262-4d8d-a863-c897e6d979b9]\n"
        f"use-system-font=false\nfont='{look.font} {look.size}'\nuse-theme-colors=false\ncell-height-scale={look.spacing}\n"
        f"background-color='{look.background}'\nforeground-color='{look.ink}'\nscrollbar-policy='never'\n"
        "[org/gnome/terminal/legacy]\ndefault-show-menubar=false\n"
    )
    return ["env", "GSETTINGS_BACKEND=keyfile", "dbus-run-session", "--", "gnome-terminal", "--wait", "--hide-menubar",
            f"--geometry={GEOMETRY}", "--"]


def alacritty(home, look):
    (home / "alacritty.yml").write_text(
        f"font:\n  size: {look.size}\n  normal: {{family: {look.font}}}\n  offset: {{x: 0, y: {look.gap}}}\n"
        f"window: {{dimensions: {{columns: {COLUMNS}, lines: {LINES}}}, position: {{x: 0, y: 0}}, decorations: none, opacity: {look.opacity}}}\n"
        f"colors: {{primary: {{background: '{look.background}', foreground: '{look.ink}'}}}}\n"
    )
    return ["env", "WINIT_X11_SCALE_FACTOR=1", "alacritty", "--config-file", str(home / "alacritty.yml"), "-e"]


def kitty(home, look):
    settings = {"font_family": look.font, "font_size": look.size, "background": look.background, "foreground": look.ink,
                "remember_window_size": "no", "initial_window_width": f"{COLUMNS}c", "initial_window_height": f"{LINES}c",
                "adjust_line_height": f"{round(100 * look.spacing)}%", "background_opacity": look.opacity}
    return ["kitty", "--config", "NONE", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


def rgb(colour):
    """`#0080ff` as `0,128,255`."""
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))


TERMINALS = {
    "xterm": xterm, "st": st, "mlterm": mlterm, "urxvt": urxvt, "konsole": konsole, "gnome-terminal": gnome_terminal,
    "alacritty": alacritty, "kitty": kitty,
}
# st has the height of a line and transparency compiled in.
SPACED = [name for name in TERMINALS if name != "st"]
# xterm and st leave transparency to the compositor, which then makes the whole window shine through.
# On Xvfb mlterm and alacritty stay opaque, whatever their settings say.
SEEN_THROUGH = ["urxvt", "konsole", "kitty"]

SHOW = r"""
exec 3<> "$1" 4<> "$2"
stty -echo
[ $# -lt 4 ] || printf '\033]10;%s\007\033]11;%s\007' "$3" "$4"
printf '\033[?25l'
while read -r text <&3; do
    printf '\033[0m\033[H\033[2J\033[3J'
    cat "$text"
    # The terminal answers this only after it has read everything before.
    printf '\033[6n'
    IFS= read -rs -d R place
    echo "shown" >&4
done
"""


class Terminal:
    """`with Terminal(screen, home, "xterm", look) as terminal:` shows texts until the end of the block.

    `home` is a new directory; `within` is a program that runs in the terminal, and the text is shown in that program.
    """

    def __init__(self, screen, home, name, look, within=(), environment=None):
        self._screen, self._home = screen, home
        script = home / "show.bash"
        script.write_text(SHOW)
        for pipe in ("wanted", "shown"):
            os.mkfifo(home / pipe)
        self._command = [
            *TERMINALS[name](home, look), *within,
            "/bin/bash", str(script), str(home / "wanted"), str(home / "shown"), *((look.ink, look.background) if name == "st" else ()),
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
        """Makes it show a text instead of the last one, and waits until it has read the text; it may still be drawing."""
        path = self._home / "text"
        path.write_text(text)
        os.write(self._wanted, f"{path}\n".encode())
        ready, _, _ = select.select([self._shown], [], [], patience)
        assert ready, f"{self._command[0]} shows nothing: {(self._home / 'said').read_text()[-500:]}"
        os.read(self._shown, 100)
