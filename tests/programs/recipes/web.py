"""Apache and nginx, asked over HTTP as a browser asks: with the same Authorization in each request."""

import base64
import http.client
import pathlib

import doors
import recipe
import sshd
from servers import Server, directory, run

ACCOUNT = "www-data"
PAGE = "the page that is protected"


class Web(Server):
    runs_as = ACCOUNT

    def prepare(self):
        run("usermod", "--append", "--groups", "shadow", ACCOUNT)
        (directory("/var/lib/site") / "page").write_text(PAGE)
        self.configure()

    def status(self, account, reply, rhost="127.0.0.1", path="/page"):
        doors.TYPED.append(reply)
        client = http.client.HTTPConnection(sshd.HOST, self.port, doors.TIMEOUT_SECONDS, source_address=(rhost, 0))
        credentials = base64.b64encode(f"{account.name}:{reply}".encode()).decode()
        client.request("GET", path, headers={"Authorization": f"Basic {credentials}"})
        answer = client.getresponse()
        assert (answer.read().decode() == PAGE) == (answer.status == 200 and path == "/page")
        client.close()
        return answer.status

    def log_in(self, account, reply, rhost="127.0.0.1"):
        status = self.status(account, reply, rhost)
        assert status in (200, 401), (status, self.said())
        return status == 200


class Apache(Web):
    service = "apache2"
    modules = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "authnz_pam", "authn_socache",
               "socache_shmcb")
    without_cache = """
<Location "/">
  AuthType Basic
  AuthName "Password and code"
  AuthBasicProvider PAM
  AuthPAMService apache2
  Require valid-user
</Location>
"""

    def __init__(self, cached=False):
        self.site = recipe.quoted("apache2", "site's configuration") if cached else self.without_cache

    def configure(self):
        directory("/run/apache2")
        self._config = pathlib.Path("/etc/apache2/of-a-test.conf")
        load = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in self.modules)
        self._config.write_text(
            f"ServerRoot /etc/apache2\nServerName localhost\n{load}Listen {sshd.HOST}:{self.port}\nUser {ACCOUNT}\n"
            f"Group {ACCOUNT}\nPidFile /run/apache2/pid\nDefaultRuntimeDir /run/apache2\nErrorLog /var/log/recipes/apache.log\n"
            f"DocumentRoot /var/lib/site\n{self.site}")

    def command(self):
        return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", self._config]


class Nginx(Web):
    service = "nginx"
    without_cache = 'auth_pam "Password and code"; auth_pam_service_name "nginx";'

    def __init__(self, cached=False, workers=1):
        self._workers = workers
        self._cache = recipe.quoted("nginx", "http section of the configuration") if cached else ""
        self._protected = recipe.quoted("nginx", "server that is to be protected") if cached else self.without_cache

    def configure(self):
        directory("/var/lib/nginx")
        directory("/var/log/nginx")
        self.cache = pathlib.Path("/var/cache/nginx")
        if not self.cache.is_mount():
            run("mount", "-t", "tmpfs", "-o", "mode=0700", "cache", self.cache)
        run("chown", f"{ACCOUNT}:", self.cache)
        self._config = pathlib.Path("/etc/nginx/of-a-test.conf")
        self._config.write_text(
            f"user {ACCOUNT};\ndaemon off;\nworker_processes {self._workers};\npid /run/nginx.pid;\nerror_log stderr;\n"
            "load_module /usr/lib/nginx/modules/ngx_http_auth_pam_module.so;\nevents {}\nhttp {\naccess_log off;\n"
            f"{self._cache}\nserver {{\nlisten {sshd.HOST}:{self.port};\nroot /var/lib/site;\n"
            f"location = /open {{ auth_request off; auth_pam off; return 204; }}\n{self._protected}\n}}\n}}\n")

    def command(self):
        return ["/usr/sbin/nginx", "-c", self._config]
