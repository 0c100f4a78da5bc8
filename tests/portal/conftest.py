"""The fixtures of every scenario of the portal."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("browser", "portals", "pretended", "web_servers")

import accounts  # noqa: E402  (the path above has to come first)
import portals  # noqa: E402
import pretended  # noqa: E402
import web_servers  # noqa: E402


@pytest.fixture(scope="module", params=web_servers.SERVERS)
def web_server(request):
    """Each web server in turn, with the files of conf/portal."""
    with web_servers.SERVERS[request.param]() as running:
        yield running


@pytest.fixture(scope="session")
def nginx():
    with web_servers.Nginx() as running:
        yield running


@pytest.fixture
def pretended_portal():
    with pretended.Portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def calendars():
    with web_servers.Radicale() as running:
        yield running


@pytest.fixture(scope="session")
def mirror():
    with web_servers.Mirror() as running:
        yield running


@pytest.fixture(scope="session")
def portal(under_test, machine_clock, journal):
    """Both programs of the portal; users without an authenticator enrol in the login."""
    with portals.Portal(under_test.module) as running:
        yield running


@pytest.fixture
def policy(portal):
    """`policy(TEXT)` is the policy until the test is over."""
    yield portals.POLICY.write_text
    portals.POLICY.write_text(portals.ENROLS)


@pytest.fixture
def someone(portal, clock):
    """A user with an account and a password who has never enrolled."""
    return accounts.create("somebody")


@pytest.fixture
def someone_enrolled(portal, enrol):
    """A user with an authenticator as well."""
    return enrol("enrolled")
