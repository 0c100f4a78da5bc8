"""The fixtures of every test of the drawings: a display, and otp-enroll with records of its own, as in tests/commands."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands")]

from display import Display  # noqa: E402  (the paths above have to come first)
from machine import Machine  # noqa: E402


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    with Display(tmp_path_factory.mktemp("display")) as running:
        yield running
