"""Private certificate authorities, made by openssl with the commands of pam_otp-fleet(7): one for etcd, and one for the fleet."""

import os
import subprocess

import hosts

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
# Long enough for the programs under test, whose clock differs from openssl's.
DAYS = "3650"


class Authority:
    """Signs certificates. Its files in `directory` are `NAME-ca.pem`, and FILE.pem and FILE.key for each certificate."""

    def __init__(self, directory, name):
        self.directory = directory / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / f"{name}-ca.pem"
        self._key = self.directory / f"{name}-ca.key"
        self._openssl("req", "-x509", *KEY, "-days", DAYS, "-subj", f"/CN={name} CA", "-keyout", self._key,
                      "-out", self.certificate)

    def sign(self, common_name, dns_name, file=None):
        """Signs a certificate and returns it with its key. `common_name` is the user in etcd; "" is no user."""
        file = file or common_name
        subject = f"/CN={common_name}" if common_name else "/"
        key, certificate, request, extensions = (self.directory / f"{file}.{kind}" for kind in ("key", "pem", "csr", "ext"))
        self._openssl("req", "-new", *KEY, "-subj", subject, "-keyout", key, "-out", request)
        extensions.write_text(f"subjectAltName=DNS:{dns_name}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                      "-days", DAYS, "-out", certificate, "-extfile", extensions)
        return certificate, key

    @staticmethod
    def _openssl(*words):
        environment = {**hosts.REAL, "HOME": os.devnull}
        done = subprocess.run(["openssl", *map(str, words)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"openssl {words[0]}: {done.stderr}"
