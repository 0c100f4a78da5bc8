"""Measures how many visitors a second the portal answers for on one core, and how long each waits, beside peers; and the memory of
its sessions. tests/bench/portal runs it, in a private copy of this machine."""

import argparse
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys

WORLD = pathlib.Path("/run/pam_otp-tests")
for directory in ("bin", "suite/parts", "suite/portal"):
    sys.path.insert(0, str(WORLD / directory))

import accounts  # noqa: E402  (the paths above have to come first)
import codes  # noqa: E402
import portal_peers  # noqa: E402
import portals  # noqa: E402
import sshd  # noqa: E402
import under_test  # noqa: E402
import web_server  # noqa: E402
import web_servers  # noqa: E402
from clock import wait_until  # noqa: E402

SERVING, ASKING = 0, 1
CONNECTIONS = (1, 16)
WIKI = web_servers.WIKI
DIRECT = web_server.PORT
CONFIGURATION = f"""url = "https://{web_server.HOST}"
listen = ["{portals.SOCKET}", "127.0.0.1:{DIRECT}"]
proxies = ["user:www-data", "127.0.0.1"]
[limits]
failures = 10000
conversations_of_one = 64
[[site]]
host = "{WIKI}"
"""
POLICY = '[service.otp-portal]\nat_login = "off"\n'
# Prints its results as one line of JSON. It sends the cookies of a file in turn, one with each request.
WRK = """
local cookies, at = {}, 0
function init(arguments)
    if arguments[1] then for line in io.lines(arguments[1]) do cookies[#cookies + 1] = wrk.format(nil, nil, (function()
        local headers = {} for name, value in pairs(wrk.headers) do headers[name] = value end headers["Cookie"] = line return headers end)()) end end
    alone = wrk.format()
end
function request()
    if #cookies == 0 then return alone end
    at = at % #cookies + 1
    return cookies[at]
end
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('\\nFOUND {"seconds": %f, "requests": %d, "failed": %d, "p50": %f, "p99": %f}\\n', summary.duration / 1e6,
        summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def main():
    arguments = parsed()
    parts = arguments.only or ["verify", "pages", "sessions"]
    sshd.bring_loopback_up()
    under_test.Ours().prepare()
    (WORLD / "wrk.lua").write_text(WRK)
    figures = {}
    with portals.Portal(under_test.Ours().module, CONFIGURATION, POLICY, ("taskset", "-c", str(SERVING))) as portal:
        if "verify" in parts or "pages" in parts:
            cookie = logged_in()
        if "verify" in parts:
            figures["verify"] = verify(portal, arguments, cookie)
        if "pages" in parts:
            figures["pages"] = pages(portal, arguments)
        if "sessions" in parts:
            figures["sessions"] = sessions(portal, arguments)
    (WORLD / "results/figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10, help="length of each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--only", choices=("verify", "pages", "sessions"), action="append")
    return parser.parse_args()


# ------------------------------------------------------------------------------------------------------------- the clients


def logged_in():
    """Logs somebody in with a password and a code, at the site, and returns the cookie of that site."""
    person = accounts.create(portal_peers.PERSON)
    provisioned = json.loads(subprocess.run([under_test.BINARIES / "otp-admin", "provision", person.name, "--json"], check=True,
                                            capture_output=True, text=True).stdout)
    browser = at_the_login()
    browser.post("/login", user=person.name)
    for reply in (person.password, codes.Codes(provisioned["secret"], RealClock()).now()):
        browser.post("/login/question", answer=reply)
    return cookie_of(browser)


def at_the_login(address="192.0.2.7"):
    """Returns a browser that has asked for a page of the site, and was sent to the login."""
    browser = web_server.Browser(address)
    browser.headers |= {"X-Forwarded-Host": WIKI, "X-Forwarded-Uri": "/"}
    login = browser.get(f"https://{WIKI}/verify").headers["X-Otp-Login"]
    del browser.headers["X-Forwarded-Host"], browser.headers["X-Forwarded-Uri"]
    browser.get(login)
    return browser


def cookie_of(browser):
    held = browser.cookies.get(WIKI, {})
    assert "__Host-otp-portal" in held, browser.page.text
    return f"__Host-otp-portal={held['__Host-otp-portal']}"


class RealClock:
    """The clock that `codes` asks for the time."""

    def utc(self, offset=0):
        return subprocess.run(["date", "--utc", f"--date=now {offset:+} seconds", "+%Y-%m-%d %H:%M:%S"], check=True,
                              capture_output=True, text=True).stdout.strip()


def load(port, path, headers, connections, seconds, cookies=None):
    """Returns what one thread, on a core of its own, gets over this many open connections in that time."""
    words = ["taskset", "-c", str(ASKING), "wrk", "-t1", "--timeout", "60s", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", WORLD / "wrk.lua"]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    words += [f"http://127.0.0.1:{port}{path}"] + (["--", cookies] if cookies else [])
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))[6:])
    assert found["failed"] == 0 and found["requests"] > 0, done.stdout
    return found


def status(port, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


# ------------------------------------------------------------------------------------------------------------ the servers


class Nginx:
    """`with Nginx(portal peers...):` has one worker, and a port for each contender, which serves the same page."""

    floor = 8000
    ours = 8001

    def __init__(self, *peers):
        self._peers = peers

    def __enter__(self):
        place, page = web_servers.PLACE / "nginx", web_servers.site()
        (place / "snippets").mkdir(parents=True)
        pathlib.Path("/var/lib/nginx").mkdir(exist_ok=True)
        for name in ("portal-protected", "portal-authenticated"):
            (place / "snippets" / name).write_text(web_servers.example(f"nginx/{name}"))
        ours = "include snippets/portal-protected;\nlocation / { include snippets/portal-authenticated; root %s; }" % page
        servers = {self.floor: f"location / {{ root {page}; }}", self.ours: ours}
        servers |= {peer.port: peer.server(page) for peer in self._peers}
        (place / "nginx.conf").write_text(
            "user www-data;\nworker_processes 1;\ndaemon off;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
            "keepalive_requests 100000000;\ndefault_type text/html;\n"
            f"upstream portal {{ server unix:{portals.SOCKET}; keepalive 16; keepalive_requests 100000000; }}\n"
            f"upstream tkt {{ server 127.0.0.1:{portal_peers.Ticket.direct}; keepalive 16; keepalive_requests 100000000; }}\n"
            + "".join(f"server {{ listen 127.0.0.1:{port}; server_name {WIKI};\n{text}\n}}\n" for port, text in servers.items()) + "}\n")
        words = ["taskset", "-c", str(SERVING), web_servers.WEB / "usr/sbin/nginx", "-p", place, "-e", "stderr", "-c", place / "nginx.conf",
                 "-g", f"pid {place}/pid;"]
        log = WORLD / "results/nginx.log"
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=open(log, "ab"), stderr=subprocess.STDOUT)
        wait_until(lambda: web_servers.port_answers(self.ours) or self.process.poll() is not None, "nginx")
        assert self.process.poll() is None, log.read_text()[-2000:]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)


def family(pid):
    """Returns a process and all its descendants."""
    found = [pid]
    for one in found:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def processor_time(pids):
    """Returns the processor time of these processes and all their descendants so far, in seconds, with those that have ended."""
    ticks = 0
    for pid in itertools.chain.from_iterable(map(family, pids)):
        with contextlib.suppress(FileNotFoundError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """Returns the proportional share of memory of these processes and all their descendants, in MiB."""
    total = 0
    for pid in itertools.chain.from_iterable(map(family, pids)):
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


# -------------------------------------------------------------------------------------------------------- the measurements


def verify(portal, arguments, cookie):
    """Gives each contender a turn in every round, with each number of connections."""
    with portal_peers.System(), portal_peers.LemonLdap(SERVING) as lemon, portal_peers.Ticket(SERVING) as ticket, \
            Nginx(lemon, ticket) as nginx:
        pids = portal.pids()
        forwarded = {"Host": WIKI, "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": WIKI,
                     "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET"}
        named = {"Host": WIKI}
        rows = [
            ("asked itself", "pam_otp", DIRECT, "/verify", forwarded, cookie, 204, pids),
            ("asked itself", ticket.name, ticket.direct, "/verify", named, ticket.cookie(), 200, [ticket.process.pid]),
            ("behind nginx", "pam_otp", nginx.ours, "/", named, cookie, 200, pids),
            ("behind nginx", lemon.name, lemon.port, "/", named, lemon.cookie(), 200, [lemon.process.pid]),
            ("behind nginx", ticket.name, ticket.port, "/", named, ticket.cookie(), 200, [ticket.process.pid]),
            ("behind nginx", "(asks nobody)", nginx.floor, "/", named, None, 200, []),
        ]
        turns = {}
        for _ in range(arguments.rounds):
            for where, name, port, path, headers, its_cookie, good, serving in rows:
                with_it = {**headers, **({"Cookie": its_cookie} if its_cookie else {})}
                for connections in CONNECTIONS:
                    expect(port, path, headers, with_it, good, its_cookie)
                    before = processor_time(serving)
                    found = load(port, path, with_it, connections, arguments.seconds)
                    found["processor"] = (processor_time(serving) - before) / found["requests"] * 1e6
                    expect(port, path, headers, with_it, good, its_cookie)
                    turns.setdefault((where, name, connections), []).append(found)
        weights = {"pam_otp": memory(pids), lemon.name: memory([lemon.process.pid]), ticket.name: memory([ticket.process.pid])}
    figures = []
    print(f"{'':<14}{'':<16}{'connections':>12}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'processor us':>14}")
    for (where, name, connections), found in turns.items():
        row = {"where": where, "contender": name, "connections": connections, **middle(found)}
        figures.append(row)
        print(f"{where:<14}{name:<16}{connections:>12}{row['a_second']:>10.0f}{row['p50']:>9.2f}{row['p99']:>9.2f}{row['processor']:>14.0f}",
              flush=True)
    print("memory, MiB: " + ", ".join(f"{name} {weight:.1f}" for name, weight in weights.items()), flush=True)
    return {"rows": figures, "memory": weights}


def expect(port, path, headers, with_it, good, cookie):
    """Checks that the session is good, and that without one nobody is let in."""
    found, body = status(port, path, with_it)
    assert found == good and (good != 200 or path == "/verify" or body == web_servers.PAGE), (port, found, body)
    if cookie:
        found, body = status(port, path, headers)
        assert found not in (200, 204) and web_servers.PAGE not in body, (port, found)


def middle(found):
    """Returns the medians of the turns."""
    each = {key: statistics.median(one[key] for one in found) for key in ("p50", "p99", "processor") if key in found[0]}
    return {"a_second": statistics.median(one["requests"] / one["seconds"] for one in found), **each}


def pages(portal, arguments):
    """Measures the first page that a stranger sees: a form, and a cookie that is made for it."""
    headers = {"Host": web_server.HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    found, body = status(DIRECT, "/login", headers)
    assert found == 200 and 'name="user"' in body, body
    row = middle([load(DIRECT, "/login", headers, CONNECTIONS[-1], arguments.seconds) for _ in range(arguments.rounds)])
    print(f"log-in pages: {row['a_second']:.0f} a second, p50 {row['p50']:.2f} ms, p99 {row['p99']:.2f} ms", flush=True)
    return row


def sessions(portal, arguments):
    """Logs in the given number of times, as people whom PAM asks nothing, and then uses all of these sessions in turn."""
    people = [f"person{number:03}" for number in range(100)]
    with open("/etc/passwd", "a") as passwd, open("/etc/shadow", "a") as shadow:
        for number, name in enumerate(people):
            passwd.write(f"{name}:x:{20_000 + number}:100::/:/bin/sh\n")
            shadow.write(f"{name}:*:20000:0:99999:7:::\n")
    pathlib.Path("/etc/pam.d/otp-portal").write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    before = memory(portal.pids()[:1])

    def log_in(number):
        browser = at_the_login(f"198.51.{number // 250 % 250}.{number % 250}")
        browser.post("/login", user=people[number % len(people)])
        return cookie_of(browser)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        cookies = list(pool.map(log_in, range(arguments.sessions)))
    after = memory(portal.pids()[:1])
    file = WORLD / "cookies"
    file.write_text("".join(f"{cookie}\n" for cookie in cookies))
    headers = {"Host": WIKI, "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": WIKI, "X-Forwarded-Uri": "/"}
    row = middle([load(DIRECT, "/verify", headers, CONNECTIONS[-1], arguments.seconds, file) for _ in range(arguments.rounds)])
    used, part = memory(portal.pids()[:1]), memory(portal.pids()[1:])
    for cookie in (cookies[0], cookies[-1]):
        assert status(DIRECT, "/verify", {**headers, "Cookie": cookie})[0] == 204
    found = {"sessions": len(set(cookies)), "before": before, "begun": after, "used": used, "login_part": part, **row}
    print(f"memory, MiB: {before:.1f} with one session, {after:.1f} with {found['sessions']}, {used:.1f} after all were used; "
          f"the login part {part:.1f}\nall of them in turn: {row['a_second']:.0f} a second, p50 {row['p50']:.2f} ms, p99 {row['p99']:.2f} ms",
          flush=True)
    return found


if __name__ == "__main__":
    main()
