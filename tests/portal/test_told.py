"""The application behind each web server learns the visitor's name from the portal, and from no visitor."""

import pytest
from pretended import let_in
from web_servers import APPLICATIONS, ask

pytestmark = pytest.mark.promised_by("ours")

# Headers as they are, in other letters, and as CGI and WSGI take them for the same.
FORGED = [(name, value) for words, value in (("Remote-User", "root"), ("Remote-Groups", "wheel"))
          for word in (words, words.replace("-", "_")) for name in (word, word.lower(), word.upper())]


@pytest.fixture(scope="module", params=APPLICATIONS)
def in_front(request):
    """Each web server in turn, with the application that its file has as an example; returns the application's host."""
    server, host = APPLICATIONS[request.param]
    with server():
        yield host


@pytest.mark.parametrize("forged", [[], *([one] for one in FORGED), FORGED], ids=str)
def test_the_application_is_told_the_user_by_the_portal_alone(in_front, pretended_portal, mirror, forged):
    pretended_portal.answer = let_in("alice", "staff")
    told = [(name.lower().replace("_", "-"), value) for name, value in mirror.told(ask(in_front, "/", headers=forged))]
    assert [value for name, value in told if name == "remote-user"] == ["alice"], told
    assert [value for name, value in told if name == "remote-groups"] == ["staff"], told
