"""The files of conf/portal, in the web servers themselves: which visitors are let in, and what visitors can claim about themselves."""

import pretended
import pytest
from pretended import LOGIN, let_in
from web_servers import PAGE, PORTAL, WIKI, ask

pytestmark = pytest.mark.promised_by("ours")

def test_page_opens_only_where_the_portal_says_so(web_server, pretended_portal):
    refused = ask(WIKI)
    assert refused.status == 302 and refused.headers["location"] == LOGIN and PAGE not in refused.text
    pretended_portal.answer = let_in("alice", "staff")
    shown = ask(WIKI)
    assert (shown.status, shown.text) == (200, PAGE), shown
    assert ask(WIKI, "/notes.txt").text == PAGE
    assert "no-cache" in shown.headers["cache-control"]


@pytest.mark.parametrize("answer", [(500, {}), (503, {}), (403, {}), (404, {}), (400, {}), (401, {}), None])
def test_every_other_answer_of_the_portal_refuses(web_server, pretended_portal, answer):
    pretended_portal.answer = answer
    for path in ("/", "/notes.txt", "/index.html"):
        refused = ask(WIKI, path)
        assert refused.status >= 300 and PAGE not in refused.text, refused
    if answer == (403, {}):
        assert refused.status == 403


def test_without_a_portal_nobody_is_let_in(web_server):
    assert not pretended.SOCKET.exists()
    refused = ask(WIKI, headers=[("Cookie", "__Host-otp-portal=x")])
    assert refused.status >= 500 and PAGE not in refused.text


def test_the_portal_is_asked_about_the_requested_site_and_path(web_server, pretended_portal):
    ask(WIKI, "/notes.txt?a=b&c=%2F", method="POST", body="x=1", headers=[("Cookie", "__Host-otp-portal=x; other=y")])
    ((path, headers),) = pretended_portal.verified()
    found = dict(headers)
    assert len(found) == len(headers), "no header comes twice"
    assert path in ("/verify", "/verify?redirect")
    assert found["cookie"] == "__Host-otp-portal=x; other=y"
    assert found["x-forwarded-host"] == WIKI and found["x-forwarded-uri"] == "/notes.txt?a=b&c=%2F"
    assert found["x-forwarded-method"] == "POST" and found["x-forwarded-proto"] == "https"
    assert found["x-forwarded-for"] == "127.0.0.1"
    assert "transfer-encoding" not in found and found.get("content-length", "0") == "0"


@pytest.mark.parametrize("said", [("X-Forwarded-Host", "evil.example.org"), ("X-Forwarded-Uri", "/elsewhere"), ("X-Forwarded-For", "192.0.2.1"),
                                  ("Forwarded", "for=192.0.2.1;host=evil.example.org"), ("X-Forwarded-Proto", "http"),
                                  ("X-Forwarded-Method", "HEAD"),
                                  ("X-Original-URL", "https://evil.example.org/elsewhere")])
def test_claims_of_visitors_about_address_and_path_do_not_count(web_server, pretended_portal, said):
    ask(WIKI, "/notes.txt", headers=[said])
    ask(PORTAL, "/login", headers=[said])
    for path, headers in pretended_portal.asked:
        forwarded = [(name, value) for name, value in headers if "forwarded" in name or "original" in name]
        assert said[1] not in dict(forwarded).values(), (path, forwarded)
        of_whom = [value for name, value in forwarded if name == "x-forwarded-for"]
        assert of_whom == ["127.0.0.1"], (path, forwarded)
        assert len({name for name, _ in forwarded}) == len(forwarded), (path, forwarded)


def test_the_portals_own_paths_are_passed_on_without_a_question(web_server, pretended_portal):
    shown = ask(WIKI, "/.otp-portal/arrive?ticket=abc")
    assert (shown.status, shown.text) == (200, "portal: /.otp-portal/arrive?ticket=abc\n"), shown
    assert ask(PORTAL, "/login?site=wiki.example.org").text == "portal: /login?site=wiki.example.org\n"
    assert not pretended_portal.verified()
    (arrived, login) = (dict(headers) for _, headers in pretended_portal.asked)
    assert arrived["host"] == WIKI and login["host"] == PORTAL


@pytest.mark.parametrize("path", ["/.otp-portal/../notes.txt", "/.otp-portal/%2e%2e/notes.txt", "/.otp-portal/..%2fnotes.txt",
                                  "//.otp-portal/../notes.txt", "/.otp-portal-verify", "/notes.txt?/.otp-portal/"])
def test_no_path_bypasses_the_question(web_server, pretended_portal, path):
    shown = ask(WIKI, path)
    assert PAGE not in shown.text, shown


def test_the_portal_is_asked_about_the_site_that_answers(web_server, pretended_portal):
    """RFC 9112 section 3.2.2: the host in the request line counts, not the one in the header."""
    shown = ask(PORTAL, f"https://{WIKI}/notes.txt")
    asked = pretended_portal.verified()
    assert PAGE not in shown.text
    for _, headers in asked:
        assert {value for name, value in headers if name in ("host", "x-forwarded-host")} == {WIKI}, headers
    # A web server that refuses such a request asks the portal nothing.
    assert asked or shown.status >= 400, shown
