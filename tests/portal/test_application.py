"""An application behind nginx that takes the user's name from a header: Radicale, a calendar server."""

import pytest
from pretended import let_in
from web_servers import CALENDAR, ask

pytestmark = pytest.mark.promised_by("ours")

QUESTION = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'

# Headers by which a visitor may claim to be somebody: as they are, in other letters, and as CGI and WSGI read them.
FORGED = [("Remote-User", "root"), ("remote-user", "root"), ("REMOTE_USER", "root"), ("Remote_User", "root"),
          ("X-Remote-User", "root"), ("X_Remote_User", "root"), ("Remote-Groups", "staff"), ("Remote_Groups", "staff")]


def who(*headers):
    """Returns the user whom the application takes a visitor for."""
    told = ask(CALENDAR, "/", method="PROPFIND", body=QUESTION, headers=[("Depth", "0"), *headers])
    assert told.status == 207, told
    return [name for name in ("alice", "root", "staff") if f"/{name}/" in told.text]


def test_visitors_who_have_not_logged_in_do_not_reach_the_application(nginx, pretended_portal, calendars):
    for path in ("/", "/alice/", "/.web/"):
        assert ask(CALENDAR, path).status == 302
    assert ask(CALENDAR, "/", method="PROPFIND", body=QUESTION, headers=FORGED).status == 302


@pytest.mark.parametrize("forged", [(), *FORGED], ids=str)
def test_the_application_is_told_the_user_and_no_claim_of_a_visitor(nginx, pretended_portal, calendars, forged):
    pretended_portal.answer = let_in("alice")
    assert who(*filter(None, [forged])) == ["alice"]


def test_user_keeps_a_calendar_there_that_another_does_not_see(nginx, pretended_portal, calendars):
    entry = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20270115T080000Z\r\n" \
        "DTSTART:20270115T080000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    pretended_portal.answer = let_in("alice")
    assert ask(CALENDAR, "/alice/mine/", method="MKCALENDAR").status == 201
    assert ask(CALENDAR, "/alice/mine/1.ics", method="PUT", body=entry, headers=[("Content-Type", "text/calendar")]).status == 201
    assert "Dentist" in ask(CALENDAR, "/alice/mine/1.ics").text
    pretended_portal.answer = let_in("carol")
    assert "Dentist" not in ask(CALENDAR, "/alice/mine/1.ics", headers=[("X-Remote-User", "alice")]).text
