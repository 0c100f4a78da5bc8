"""Draws the figures as a picture: SVG, which follows the reader's choice between light and dark.

    python3 tests/bench/plot.py figures.json > figures.svg
"""

import json
import math
import sys
from xml.sax.saxutils import escape

NAMES = {
    "pam_otp": "pam_otp", "pam_otp-helper": "pam_otp (helper)", "google": "google-authenticator", "oath": "pam_oath",
    "permit": "pam_permit", "floor": "the floor in C",
}
COLOURS = {  # by contender: on light, on dark
    "pam_otp": ("#0969da", "#4493f8"), "pam_otp-helper": ("#54aeff", "#79c0ff"), "google": ("#bc4c00", "#db6d28"),
    "oath": ("#8250df", "#ab7df8"), "permit": ("#6e7781", "#8b949e"), "floor": ("#6e7781", "#8b949e"),
}
TEXT = ("#1f2328", "#e6edf3")
FAINT = ("#59636e", "#9198a1")
LINE = ("#d1d9e0", "#3d444d")
WIDTH, PANEL, GAP, HEIGHT = 920, 445, 30, 250


def draw(figures):
    """Returns the whole picture: a panel for each part that was measured."""
    panels = []
    for place in unique(row["place"] for row in figures.get("logins", [])):
        panels.append(bars(f"One login, {place}: pam_start to pam_end", login_rows(figures, place)))
    users = figures.get("users", [])
    for place in unique(row["place"] for row in users)[:1]:
        points = [(row["contender"], row["users"], row["login"]["median"]) for row in users if row["place"] == place]
        panels.append(lines(f"Enrolled users, {place}: one login", points))
    crowds = figures.get("crowds", [])
    for place in unique(row["place"] for row in crowds)[:1]:
        # In a crowd, pam_oath refuses some users with good codes, and refusals take no time.
        points = [
            (row["contender"], row["at_once"], row["all"]["median"]) for row in crowds
            if (row["place"], row["who"]) == (place, "different") and row["contender"] != "oath"
        ]
        panels.append(lines(f"Different users at once, {place}: until all are in", points))
    height = math.ceil(len(panels) / 2) * HEIGHT
    size = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', style()]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number % 2 * (PANEL + GAP)} {number // 2 * HEIGHT})">{panel}</g>')
    return "\n".join([*parts, "</svg>", ""])


def style():
    def rules(at):
        each = [f".{key}{{fill:{colours[at]};stroke:{colours[at]}}}" for key, colours in COLOURS.items()]
        return "".join([f"text{{fill:{TEXT[at]}}}.faint{{fill:{FAINT[at]}}}.line{{stroke:{LINE[at]}}}", *each])

    always = "text{stroke:none}polyline{fill:none;stroke-width:2}"
    return f"<style>{rules(0)}{always}@media (prefers-color-scheme: dark) {{{rules(1)}}}</style>"


# --------------------------------------------------------------------------------------------------------------- panels


def login_rows(figures, place):
    rows = [row for row in figures["logins"] if (row["place"], row["verdict"]) == (place, "accepted")]
    found = {row["contender"]: row["login"] for row in rows}
    return [(key, found[key]) for key in ("pam_otp", "pam_otp-helper", "google", "oath", "permit") if key in found]


def bars(title, rows):
    """Draws a bar up to each median, and a thin line from quartile to quartile."""
    most = max(spread["high"] for _, spread in rows)
    left, right = 150, PANEL - 70
    parts = [heading(title)]
    for number, (key, spread) in enumerate(rows):
        y = 44 + number * 34
        at = {name: left + (right - left) * spread[name] / most for name in ("low", "median", "high")}
        parts += [
            text(left - 8, y + 15, NAMES[key], "end"),
            f'<rect class="{key}" x="{left}" y="{y}" width="{at["median"] - left:.1f}" height="20" stroke="none"/>',
            f'<line class="line" x1="{at["low"]:.1f}" x2="{at["high"]:.1f}" y1="{y + 10}" y2="{y + 10}" stroke-width="2"/>',
            text(max(at["high"], at["median"]) + 6, y + 15, duration(spread["median"])),
        ]
    return "".join(parts)


def lines(title, points):
    """Draws lines on two logarithmic axes, with its name at the end of each."""
    keys = unique(key for key, _, _ in points)
    low = 10 ** math.floor(math.log10(min(value for _, _, value in points)))
    high = 10 ** math.ceil(math.log10(max(value for _, _, value in points) * 1.01))
    numbers = sorted({number for _, number, _ in points})
    left, right, top, bottom = 58, PANEL - 150, 44, HEIGHT - 48

    def x(number):
        return left + (right - left) * (math.log10(number / numbers[0]) / (math.log10(numbers[-1] / numbers[0]) or 1))

    def y(value):
        return bottom - (bottom - top) * math.log10(value / low) / math.log10(high / low)

    parts = [heading(title)]
    for power in range(round(math.log10(high / low)) + 1):
        value = low * 10**power
        parts.append(f'<line class="line" x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(text(left - 6, y(value) + 4, duration(value), "end", "faint"))
    parts += [text(x(number), bottom + 18, short(number), "middle", "faint") for number in numbers]
    taken = []
    for key in sorted(keys, key=lambda key: -[value for of, _, value in points if of == key][-1]):
        found = sorted((number, value) for of, number, value in points if of == key)
        path = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in found)
        # Names of lines that end close to each other are moved apart.
        label = max([y(found[-1][1]) + 4, *(one + 15 for one in taken)])
        taken.append(label)
        parts.append(f'<polyline class="{key}" points="{path}" style="fill:none"/>')
        parts += [f'<circle class="{key}" cx="{x(number):.1f}" cy="{y(value):.1f}" r="3"/>' for number, value in found]
        parts.append(text(right + 8, label, NAMES[key]))
    return "".join(parts)


def heading(title):
    return f'<text x="0" y="20" font-weight="bold">{escape(title)}</text>'


def text(x, y, content, anchor="start", kind=""):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def duration(microseconds):
    for unit, size in (("s", 1_000_000), ("ms", 1_000), ("µs", 1)):
        if microseconds >= size:
            break
    value = microseconds / size
    return f"{value:.1f} {unit}" if size > 1 and value < 10 and value % 1 else f"{value:.0f} {unit}"


def short(number):
    """Returns a number so short that a million fits beside its neighbours."""
    for letter, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return str(number)


def unique(values):
    return list(dict.fromkeys(values))


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        sys.stdout.write(draw(json.load(file)))
