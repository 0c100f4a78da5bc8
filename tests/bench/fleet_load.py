"""One client that has codes checked, one after the other. It runs on a machine of the wire and gets its orders on standard input, as
JSON. It says `ready`, waits for a line, and then prints its results, as JSON.

    kind       "privacyidea" or "verifier"
    host port ca [certificate key policy]
    users      name, key (hex), user id: each is checked with a fresh code, once a step
    used       the step of each user's last code, by name; the results have it too
    seconds    how long; or `checks`: how many
    fresh      whether each check has a connection of its own
"""

import hmac
import http.client
import json
import socket
import ssl
import struct
import sys
import time
import urllib.parse


def code(key, step):
    mac = hmac.digest(bytes.fromhex(key), step.to_bytes(8), "sha1")
    offset = mac[-1] & 15
    return str((int.from_bytes(mac[offset:offset + 4]) & 0x7FFFFFFF) % 10**6).zfill(6)


class PrivacyIdea:
    """POST /validate/check, as each client of privacyIDEA asks."""

    def __init__(self, told):
        self._context = ssl.create_default_context(cafile=told["ca"])
        self._told = told
        self._connection = None

    def connect(self):
        self._connection = http.client.HTTPSConnection(self._told["host"], self._told["port"], timeout=60, context=self._context)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def check(self, name, _uid, reply):
        body = urllib.parse.urlencode({"user": name, "pass": reply})
        self._connection.request("POST", "/validate/check", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.load(self._connection.getresponse())
        return answer["result"]["value"] is True

    def close(self):
        self._connection.close()


class Verifier:
    """The first check of one login, as a machine's client sends it to a verifier. A connection takes one check."""

    def __init__(self, told):
        self._context = ssl.create_default_context(cafile=told["ca"])
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_cert_chain(told["certificate"], told["key"])
        self._context.set_alpn_protocols(["pam-otp/1"])
        self._told = told
        self._connection = None

    def connect(self):
        plain = socket.create_connection((self._told["host"], self._told["port"]), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = self._context.wrap_socket(plain, server_hostname=self._told["host"])

    def check(self, name, uid, reply):
        claim = ["bench", "", "", "", ""]
        self._connection.sendall(frame("fleet1", str(uid), self._told["policy"], "check", name, "", reply, *claim))
        answer = fields(self._connection)
        return answer[0] == b"accepted" or answer

    def close(self):
        self._connection.close()


def frame(*words):
    body = b"".join(struct.pack(">H", len(word.encode())) + word.encode() for word in words)
    return b"otp1" + struct.pack(">H", len(body)) + body


def fields(connection):
    head = read(connection, 6)
    assert head[:4] == b"otp1", head
    body, found = read(connection, struct.unpack(">H", head[4:])[0]), []
    while body:
        (length,) = struct.unpack(">H", body[:2])
        found.append(body[2:2 + length])
        body = body[2 + length:]
    return found


def read(connection, length):
    octets = b""
    while len(octets) < length:
        got = connection.recv(length - len(octets))
        assert got, "the verifier has closed the connection"
        octets += got
    return octets


KINDS = {"privacyidea": PrivacyIdea, "verifier": Verifier}


def main():
    told = json.loads(sys.stdin.readline())
    client = KINDS[told["kind"]](told)
    used = told["used"]
    latencies, connects = [], []
    if not told["fresh"]:
        client.connect()
    print("ready", flush=True)
    sys.stdin.readline()
    began, waited, users = time.monotonic(), 0, told["users"]
    at = 0
    while len(latencies) < told.get("checks", 10**9) and time.monotonic() - waited < began + told.get("seconds", 10**9):
        step = int(time.time()) // 30
        for _ in users:
            name, key, uid = users[at % len(users)]
            at += 1
            if used.get(name) != step:
                break
        else:
            # Every user's code of this step is used. This waits for want of users, so the time does not count.
            time.sleep(0.05)
            waited += 0.05
            continue
        before = time.monotonic()
        if told["fresh"]:
            client.connect()
        step = used[name] = int(time.time()) // 30
        asked = time.monotonic()
        answer = client.check(name, uid, code(key, step))
        assert answer is True, f"check {len(latencies) + 1} was refused: {answer}"
        ended = time.monotonic()
        if told["fresh"]:
            client.close()
        connects.append(asked - before)
        latencies.append(ended - asked)
    took = time.monotonic() - began - waited
    print(json.dumps({"latencies": latencies, "connects": connects, "used": used, "seconds": took}), flush=True)


if __name__ == "__main__":
    main()
