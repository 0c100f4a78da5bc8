#!/bin/bash
# privacyIDEA 3.9.3, from PyPI: its token janitor exports a key container (PSKC, RFC 6030) that does not quite follow the RFC. The text
# passes through an HTML parser, which turns all names into lower case (keycontainer, keypackage), although XML is case-sensitive;
# TimeDrift has seconds, where the RFC (section 4.2) has numbers of steps; and the hash is an attribute of its own, "hashalgo" of Suite.
# A reader that follows the RFC finds no key in it, or takes a clock that is a minute off for one that is half an hour off.
#
# Seen: the export is made by BeautifulSoup(..., "html.parser"); TimeDrift is timeShift, which TOTP tokens add to the
# time; <Suite hashalgo=...>.
# Downloads the release; installs nothing and runs nothing of it. Exits 1 if that has changed.
set -eu
VERSION=3.9.3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip download -q --no-deps "privacyidea==$VERSION" > /dev/null
tar xzf ./*.tar.gz
python3 - "$VERSION" << 'END'
import glob
import html.parser
import sys

(source,) = glob.glob("*/privacyidea/lib/importotp.py")
export = open(source).read().split("def export_pskc", 1)[1]
(totp,) = glob.glob("*/privacyidea/lib/tokens/totptoken.py")

# The name after that parser.
seen = []


class Names(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        seen.append(tag)


Names().feed("<KeyContainer>")
found = {
    "names": seen[0] if export.count('"html.parser"') == 2 else "?",
    "drift": "seconds" if 'get_tokeninfo("timeShift")' in export and "time.time() + self.timeshift" in open(totp).read() else "?",
    "hash": "attribute" if "<Suite hashalgo=" in export else "?",
}
print(f"privacyIDEA {sys.argv[1]}: {found}")
sys.exit(found != {"names": "keycontainer", "drift": "seconds", "hash": "attribute"})
END
