"""The fixtures of the recipes besides those of every scenario (tests/behaviour/conftest.py)."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite(*(path.stem for path in HERE.glob("*.py")))

import servers  # noqa: E402  (the path above has to come first)
from policy_file import policy  # noqa: E402, F401  (a fixture)
from recipe import follow  # noqa: E402, F401  (a fixture)


@pytest.fixture
def going_on(clock):
    """The clock goes on by itself, for programs whose own timers use the time of day."""
    with servers.Ticking(clock):
        yield clock
