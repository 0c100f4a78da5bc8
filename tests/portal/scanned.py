"""Prints the findings of public scanners about a portal behind nginx. tests/portal/scan runs it, in a private copy of this machine."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

WORLD = pathlib.Path("/run/pam_otp-tests")
for directory in ("suite/parts", "suite/portal"):
    sys.path.insert(0, str(WORLD / directory))

import accounts  # noqa: E402  (the paths above have to come first)
import codes  # noqa: E402
import portals  # noqa: E402
import sshd  # noqa: E402
import under_test  # noqa: E402
import visitor  # noqa: E402
import web_servers  # noqa: E402

RESULTS = WORLD / "results"
SCANNERS = RESULTS / "scanners"
PORTAL, WIKI = f"https://{web_servers.PORTAL}/", f"https://{web_servers.WIKI}/"
# Modules that first load a database from the network, or that need a call back from a server of wapiti's makers, are left out.
MODULES = ("backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,https_redirect,ldap,methods,permanentxss,redirect,shellshock,"
           "sql,timesql,upload,xss")
# Findings that occur each time or now and then, and why each is harmless.
EXPLAINED = {
    r"wapiti .*: HTTP Methods: .*": "other methods than GET, HEAD and POST are answered by 405, which names those of the page",
    r"wapiti .*: (Clickjacking|HTTP Strict|MIME|Content Security).*: GET wiki\.example\.org/: .*":
        "the page is a file of the site behind nginx, which sets the headers; http/attacks.rs tests those of the portal",
    r"wapiti .*: LDAP Injection: GET \S+/(login|devices/remove|\.otp-portal/arrive): .*":
        "nothing asks LDAP there: unknown hosts, states, tickets and devices get another answer than known ones",
    r"dirb: /(change|events|language|sessions) 303": "pages of the portal, which lead strangers to the login",
    r"dirb: /login 200": "the login",
    r"wapiti .*: Cross Site Request Forgery: POST portal\.example\.org/login: .*":
        "with another token the answer is 403, as a check after the scan shows; wapiti only compares two answers with each other",
}
TLS_PORT = 8443
KEYS = pathlib.Path("/etc/pam_otp-portal")
TLS = f"""[tls]
listen = ["{web_servers.ADDRESS}:{TLS_PORT}"]
certificate = "{KEYS}/portal.pem"
key = "{KEYS}/portal.key"
"""


class Portal(portals.Portal):
    """A portal that speaks TLS as well."""

    def start(self):
        KEYS.mkdir(exist_ok=True)
        for name, file in zip(("portal.pem", "portal.key"), web_servers.certificate()):
            shutil.copy(file, KEYS / name)
            shutil.chown(KEYS / name, portals.ACCOUNT)
        super().start()


class RealClock:
    """The clock that `codes` asks for the time."""

    def utc(self, offset=0):
        return subprocess.run(["date", "--utc", f"--date=now {offset:+} seconds", "+%Y-%m-%d %H:%M:%S"], check=True,
                              capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120, help="for each module of wapiti at most")
    arguments = parser.parse_args()
    with open("/etc/hosts", "a") as hosts:
        hosts.write(f"127.0.0.1 {web_servers.PORTAL} {web_servers.WIKI}\n")
    under_test.Ours().prepare()
    found = []
    sshd.bring_loopback_up()
    web_servers.PLACE.mkdir()
    # With TLS of its own, the portal listens only at sockets that are named.
    sites = f'listen = ["{portals.SOCKET}"]\n{portals.SITES}{TLS}'
    with Portal(under_test.Ours().module, sites), web_servers.Nginx():
        found += wapiti("stranger", PORTAL, arguments, {})
        found += wapiti("stranger-at-the-site", WIKI, arguments, {})
        user = accounts.create("scanned")
        provisioned = json.loads(subprocess.run([under_test.BINARIES / "otp-admin", "provision", user.name, "--json"], check=True,
                                                capture_output=True, text=True).stdout)
        browser = visitor.Browser()
        browser.begin(WIKI, user)
        browser.answer(user.password)
        browser.answer(codes.Codes(provisioned["secret"], RealClock()).now())
        assert browser.sees(WIKI), browser.page.text
        found += wapiti("user", PORTAL, arguments, browser.cookies[web_servers.PORTAL])
        found += wapiti("user-at-the-site", WIKI, arguments, browser.cookies[web_servers.WIKI])
        assert browser.sees(WIKI), "the scan has ended the session that it was to use"
        another_token_is_refused()
        found += dirb()
        found += sslscan()
    unexplained = [one for one in sorted(set(found)) if not any(re.fullmatch(known, one) for known in EXPLAINED)]
    for one in sorted(set(found)):
        reason = next((why for known, why in EXPLAINED.items() if re.fullmatch(known, one)), "NOT EXPLAINED")
        print(f"{one}\n    {reason}")
    print(f"{len(set(found))} findings, {len(unexplained)} of them without a reason")
    sys.exit(bool(unexplained))


def wapiti(name, url, arguments, cookies):
    """Returns the findings of each module, as `scanner name: kind: method path: what`. The scan must not end the user's own session."""
    report = RESULTS / f"{name}.json"
    words = [SCANNERS / "wapiti/bin/python", "-c", "import sys; from wapitiCore.main.wapiti import wapiti_asyncio_wrapper as main; sys.exit(main())",
             "-u", url, "--scope", "domain", "-m", MODULES, "-f", "json", "-o", report, "--flush-session", "--no-bugreport",
             "--verify-ssl", "0", "-d", "8", "--max-attack-time", str(arguments.seconds), "--max-scan-time", "1200",
             "--store-session", RESULTS / "sessions", "--store-config", RESULTS / "config", "-S", "normal", "-v", "1", "--color"]
    for path in ("logout", "sessions/end"):
        words += ["-x", f"{PORTAL}{path}"]
    if cookies:
        words += ["-H", "Cookie: " + "; ".join(f"{key}={value}" for key, value in cookies.items())]
    with open(RESULTS / f"{name}.log", "w") as log:
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=True, env={**os.environ, "HOME": "/tmp"})
    told = json.loads(report.read_text())
    assert told["infos"]["crawled_pages_nbr"] > 0, told["infos"]
    print(f"wapiti as {name}: {told['infos']['crawled_pages_nbr']} pages", flush=True)
    findings = []
    for part in ("vulnerabilities", "anomalies", "additionals"):
        for kind, each in told[part].items():
            findings += [f"wapiti {name}: {kind}: {one['method']} {host_of(one)}{one['path']}: {one['info'].strip()}" for one in each]
    return findings


