"""Runs tests/bench/run on a small scale: every login must have the right verdict, or the run fails, and the table must have every
row. The figures themselves do not matter here."""

import json
import pathlib
import subprocess
import xml.etree.ElementTree as xml

import pytest

import plot

HERE = pathlib.Path(__file__).parent
CONTENDERS = ("pam_otp", "pam_otp-helper", "google", "google-user", "oath", "permit", "floor")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Returns the output of a small run, its figures, and its plot."""
    results = tmp_path_factory.mktemp("bench")
    command = [HERE / "run", "--built", "--into", results, "--rounds", "2", "--users", "20", "--places", "tmpfs"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((results / "figures.json").read_text()), (results / "figures.svg").read_text()


def test_every_contender_is_measured_for_every_verdict(bench):
    _, figures, _ = bench
    assert [(row["contender"], row["verdict"]) for row in figures["logins"]] == [
        (contender, verdict) for contender in CONTENDERS for verdict in ("accepted", "replayed", "refused")
    ]
    spreads = [row[of] for row in figures["logins"] for of in ("login", "authenticate")]
    assert all(spread["number"] == 2 and spread["median"] > 0 for spread in spreads)


def test_lists_and_reports_have_a_row_for_each_of_many_users():
    command = [HERE / "listings", "--users", "700", "--groups", "3"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["list", "list-csv", "list-json", "report", "report-csv", "report-json"]


def test_every_number_of_users_is_measured(bench):
    _, figures, _ = bench
    assert [(row["users"], row["contender"]) for row in figures["users"]] == [
        (users, contender) for users in (1, 20) for contender in ("pam_otp", "pam_otp-helper", "oath")
    ]
    assert all(row["login"]["median"] > 0 for row in figures["users"])


def test_crowds_of_every_size_are_measured(bench):
    _, figures, _ = bench
    assert sorted((row["contender"], row["who"], row["at_once"]) for row in figures["crowds"]) == sorted(
        (contender, who, at_once)
        for contender in ("pam_otp", "pam_otp-helper", "google", "oath", "floor")
        for who in ("different", "same") for at_once in (1, 2, 8, 64)
    )
    ours = [row for row in figures["crowds"] if row["contender"].startswith("pam_otp")]
    assert all(row["accepted"] == [1 if row["who"] == "same" else row["at_once"]] * 2 for row in ours)


def test_memory_and_instructions_are_measured(bench):
    _, figures, _ = bench
    assert [row["contender"] for row in figures["memory"]] == [each for each in CONTENDERS if each != "floor"]
    assert all(row["resident_kib"] >= row["private_kib"] > 0 for row in figures["memory"])
    assert [row["contender"] for row in figures["instructions"]] == ["pam_otp", "google", "oath", "permit"]
    assert all(row["login"] > row["authenticate"] > 0 for row in figures["instructions"])


def test_table_has_every_row_and_every_target_that_was_measured(bench):
    printed, figures, _ = bench
    lines = printed.splitlines()
    begins = "Logins, tmpfs: 2 rounds", "Enrolled users, tmpfs", "At once, tmpfs", "Memory added", "Instructions", "To reach"
    for begin in begins:
        assert sum(line.startswith(begin) for line in lines) == 1, begin
    rows = [row for part in ("logins", "users", "crowds", "memory", "instructions") for row in figures[part]]
    names = ("pam_otp", "google-authenticator", "pam_oath", "pam_permit", "the floor in C")
    assert sum(line.startswith(names) for line in lines) == len(rows)
    assert {target["what"] for target in figures["targets"]} == {
        "tmpfs: pam_start to pam_end, relative to pam_oath", "tmpfs: pam_authenticate, relative to pam_oath",
        "tmpfs: pam_start to pam_end with many users, relative to one", "instructions of a login",
        "memory added to the program, beyond pam_permit's",
    }
    met = sum(target["met"] for target in figures["targets"])
    assert lines[-1] == f"{met} of 5 targets met"


def test_plot_has_a_panel_for_every_part_and_both_colour_schemes(bench):
    _, figures, svg = bench
    assert svg == plot.draw(figures)
    texts = [text.text for text in xml.fromstring(svg).iter(f"{SVG}text")]
    for panel in ("One login, tmpfs", "Enrolled users, tmpfs", "Different users at once, tmpfs"):
        assert any(text.startswith(panel) for text in texts), panel
    assert "prefers-color-scheme: dark" in svg


def test_plot_in_the_readme_is_of_the_figures_beside_it():
    assert (HERE / "figures.svg").read_text() == plot.draw(json.loads((HERE / "figures.json").read_text()))
