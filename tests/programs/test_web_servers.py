"""Apache and nginx, asked by curl for two pages, as browsers ask for more than one."""

# bookworm: libapache2-mod-authnz-pam apache2 nginx-light libnginx-mod-http-auth-pam curl

import pathlib
import subprocess

import network
import pytest
import table

SITE = pathlib.Path("/srv/site")


class Web(network.Program):
    def prepare(self):
        self.port = network.free_port()
        SITE.mkdir(parents=True, exist_ok=True)
        (SITE / "page").write_text("the page")
        self.configure()

    def log_in(self, person, replies, requests=1):
        page = f"http://{network.HERE}:{self.port}/page"
        done = subprocess.run(["/usr/bin/curl", "--silent", "--show-error", "--include", "--config", "-", *[page] * requests],
                              input=f'user = "{person}:{replies[0]}"\n', text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.count("the page") == requests, done.stdout

    def log_in_and_go_on(self, person, replies):
        return self.log_in(person, replies, 2)


class Apache(Web):
    services = ("apache2",)
    name = "apache2"
    modules = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "authnz_pam")

    def configure(self):
        pathlib.Path("/run/apache2").mkdir(exist_ok=True)
        self._config = pathlib.Path("/etc/apache2/of-a-test.conf")
        load = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in self.modules)
        self._config.write_text(
            f"ServerRoot /etc/apache2\nServerName localhost\n{load}Listen {network.HERE}:{self.port}\nUser www-data\n"
            f"Group www-data\nPidFile /run/apache2/pid\nDefaultRuntimeDir /run/apache2\nErrorLog /var/log/apache2/error.log\n"
            f'LogLevel debug\nDocumentRoot {SITE}\nStartServers 1\nServerLimit 1\n<Location "/">\nAuthType Basic\nAuthName Here\n'
            "AuthBasicProvider PAM\nAuthPAMService apache2\nRequire valid-user\n</Location>\n")

    def command(self):
        return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", self._config]


class Nginx(Web):
    services = ("nginx",)
    name = "nginx"

    def configure(self):
        self._config = pathlib.Path("/etc/nginx/of-a-test.conf")
        self._config.write_text(
            "user www-data;\ndaemon off;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log debug;\n"
            "load_module /usr/lib/nginx/modules/ngx_http_auth_pam_module.so;\nevents {}\nhttp {\n"
            f'server {{\nlisten {network.HERE}:{self.port};\nroot {SITE};\nauth_pam "Here";\nauth_pam_service_name "nginx";\n}}\n}}\n')

    def command(self):
        return ["/usr/sbin/nginx", "-c", self._config]


@pytest.mark.program("Apache")
def test_apache(row, probe):
    table.compare(row, network.measure(Apache(), probe, row))


@pytest.mark.program("nginx")
def test_nginx(row, probe):
    table.compare(row, network.measure(Nginx(), probe, row))
