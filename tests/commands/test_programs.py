"""conf/programs.toml and pam_otp-programs(7) say the same about programs, and the table agrees with itself and with the tests.
tests/programs/run measures what the programs do."""

import re
import sys
import tomllib

import pytest
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests/programs"))

import page  # noqa: E402  (the path above has to come first)

PROGRAMS = tomllib.loads(page.TABLE.read_text())["program"]
PROOFS = {path: path.read_text() for path in (ROOT / "tests/programs").glob("test_*.py")}
WORDS = {
    "proven": {"tests/run", "tests/programs/run", "by hand"},
    "lives": {"one login", "many logins"},
    "threads": {"one", "many"},
    "information": set(page.SEEN) | {""},
    "error": set(page.SEEN) | {""},
    "text": {"whole", "spoilt", ""},
    "last_words": set(page.LAST_WORDS),
    "asks": {"each", "once", "by text", "never"},
    "echoed": set(page.ECHOED),
    "account": {"same process", "other process", "other handle", "never", "alone"},
    "session": {"same process", "other process", "never"},
    "stack": set(page.STACKS),
}


def test_manual_says_what_the_table_says():
    assert page.PAGE.read_text() == page.whole(), "tests/programs/page.py writes it anew"


def test_rows_have_the_same_keys_and_names_of_their_own():
    assert len({program["name"] for program in PROGRAMS}) == len(PROGRAMS) >= 25
    head = page.TABLE.read_text().partition("[[program]]")[0]
    for program in PROGRAMS:
        assert set(program) == set(PROGRAMS[0]), program["name"]
    for key in PROGRAMS[0]:
        assert re.search(rf"(?m)^# ([a-z_]+, )*{key}\b", head), f"{key} is not explained"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program["name"])
def test_row_uses_the_words_of_the_head_and_is_proven_where_it_says(program):
    for key, words in WORDS.items():
        assert program[key] in words, key
    assert set(program["again"]) <= set(page.RESULTS)
    # The stack follows from the answers, and nobody enrols where messages are lost, altered or stored.
    stacks = {"each": "two questions", "by text": "two questions", "once": "one reply", "never": "none"}
    assert program["stack"] == stacks[program["asks"]]
    if program["enrols"]:
        assert program["asks"] == "each" and program["text"] == "whole" and program["keeps"] == "nowhere"
        assert not program["flags"].startswith("silent")
    named = re.compile(rf'@pytest\.mark\.program\([^)]*"{re.escape(program["name"])}"')
    proofs = [text for text in PROOFS.values() if named.search(text)]
    if program["proven"] == "by hand":
        assert not proofs
        return
    (proof,) = proofs
    light = re.search("(?m)^# light$", proof) is not None
    releases = {tried.split(" ")[0] for tried in program["tried"]}
    for release in releases:
        assert re.search(rf"(?m)^# {release}:", proof), release
    assert (program["proven"] == "tests/run") == (light and "bookworm" in releases)


def test_at_least_ten_programs_are_tried_by_every_run():
    assert sum(program["proven"] == "tests/run" for program in PROGRAMS) >= 10
