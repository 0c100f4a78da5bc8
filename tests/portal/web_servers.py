"""Web servers of Debian's packages with the files of conf/portal, and a visitor's requests to them."""

import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading

import sshd
from clock import wait_until

WORLD = pathlib.Path("/run/pam_otp-tests")
WEB = WORLD / "web"
EXAMPLES = WORLD / "portal-examples"
PLACE = pathlib.Path("/var/lib/portal-tests")
ADDRESS = "127.0.0.1"
PORTAL, WIKI, CALENDAR = "portal.example.org", "wiki.example.org", "calendar.example.org"
PAGE = "What only users of the portal may read.\n"
RADICALE_PORT = 5232


def certificate():
    """Returns a certificate for every host of the tests, and its key."""
    chain, key = PLACE / "site.pem", PLACE / "site.key"
    if not chain.exists():
        names = ",".join(f"DNS:{name}" for name in (PORTAL, WIKI, CALENDAR))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "3650",
             "-subj", "/CN=portal.example.org", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", chain],
            check=True, capture_output=True,
        )
    return chain, key


def site():
    """Makes the folder of a site with a page in it."""
    root = PLACE / "wiki"
    root.mkdir(parents=True, exist_ok=True)
    (root / "index.html").write_text(PAGE)
    (root / "notes.txt").write_text(PAGE)
    for folder in (PLACE, root):
        folder.chmod(0o755)
    return root


def example(name):
    """Returns a file of conf/portal with the paths of the tests in it."""
    text = (EXAMPLES / name).read_text()
    chain, key = certificate()
    text = re.sub(r"/etc/ssl/[\w.]+\.pem", str(chain), text)
    text = re.sub(r"/etc/ssl/private/[\w.]+\.key", str(key), text)
    return text.replace("/srv/wiki", str(site()))


def port_answers(port):
    with socket.socket() as one:
        return one.connect_ex((ADDRESS, port)) == 0


def speaks_tls(port):
    """Returns whether the web server has a certificate for each of its hosts by now: Caddy makes its own."""
    context = ssl._create_unverified_context()
    for host in (PORTAL, WIKI, CALENDAR):
        try:
            with socket.create_connection((ADDRESS, port), timeout=60) as plain, context.wrap_socket(plain, server_hostname=host):
                pass
        except OSError:
            return False
    return True


class Server:
    """`with Nginx() as server:`. Each server is started in its own way; its output is in `results`."""

    user = "www-data"

    def __init__(self, port=443):
        self.port = port

    def example(self, name):
        """Returns a file of conf/portal, for the port of this server."""
        text = re.sub(r"^(\s*listen )443 ssl", rf"\g<1>{self.port} ssl", example(name), flags=re.MULTILINE)
        text = text.replace("<VirtualHost *:443>", f"<VirtualHost *:{self.port}>")
        return text if self.port == 443 else re.sub(r"^([\w.]+\.example\.org) {", rf"\1:{self.port} {{", text, flags=re.MULTILINE)

    def __enter__(self):
        sshd.bring_loopback_up()
        PLACE.mkdir(exist_ok=True)
        log = WORLD / "results" / f"{type(self).__name__.lower()}.log"
        argv, environment = self.prepared()
        self._log = open(log, "ab")
        self._process = subprocess.Popen(argv, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=self._log,
                                         stderr=self._log)
        wait_until(lambda: speaks_tls(self.port) or self._process.poll() is not None, f"answer of {argv[0]}")
        assert self._process.poll() is None, log.read_text()[-2000:]
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)
        self._log.close()
        wait_until(lambda: not port_answers(self.port), "end of the web server")


class Nginx(Server):
    def prepared(self):
        place = PLACE / "nginx"
        (place / "snippets").mkdir(parents=True, exist_ok=True)
        pathlib.Path("/var/lib/nginx").mkdir(exist_ok=True)
        for name in ("portal-protected", "portal-authenticated"):
            (place / "snippets" / name).write_text(example(f"nginx/{name}"))
        (place / "nginx.conf").write_text(
            f"user {self.user};\ndaemon off;\npid {place}/pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\ndefault_type text/html;\ntypes {{ text/plain txt; text/html html; }}\n"
            f"{self.example('nginx/portal.conf')}\n}}\n"
        )
        return [WEB / "usr/sbin/nginx", "-p", place, "-e", "stderr", "-c", place / "nginx.conf"], {}


