"""zbarimg reads the QR code on a real terminal: on the two whose glyphs tear the most, with two fonts.

`tests/pictures/every` tries all terminals, fonts and decoders.
"""

import time

import pytest

import drawings
import scan
from display import cropped, from_away, write
from terminals import DARK, LIGHT, Look, Terminal

FONTS = ["DejaVu Sans Mono", "Liberation Mono"]
PATIENCE_SECONDS = 300


def read(screen, directory, expected, seen=lambda lines: lines):
    """Returns whether zbarimg reads this off the screen, which may still be drawing."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        before = screen.at_rest()
        write(seen(cropped(before)), directory / "screen.pgm")
        if scan.picture(directory / "screen.pgm") == [expected]:
            return True
        # If two looks at the same picture, some time apart, find nothing, the answer is no.
        time.sleep(2)
        if screen.at_rest() == before or time.monotonic() > end:
            return False


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("name", ["xterm", "st"])
def test_a_phone_reads_the_code_that_otp_enroll_draws(screen, machine, tmp_path, name, font):
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(screen, home, name, Look(font, 11, *LIGHT)) as terminal:
        for drawing in ("half blocks", "painted"):
            text, _, uri = drawings.drawn(machine, *drawings.EVERY[drawing])
            terminal.show(text)
            assert read(screen, tmp_path, uri), drawing


@pytest.mark.parametrize("colours, inverted", [(DARK, False), (LIGHT, True)], ids=["dark", "light"])
def test_without_colours_a_code_is_read_on_a_dark_terminal_and_inverted_on_a_light_one(screen, machine, tmp_path, colours, inverted):
    text, swapped, uri = drawings.drawn(machine, *drawings.EVERY["no colours"])
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(screen, home, "xterm", Look("DejaVu Sans Mono", 12, *colours)) as terminal:
        terminal.show(text)
        assert read(screen, tmp_path, uri) != inverted
        terminal.show(swapped)
        assert read(screen, tmp_path, uri) == inverted


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("colours, inverted", [(DARK, False), (LIGHT, True)], ids=["dark", "light"])
def test_plain_characters_are_read_from_some_distance_on_dark_and_inverted_on_light(
    screen, machine, tmp_path, colours, inverted, font
):
    text, swapped, uri = drawings.drawn(machine, *drawings.EVERY["no colours, ascii"])
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(screen, home, "xterm", Look(font, 11, *colours)) as terminal:
        terminal.show(swapped if inverted else text)
        assert read(screen, tmp_path, uri, from_away)
        terminal.show(text if inverted else swapped)
        assert not read(screen, tmp_path, uri, from_away)
