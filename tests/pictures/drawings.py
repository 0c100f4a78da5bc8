"""The drawings of the QR code as users get them, from otp-enroll at a terminal of each size and type."""

import scan
from talk import Talk

SMALL, LARGE = (24, 80), (60, 200)
# Each drawing with its style, and the size and type of the terminal.
EVERY = {
    "half blocks": ("unicode", SMALL, "xterm-256color"),
    "painted": ("unicode", LARGE, "xterm-256color"),
    "no colours": ("unicode", SMALL, "dumb"),
    "no colours, ascii": ("ascii", LARGE, "dumb"),
}


def drawn(machine, style, size, terminal):
    """Returns one drawing, the same inverted if that can be asked for, and the URI that it holds. A login draws the same as
    otp-enroll on a terminal without colours."""
    machine.terminal = terminal
    talk = Talk(machine, "--qr", style, size=size)
    talk.secret()
    lines = scan.drawn_lines(talk.screen)
    talk.answer("inverted")
    inverted = scan.drawn_lines(talk.until("device shows now: ")) if terminal == "dumb" else []
    talk.child.close(force=True)
    return "\n".join(lines), "\n".join(inverted), talk.uri
