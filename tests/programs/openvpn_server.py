"""An OpenVPN server with the plugin auth-pam, and its client at a terminal."""

import os
import pathlib

import network
import pexpect
import probe as probes
import table

PLACE = pathlib.Path("/etc/openvpn/server")
CONNECTED, REFUSED = "Initialization Sequence Completed", "AUTH_FAILED"


class Openvpn(network.Program):
    services = ("openvpn",)
    name = "openvpn"
    # The plugin's arguments, and a further question of the client to its user.
    plugin = "openvpn"
    challenge = ()

    def prepare(self):
        self.port = network.free_port()
        make_device()
        if not (PLACE / "ca.crt").exists():
            make_keys()
        self._config = PLACE / "of-a-test.conf"
        self._config.write_text(
            f"local {network.HERE}\nport {self.port}\nproto tcp-server\ndev tun\ntopology subnet\n"
            f"server 10.99.0.0 255.255.255.0\nca {PLACE}/ca.crt\ncert {PLACE}/server.crt\nkey {PLACE}/server.key\ndh none\n"
            "verify-client-cert none\nusername-as-common-name\nduplicate-cn\nverb 4\n"
            f"plugin /usr/lib/openvpn/openvpn-plugin-auth-pam.so {self.plugin}\n")

    def command(self):
        return ["/usr/sbin/openvpn", "--config", self._config]

    def ready(self):
        return CONNECTED in self.said()

    def log_in(self, person, replies, breaks=0):
        """Logs in. `breaks`: how often the connection breaks after that; the client comes back by itself."""
        words = ["--client", "--remote", network.HERE, str(self.port), "--proto", "tcp-client", "--dev", "null", "--ca",
                 f"{PLACE}/ca.crt", "--auth-user-pass", "--ifconfig-noexec", "--route-noexec", "--nobind", "--verb", "3",
                 "--connect-retry", "1", "1"]
        if self.challenge:
            words += ["--static-challenge", self.challenge, "1"]
        child = pexpect.spawn("/usr/sbin/openvpn", words, encoding="utf-8", codec_errors="replace", cwd="/",
                              timeout=probes.PATIENCE_SECONDS)
        child.delaybeforesend = None
        told = ""
        try:
            for question, reply in [("Enter Auth Username:", person), ("Enter Auth Password:", replies[0]),
                                    *([("CHALLENGE: ", replies[1])] if self.challenge else [])]:
                child.expect(question)
                # Text that is typed before the terminal stops showing it is lost.
                assert "Password" not in question or child.waitnoecho(probes.PATIENCE_SECONDS)
                child.sendline(reply)
            for each in range(breaks + 1):
                if each:
                    child.kill(10)
                    child.expect("SIGUSR1")
                admitted = child.expect([REFUSED, CONNECTED]) == 1
                told += child.before + child.after
            return admitted, told
        finally:
            child.close(force=True)

    def log_in_and_go_on(self, person, replies):
        return self.log_in(person, replies, breaks=1)


def make_device():
    node = pathlib.Path("/dev/net/tun")
    if not node.exists():
        node.parent.mkdir(exist_ok=True)
        os.mknod(node, 0o600 | 0o020000, os.makedev(10, 200))


def make_keys():
    PLACE.mkdir(parents=True, exist_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    table.run("openssl", "req", "-x509", *key, "-days", "3650", "-subj", "/CN=authority", "-keyout", PLACE / "ca.key", "-out",
              PLACE / "ca.crt")
    table.run("openssl", "req", *key, "-subj", "/CN=server", "-keyout", PLACE / "server.key", "-out", PLACE / "server.csr")
    table.run("openssl", "x509", "-req", "-days", "3650", "-in", PLACE / "server.csr", "-CA", PLACE / "ca.crt", "-CAkey",
              PLACE / "ca.key", "-CAcreateserial", "-out", PLACE / "server.crt")