class Apache(Server):
    modules = ("mpm_event", "authz_core", "dir", "mime", "ssl", "headers", "proxy", "proxy_http", "lua", "socache_shmcb")

    def prepared(self):
        place = PLACE / "apache"
        place.mkdir(exist_ok=True)
        pathlib.Path("/etc/apache2").mkdir(exist_ok=True)
        shutil.copy(EXAMPLES / "apache/portal.lua", "/etc/apache2/portal.lua")
        (place / "mime.types").write_text("text/html html\ntext/plain txt\n")
        loaded = "".join(f"LoadModule {name}_module {WEB}/usr/lib/apache2/modules/mod_{name}.so\n" for name in self.modules)
        (place / "apache.conf").write_text(
            f"{loaded}ServerRoot {place}\nServerName localhost\nPidFile {place}/pid\nUser {self.user}\nGroup {self.user}\nListen {self.port}\n"
            f"ErrorLog /dev/stderr\nDefaultRuntimeDir {place}\nTypesConfig {place}/mime.types\nDirectoryIndex index.html\n"
            f"{self.example('apache/portal.conf')}"
        )
        lua, native = WEB / "usr/share/lua/5.3", next((WEB / "usr/lib").glob("*/lua/5.3"))
        return [WEB / "usr/sbin/apache2", "-DFOREGROUND", "-f", place / "apache.conf"], {
            "LUA_PATH": f"{lua}/?.lua;;", "LUA_CPATH": f"{native}/?.so;;", "LD_LIBRARY_PATH": str(native.parents[1]),
            "APACHE_RUN_DIR": str(place),
        }


class Caddy(Server):
    user = "caddy"

    def prepared(self):
        place = PLACE / "caddy"
        place.mkdir(exist_ok=True)
        if subprocess.run(["id", self.user], capture_output=True).returncode != 0:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", self.user], check=True)
        shutil.chown(place, self.user, self.user)
        # Caddy's own authority signs the certificate, instead of one on the network.
        (place / "Caddyfile").write_text(f"{{\nlocal_certs\nskip_install_trust\nadmin off\n}}\n{self.example('caddy/Caddyfile')}")
        become = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--inh-caps=+net_bind_service",
                  "--ambient-caps=+net_bind_service"]
        return [*become, WEB / "usr/bin/caddy", "run", "--config", place / "Caddyfile", "--adapter", "caddyfile"], {
            "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place), "HOME": str(place)}


class ApacheWithAnApplication(Apache):
    def prepared(self):
        prepared = super().prepared()
        file = PLACE / "apache/apache.conf"
        text = file.read_text()
        said = f"#ProxyPass / http://{ADDRESS}:{RADICALE_PORT}/"
        assert said in text
        file.write_text(text.replace(said, said[1:]))
        return prepared


SERVERS = {"nginx": Nginx, "apache": Apache, "caddy": Caddy}

# For each server, the application of its file, and the application's host.
APPLICATIONS = {"nginx": (Nginx, CALENDAR), "apache": (ApacheWithAnApplication, WIKI), "caddy": (Caddy, CALENDAR)}


class Mirror:
    """An application that answers with the headers that it was sent."""

    def __enter__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(self.headers.items()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        sshd.bring_loopback_up()
        self._server = http.server.ThreadingHTTPServer((ADDRESS, RADICALE_PORT), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def told(answer):
        """Returns name and value of each header that has reached the application."""
        assert answer.status == 200, answer
        return [tuple(pair) for pair in json.loads(answer.text)]


class Radicale:
    """A calendar server that takes the user's name from the header X-Remote-User, as `auth.type` says."""

    def __enter__(self):
        sshd.bring_loopback_up()
        place = PLACE / "radicale"
        place.mkdir(parents=True, exist_ok=True)
        (place / "config").write_text(
            f"[server]\nhosts = {ADDRESS}:{RADICALE_PORT}\n[auth]\ntype = http_x_remote_user\n[rights]\ntype = owner_only\n"
            f"[storage]\nfilesystem_folder = {place}/calendars\n"
        )
        packages = WEB / "usr/lib/python3/dist-packages"
        self._process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "radicale", "--config", place / "config"], cwd=place,
            env={**os.environ, "PYTHONPATH": str(packages)}, stdin=subprocess.DEVNULL,
            stdout=open(WORLD / "results/radicale.log", "ab"), stderr=subprocess.STDOUT,
        )
        wait_until(lambda: port_answers(RADICALE_PORT) or self._process.poll() is not None, "answer of Radicale")
        assert self._process.poll() is None
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode(errors="replace")

    def __repr__(self):
        return f"{self.status} {self.headers} {self.text[:300]!r}"


def ask(host, path="/", method="GET", body=None, headers=(), port=443):
    """Makes one request over TLS; `headers` are pairs, so that one may come twice."""
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(ADDRESS, port, context=context, timeout=60)
    # TLS must name the host too: Caddy has a certificate for each.
    connection.sock = context.wrap_socket(socket.create_connection((ADDRESS, port), timeout=60), server_hostname=host.partition(":")[0])
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body is not None else None)
        return Answer(connection.getresponse())
    finally:
        connection.close()
