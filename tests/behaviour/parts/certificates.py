"""A private authority and the certificates of a fleet, made with openssl as an administrator without our tools would do."""

import datetime
import os
import pathlib
import shutil
import subprocess


class Authority:
    """Signs certificates into a directory: `authority.sign(NAME)` makes NAME.pem and NAME.key."""

    def __init__(self, directory, name="fleet"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.certificate = self.directory / f"{name}-ca.pem"
        self._key = self.directory / f"{name}-ca.key"
        run("req", "-x509", *EC, "-keyout", self._key, "-out", self.certificate, "-days", "3650", "-subj", f"/CN={name} authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._key.chmod(0o600)

    def sign(self, name, *others, expired=False):
        """Signs the certificate and the key of a machine or a person. The name is the first DNS name; addresses may follow."""
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        certificate, extensions = self.directory / f"{name}.pem", self.directory / f"{name}.ext"
        names = ",".join(f"IP:{one}" if one.replace(".", "").isdigit() or ":" in one else f"DNS:{one}" for one in (name, *others))
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n")
        run("req", "-new", *EC, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        key.chmod(0o600)
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=-1 if expired else 3650)
        begins = until - datetime.timedelta(days=4000)
        if expired:
            # `x509 -req` accepts no date in the past; `ca` does.
            self._by_ca(request, certificate, extensions, begins, until)
        else:
            run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                "-days", "3650", "-extfile", extensions, "-out", certificate)
        return certificate, key

    def _by_ca(self, request, certificate, extensions, begins, until):
        base = self.directory / "ca"
        base.mkdir(exist_ok=True)
        (base / "index.txt").write_text("")
        (base / "serial").write_text("1000\n")
        config = base / "ca.cnf"
        config.write_text(
            "[ca]\ndefault_ca=it\n[it]\n"
            f"database={base}/index.txt\nserial={base}/serial\nnew_certs_dir={base}\ndefault_md=sha256\npolicy=any\n"
            "unique_subject=no\n[any]\ncommonName=supplied\n"
        )
        moment = "%Y%m%d%H%M%SZ"
        run("ca", "-batch", "-config", config, "-in", request, "-out", certificate, "-cert", self.certificate, "-keyfile", self._key,
            "-startdate", begins.strftime(moment), "-enddate", until.strftime(moment), "-extfile", extensions, "-notext")


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def run(*words):
    environment = {"PATH": os.environ["PATH"], "REAL_TIME": "1"}
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def install(source, target, mode, group=0):
    """Installs a copy that belongs to root and that group."""
    shutil.copyfile(source, target)
    os.chown(target, 0, group)
    os.chmod(target, mode)
