"""The peers of tests/bench/portal, as Debian packages them, in a small system of their own: the configuration by which each answers
nginx, and a session in it."""

import base64
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import time

from clock import wait_until
from web_servers import port_answers

PEERS = pathlib.Path("/run/pam_otp-tests/results/peers")
PERSON = "visitor"
PARAMETERS = {
    "QUERY_STRING": "$query_string", "REQUEST_METHOD": "$request_method", "SCRIPT_NAME": "$fastcgi_script_name", "REQUEST_URI": "$request_uri",
    "DOCUMENT_URI": "$document_uri", "SERVER_PROTOCOL": "$server_protocol", "REQUEST_SCHEME": "$scheme", "REMOTE_ADDR": "$remote_addr",
    "REMOTE_PORT": "$remote_port", "SERVER_ADDR": "$server_addr", "SERVER_PORT": "$server_port", "SERVER_NAME": "$server_name",
}
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class System:
    """`with System():` mounts the small Debian, with a clean /run and /tmp."""

    def __enter__(self):
        for kind, place in (("proc", "proc"), ("tmpfs", "run"), ("tmpfs", "tmp")):
            mount("-t", kind, kind, PEERS / place)
        mount("--rbind", "/dev", PEERS / "dev")
        (PEERS / "run/lock").mkdir()
        return self

    def __exit__(self, *_):
        for place in ("dev", "tmp", "run", "proc"):
            subprocess.run(["umount", "--recursive", "--lazy", PEERS / place], check=True)


class Peer:
    """`with Peer(CORE) as peer:` serves, with all of its processes on that core."""

    def __init__(self, core):
        self._core = core
        self.process = None

    def begin(self, *words, **environment):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(self._core), "chroot", PEERS, *words], env={**ENVIRONMENT, **environment}, stdin=subprocess.DEVNULL,
            stdout=open(f"/run/pam_otp-tests/results/{self.name}.log", "ab"), stderr=subprocess.STDOUT)

    def run(self, *words, **options):
        return subprocess.run(["chroot", PEERS, *words], env=ENVIRONMENT, check=True, text=True, capture_output=True, **options).stdout

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)


class LemonLdap(Peer):
    """LemonLDAP::NG's handler, in its FastCGI server; its sessions are files, as Debian packages it."""

    name = "LemonLDAP::NG"
    port = 8002
    socket = "/run/llng-fastcgi-server/llng-fastcgi.sock"

    def __enter__(self):
        (PEERS / "run/llng-fastcgi-server").mkdir()
        for place in ("run/llng-fastcgi-server", "var/lib/lemonldap-ng", "var/cache/lemonldap-ng"):
            (PEERS / place).mkdir(parents=True, exist_ok=True)
            self.run("chown", "--recursive", "www-data:", f"/{place}")
        configuration = PEERS / "var/lib/lemonldap-ng/conf/lmConf-1.json"
        told = json.loads(configuration.read_text())
        told["locationRules"]["wiki.example.org"] = {"default": "accept"}
        told["exportedHeaders"]["wiki.example.org"] = {"Remote-User": "$uid"}
        configuration.write_text(json.dumps(told))
        self.begin("/usr/sbin/llng-fastcgi-server", "--foreground", "-u", "www-data", "-g", "www-data", "-s", self.socket,
                   "-p", "/run/llng-fastcgi-server/pid", "-n", "7")
        wait_until(lambda: (PEERS / self.socket[1:]).exists() or self.process.poll() is not None, "LemonLDAP::NG")
        assert self.process.poll() is None
        return self

    def cookie(self):
        """Returns the cookie of a session as its portal would have begun it."""
        text = (
            "use Lemonldap::NG::Common::Session; my $s = Lemonldap::NG::Common::Session->new({storageModule => 'Apache::Session::File', "
            "storageModuleOptions => {Directory => '/var/lib/lemonldap-ng/sessions', LockDirectory => '/var/lib/lemonldap-ng/sessions/lock', "
            "generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256'}, kind => 'SSO', info => {_utime => time, "
            f"uid => '{PERSON}', _user => '{PERSON}', _whatToTrace => '{PERSON}', _session_kind => 'SSO', ipAddr => '127.0.0.1', "
            "authenticationLevel => 5, _updateTime => 20261129000000, _startTime => 20261129000000}}); die $s->error if $s->error; print $s->id"
        )
        made = self.run("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "perl", "-e", text)
        return f"lemonldap={made.strip()}"

    def server(self, page):
        """Returns nginx's configuration, as the example of LemonLDAP::NG has it, with those of nginx's own fastcgi_params that matter."""
        parameters = "".join(f"fastcgi_param {name} {value};" for name, value in PARAMETERS.items())
        return f"""
location = /lmauth {{
    internal;
    {parameters}
    fastcgi_pass unix:{PEERS}{self.socket};
    fastcgi_pass_request_body off;
    fastcgi_param CONTENT_LENGTH "";
    fastcgi_param HOST $http_host;
    fastcgi_param X_ORIGINAL_URI $original_uri;
}}
location / {{
    set $original_uri $uri$is_args$args;
    auth_request /lmauth;
    auth_request_set $lmremote_user $upstream_http_lm_remote_user;
    auth_request_set $lmlocation $upstream_http_location;
    error_page 401 $lmlocation;
    root {page};
}}
"""


class Ticket(Peer):
    """mod_auth_tkt in Apache: it checks a hash in the cookie, and keeps no sessions."""

    name = "mod_auth_tkt"
    port = 8003
    direct = 8103
    secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

    def __enter__(self):
        place = PEERS / "etc/apache2/bench.conf"
        (PEERS / "tmp/pages").mkdir()
        (PEERS / "tmp/pages/verify").write_text("")
        for each in (PEERS / "tmp", PEERS / "tmp/pages"):
            each.chmod(0o755)
        loaded = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                         for name in ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_tkt"))
        place.write_text(
            f"{loaded}ServerRoot /etc/apache2\nServerName localhost\nPidFile /run/apache2.pid\nDefaultRuntimeDir /run\n"
            f"User www-data\nGroup www-data\nListen 127.0.0.1:{self.direct}\nErrorLog /dev/stderr\nMaxKeepAliveRequests 0\n"
            f"DocumentRoot /tmp/pages\nTKTAuthSecret \"{self.secret}\"\nTKTAuthDigestType SHA512\n"
            "<Location /verify>\nAuthType None\nTKTAuthIgnoreIP on\nTKTAuthLoginURL https://portal.example.org/login\n"
            "require valid-user\n</Location>\n")
        self.begin("/usr/sbin/apache2", "-DFOREGROUND", "-f", "/etc/apache2/bench.conf")
        wait_until(lambda: port_answers(self.direct) or self.process.poll() is not None, "Apache")
        assert self.process.poll() is None
        return self

    def cookie(self):
        """Returns a ticket of this moment, as its manual describes it."""
        now = int(time.time())
        inner = hashlib.sha512(bytes(4) + struct.pack(">I", now) + f"{self.secret}{PERSON}\0\0".encode()).hexdigest()
        digest = hashlib.sha512(f"{inner}{self.secret}".encode()).hexdigest()
        return "auth_tkt=" + base64.b64encode(f"{digest}{now:08x}{PERSON}!".encode()).decode()

    def server(self, page):
        return f"""
location = /tkt {{
    internal;
    proxy_pass http://tkt/verify;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
}}
location / {{
    auth_request /tkt;
    auth_request_set $tkt_user $upstream_http_remote_user;
    root {page};
}}
"""


def mount(*words):
    subprocess.run(["mount", *words], check=True)
