"""The portal's two programs behind nginx, as their units start them, and a user's work with a browser."""

import os
import pathlib
import pwd
import subprocess

import codes
from clock import wait_until
from web_servers import PORTAL, WORLD

BINARIES = WORLD / "bin"
HOME = f"https://{PORTAL}/"
ACCOUNT = "_pam-otp-portal"
LOGIN_SOCKET = pathlib.Path("/run/pam_otp-portal/login.sock")
SOCKET = pathlib.Path("/run/pam_otp-portal-web/http.sock")
STATE = pathlib.Path("/var/lib/pam_otp-portal")
CONFIGURATION = pathlib.Path("/etc/security/pam_otp-portal.conf")
POLICY = pathlib.Path("/etc/security/pam_otp.conf")
RECORDS = pathlib.Path("/var/lib/pam_otp")
SITES = """url = "https://portal.example.org"
proxies = ["user:www-data"]
[limits]
failures = 10000
conversations_of_one = 64
[[site]]
host = "wiki.example.org"
[[site]]
host = "calendar.example.org"
"""
ENROLS = '[enroll]\nmax_authenticators = 2\n[service.otp-portal]\nat_login = "require"\nqr = "none"\n'


class Portal:
    """`with Portal(MODULE):` listens until the end of the block. `before` are words before the command of the web service."""

    def __init__(self, module, sites=SITES, policy=ENROLS, before=()):
        self._module = module
        self._sites, self._policy, self._before = sites, policy, before
        self._processes = {}

    def __enter__(self):
        subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin",
                        ACCOUNT], check=True)
        # Refusals of a wrong password are not delayed: other tests measure the delay.
        text = (BINARIES / "otp-portal-debian").read_text().replace("pam_otp.so", self._module)
        text = text.replace("@include common-auth", "auth required pam_unix.so nodelay")
        pathlib.Path("/etc/pam.d/otp-portal").write_text(text)
        CONFIGURATION.write_text(self._sites)
        POLICY.write_text(self._policy)
        for place, mode, owner in ((STATE, 0o700, ACCOUNT), (SOCKET.parent, 0o755, ACCOUNT), (LOGIN_SOCKET.parent, 0o755, "root"),
                                   (pathlib.Path("/var/lib/pam_otp-portal-login"), 0o700, "root")):
            place.mkdir(exist_ok=True)
            place.chmod(mode)
            os.chown(place, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
        self.start_login_part()
        self.start()
        return self

    def __exit__(self, *_):
        for name in list(self._processes):
            self.stop(name)

    def start_login_part(self):
        self._run("otp-portal-login", LOGIN_SOCKET,
                  [*self._before, BINARIES / "otp-portal-login", "--socket", LOGIN_SOCKET, "--account", ACCOUNT, "--admin", BINARIES / "otp-admin"])

    def start(self):
        self._run("otp-portal", SOCKET,
                  [*self._before, "setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                   BINARIES / "otp-portal"])

    def pids(self):
        """Returns the process ids of the web service and of the login part."""
        return [self._processes[name].pid for name in ("otp-portal", "otp-portal-login")]

    def stop(self, name):
        process = self._processes.pop(name)
        process.terminate()
        process.wait(timeout=60)

    def _run(self, name, socket, command):
        socket.unlink(missing_ok=True)
        log = WORLD / f"results/{name}.log"
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=open(log, "ab"), stderr=subprocess.STDOUT,
                                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self._processes[name] = process
        wait_until(lambda: socket.exists() or process.poll() is not None, f"socket of {name}")
        assert process.poll() is None, log.read_text()[-2000:]


class Person:
    """A user with an account and a browser. The app's key is read off the screen, and its codes are typed."""

    def __init__(self, account, browser, clock):
        self.account, self.browser, self.clock = account, browser, clock
        self.recovery_codes = []

    def kept(self):
        """Returns whether the account has a record."""
        return (RECORDS / self.account.name / "credential.toml").exists()

    def record(self):
        """Returns the record as it is on the disk: the same bytes are the same record."""
        return (RECORDS / self.account.name / "credential.toml").read_bytes()

    def code(self):
        """Returns the next code: no code counts twice."""
        self.clock.advance(codes.PERIOD)
        return self.account.codes.now()

    def begin(self, address=HOME, password=None):
        """Opens a page, and logs in as far as the password."""
        self.browser.go(address)
        if not self.browser.has("[name=user]"):
            self.browser.go(f"{HOME}login")
        self.browser.fill("user", self.account.name)
        self.browser.fill("answer", password or self.account.password)

    def log_in(self, address=HOME, code=None):
        self.begin(address)
        self.browser.fill("answer", code or self.code())

    def is_in(self):
        self.browser.go(HOME)
        return not self.browser.has("[name=user]")

    def log_out(self):
        self.browser.go(HOME)
        self.browser.press(self.browser.one("form[action='/logout'] button"))

    def scan(self):
        """Puts the key that the phone reads off the screen into the app."""
        # The import is here, because packaging/demo runs the portal without Chromium's driver.
        from browser import secret_of

        self.account.codes = codes.Codes(secret_of(self.browser.qr_code()), self.clock)

    def prove(self):
        """Answers the questions of a change: the password, and a code if there is a question for one."""
        self.browser.fill("answer", self.account.password)
        if self.browser.has("[name=answer]"):
            self.browser.fill("answer", self.code())

    def begin_to_replace(self, name):
        """Begins to replace a device, up to the new key."""
        self.browser.go(f"{HOME}devices/replace")
        self.browser.fill("name", name)
        self.prove()

    def devices(self):
        """Returns the names of the devices on the overview."""
        self.browser.go(HOME)
        return [element.text for element in self.browser.all(".rows h3")]

    def read_recovery_codes(self):
        self.recovery_codes = [element.text for element in self.browser.all(".codes code")]
        assert len(self.recovery_codes) == 10
        return self.recovery_codes
