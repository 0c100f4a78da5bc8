"""OpenVPN, server and client, over a device of the server's. The client runs at a terminal, and asks as it asks its users."""

import os
import pathlib
import re
import subprocess

import pexpect

import doors
import recipe
import sshd
from clock import REAL_TIME, wait_until
from servers import Server, directory, run

PLACE = pathlib.Path("/etc/openvpn/server")
GOOD, BAD = re.compile("authentication succeeded for username"), re.compile("verification failed|PAM rejected|AUTH_FAILED")
CONNECTED, REFUSED = "Initialization Sequence Completed", "AUTH_FAILED"


class Openvpn(Server):
    """OpenVPN with the settings of the recipe of that name; `without` names settings that are left out."""

    service = "openvpn"

    def __init__(self, name="openvpn", without=()):
        quoted = recipe.quoted(name, "In the server's configuration").splitlines()
        self._settings = [line for line in quoted if not line.startswith(tuple(without))]
        assert len(quoted) - len(self._settings) == len(without)

    def prepare(self):
        make_device()
        if not (PLACE / "ca.crt").exists():
            make_keys()
        settings = "\n".join(self._settings)
        # Debian's plugins are in a directory of its own.
        settings = settings.replace("openvpn-plugin-auth-pam.so", "/usr/lib/openvpn/openvpn-plugin-auth-pam.so")
        self._config = PLACE / "of-a-test.conf"
        self._config.write_text(
            f"local {sshd.HOST}\nport {self.port}\nproto tcp-server\ndev tun\ntopology subnet\nserver 10.99.0.0 255.255.255.0\n"
            f"ca {PLACE}/ca.crt\ncert {PLACE}/server.crt\nkey {PLACE}/server.key\ndh none\nverify-client-cert none\n"
            f"username-as-common-name\nduplicate-cn\nverb 4\n{settings}\n")

    def command(self):
        return ["/usr/sbin/openvpn", "--config", self._config]

    def ready(self):
        return CONNECTED in self.said()

    def client(self, *options):
        return Client(self.port, *options)

    def renegotiates(self, clock, seconds):
        """Returns whether the server is content when, after this time, it wants new keys and asks again for the user."""
        before = self.said()
        clock.advance(seconds)
        wait_until(lambda: GOOD.search(self.said(), len(before)) or BAD.search(self.said(), len(before)), "new keys")
        return not BAD.search(self.said(), len(before))

    def log_in(self, account, reply, rhost=sshd.HOST):
        with self.client("--bind", "--local", rhost) as client:
            client.answers(account, reply)
            return client.connects()


class Client:
    """`with server.client() as client:` until the end of the block."""

    def __init__(self, port, *options):
        self._terminal = pexpect.spawn(
            "/usr/sbin/openvpn",
            ["--client", "--remote", sshd.HOST, str(port), "--proto", "tcp-client", "--dev", "null", "--ca", f"{PLACE}/ca.crt",
             "--auth-user-pass", "--ifconfig-noexec", "--route-noexec", "--verb", "4", "--connect-retry", "1", "1",
             "--nobind" if "--bind" not in options else "--lport", *([] if "--bind" not in options else ["0"]), *options],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **REAL_TIME}, encoding="utf-8", codec_errors="replace",
            timeout=doors.TIMEOUT_SECONDS, cwd="/",
        )
        self._terminal.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._terminal.close(force=True)

    def answers(self, account, reply, code=None):
        doors.TYPED.extend([reply, code] if code else [reply])
        self._terminal.expect("Enter Auth Username:")
        self._terminal.sendline(account.name)
        self._terminal.expect("Enter Auth Password:")
        # Text that is typed before the terminal stops showing it is lost.
        assert self._terminal.waitnoecho(doors.TIMEOUT_SECONDS)
        self._terminal.sendline(reply)
        if code is not None:
            self._terminal.expect("CHALLENGE: Verification code")
            self._terminal.sendline(code)

    def connects(self):
        return self._terminal.expect([REFUSED, CONNECTED]) == 1

    def comes_back(self):
        """Comes back as after a break of the connection."""
        self._terminal.kill(10)
        self._terminal.expect("SIGUSR1")
        return self.connects()


def make_device():
    node = pathlib.Path("/dev/net/tun")
    if not node.exists():
        node.parent.mkdir(exist_ok=True)
        os.mknod(node, 0o600 | 0o020000, os.makedev(10, 200))


def make_keys():
    """Makes keys that are valid at any time that a test's clock shows."""
    directory(PLACE)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
        "-subj", "/CN=authority", "-keyout", PLACE / "ca.key", "-out", PLACE / "ca.crt", env={**os.environ, **REAL_TIME})
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=server",
        "-keyout", PLACE / "server.key", "-out", PLACE / "server.csr", env={**os.environ, **REAL_TIME})
    run("openssl", "x509", "-req", "-days", "3650", "-in", PLACE / "server.csr", "-CA", PLACE / "ca.crt", "-CAkey",
        PLACE / "ca.key", "-CAcreateserial", "-out", PLACE / "server.crt", env={**os.environ, **REAL_TIME})
    run("openvpn", "--genkey", "auth-token", PLACE / "auth-token.key")
