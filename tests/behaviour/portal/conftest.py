"""A login part with the stack that the manual recommends, and the account of its portal."""

import pytest

import accounts
import login_part


@pytest.fixture(scope="session")
def portal():
    """The account of the portal's part that faces the network."""
    return accounts.create("portal")


@pytest.fixture
def part(under_test, portal, clock, journal):
    """A login part that runs for the length of a test."""
    login_part.stack(under_test)
    with login_part.LoginPart(portal) as running:
        yield running
    assert not login_part.children_of(running.process.pid)
    login_part.SERVICE.unlink(missing_ok=True)
    login_part.fresh()
