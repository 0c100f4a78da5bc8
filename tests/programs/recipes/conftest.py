"""What the recipes have at hand besides what every scenario has (tests/behaviour/conftest.py)."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite(*(path.stem for path in HERE.glob("*.py")))

import recipe  # noqa: E402  (the path above has to come first)
import servers  # noqa: E402


@pytest.fixture
def follow(under_test):
    """`follow(NAME)` puts the file of conf/pam.d in its place, as it is; a second argument is added to our lines."""

    def follow_recipe(name, arguments="", service=None):
        recipe.follow(name, under_test.module, arguments, service)

    return follow_recipe


@pytest.fixture
def going_on(clock):
    """The clock goes on by itself, for programs whose own timers are of the time of day."""
    with servers.Ticking(clock):
        yield clock


@pytest.fixture
def policy():
    """`policy(TEXT)` is the policy of the machine; after the test there is none."""
    yield recipe.policy
    recipe.POLICY.unlink(missing_ok=True)
