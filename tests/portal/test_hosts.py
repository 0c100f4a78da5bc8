"""The files of conf/portal at another port than 443: the portal is told the host with that port, as its configuration has it."""

import pytest
import web_servers
from web_servers import PORTAL, WIKI, ask

pytestmark = pytest.mark.promised_by("ours")

PORT = 8443


@pytest.fixture(scope="module", params=web_servers.SERVERS)
def elsewhere(request):
    """Each web server in turn, at another port."""
    with web_servers.SERVERS[request.param](PORT) as running:
        yield running


def told(headers):
    return [value for name, value in headers if name in ("host", "x-forwarded-host")]


def test_the_portal_is_told_a_port_other_than_443(elsewhere, pretended_portal):
    for host, path in ((WIKI, "/notes.txt"), (WIKI, "/.otp-portal/begin?to=/"), (PORTAL, "/login")):
        ask(f"{host}:{PORT}", path, port=PORT)
        asked, headers = pretended_portal.asked[-1]
        # Caddy sends the host itself as well; if there are two, they agree.
        assert set(told(headers)) == {f"{host}:{PORT}"}, (asked, headers)
    assert len(pretended_portal.asked) == 3