def host_of(finding):
    return re.search(r"^host: (\S+)$", finding["http_request"], re.M | re.I)[1]


def another_token_is_refused():
    browser = visitor.Browser()
    browser.get(f"{PORTAL}login")
    token = browser.page.forms["/login"]["csrf"]
    for wrong, status in ((token[::-1], 403), ("", 403), (token, 200)):
        answer = browser.ask("POST", "/login", {"csrf": wrong, "user": "nobody-of-that-name"})
        assert answer.status == status, (answer.status, status)


def dirb():
    """Returns paths of dirb's list that the portal does not answer with 404."""
    place, home = SCANNERS / "debian", tempfile.mkdtemp()
    pathlib.Path(home, ".cache/dirb").mkdir(parents=True)
    done = subprocess.run([place / "usr/bin/dirb", PORTAL, place / "usr/share/dirb/wordlists/common.txt", "-S", "-r", "-w"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=home, env={**os.environ, "HOME": home})
    (RESULTS / "dirb.log").write_text(done.stdout)
    tried = re.search(r"DOWNLOADED: (\d+)", done.stdout)
    assert tried and int(tried[1]) > 4000, done.stdout[-2000:]
    return [f"dirb: {path} {status}" for path, status in re.findall(r"^\+ \S+example\.org(/\S*) \(CODE:(\d+)", done.stdout, re.M)]


def sslscan():
    """Returns what the portal's own TLS accepts besides TLS 1.2 and 1.3 with good ciphers. sslscan calls the best of 1.3 acceptable."""
    report = RESULTS / "sslscan.xml"
    subprocess.run([SCANNERS / "debian/usr/bin/sslscan", "--no-colour", f"--xml={report}", f"--sni-name={web_servers.PORTAL}",
                    f"{web_servers.ADDRESS}:{TLS_PORT}"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    (told,) = xml.parse(report).getroot().iter("ssltest")
    versions = {f"{one.get('type')} {one.get('version')}" for one in told.iter("protocol") if one.get("enabled") == "1"}
    ciphers = list(told.iter("cipher"))
    assert versions and ciphers, xml.tostring(told)
    findings = [f"sslscan: {version}" for version in versions - {"tls 1.2", "tls 1.3"}]
    findings += [f"sslscan: {one.get('cipher')} is {one.get('strength')}" for one in ciphers if one.get("strength") not in ("strong", "acceptable")]
    findings += [f"sslscan: heartbleed {one.get('sslversion')}" for one in told.iter("heartbleed") if one.get("vulnerable") != "0"]
    findings += ["sslscan: compression" for one in told.iter("compression") if one.get("supported") != "0"]
    return findings + ["sslscan: insecure renegotiation" for one in told.iter("renegotiation")
                       if one.get("supported") == "1" and one.get("secure") != "1"]


if __name__ == "__main__":
    main()
