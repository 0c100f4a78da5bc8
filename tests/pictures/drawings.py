"""The drawings of the QR code as people get them, from otp-enroll at a terminal of each size and type."""

import scan
from talk import Talk

SMALL, LARGE = (24, 80), (60, 200)
# Drawing: style, size and type of the terminal.
EVERY = {
    "half blocks": ("unicode", SMALL, "xterm-256color"),
    "painted": ("unicode", LARGE, "xterm-256color"),
    "no colours": ("unicode", SMALL, "dumb"),
    "no colours, ascii": ("ascii", LARGE, "dumb"),
}


def drawn(machine, style, size, terminal):
    """One drawing, the same inverted where that can be asked for, and the URI that it holds. What a login draws is what a
    terminal without colours gets."""
    machine.terminal = terminal
    talk = Talk(machine, "--qr", style, size=size)
    talk.secret()
    lines = scan.drawn_lines(talk.screen)
    talk.answer("inverted")
    inverted = scan.drawn_lines(talk.until("device shows now: ")) if terminal == "dumb" else []
    talk.child.close(force=True)
    return "\n".join(lines), "\n".join(inverted), talk.uri
