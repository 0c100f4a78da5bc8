"""Fills etcd with accounts of a fleet. It runs on a machine of the wire, before etcd asks for users.

    fleet_fill.py URL CA CERTIFICATE KEY COUNT      adds this many strangers
    fleet_fill.py URL CA CERTIFICATE KEY            adds the people on standard input: [name, key in hex, user id] each, as JSON
"""

import base64
import http.client
import json
import pathlib
import ssl
import sys
import time
import urllib.parse

sys.path[:0] = [str(pathlib.Path("/run/pam_otp-tests/suite/fleet"))]
sys.path[:0] = ["/run/pam_otp-tests/suite/parts"]

import store  # noqa: E402  (the path above has to come first)

# Accounts in one transaction, below the limit that --max-txn-ops 1000 sets in etcd.
AT_ONCE = 300
NUMBER = 100_000
CREATED = int(time.time()) - 86_400


def stranger(number):
    return f"stranger{number:07}"


def main():
    url, ca, certificate, key, *count = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=context, timeout=120)
    puts = []
    for values in strangers(int(count[0])) if count else people():
        puts += [{"request_put": {"key": coded(name.encode()), "value": coded(value)}} for name, value in values.items()]
        if len(puts) >= 3 * AT_ONCE:
            send(connection, puts)
            puts = []
    if puts:
        send(connection, puts)


def people():
    for name, key, uid in json.load(sys.stdin):
        yield store.account(name, uid, bytes.fromhex(key), CREATED)


def strangers(count):
    """Yields strangers. All have the ids and the key of the first, because it takes a while to make a million."""
    model = store.account(stranger(0), NUMBER, bytes(range(20)), CREATED)
    contents = {name: store.content(value) for name, value in model.items() if name.endswith("credential")}
    for number in range(count):
        values = {}
        for name, value in model.items():
            if name in contents:
                own = contents[name].replace(stranger(0).encode(), stranger(number).encode())
                value = store.part(own.replace(f"uid = {NUMBER}\n".encode(), f"uid = {NUMBER + number}\n".encode()))
            values[name.replace(stranger(0), stranger(number))] = value
        yield values


def coded(octets):
    return base64.b64encode(octets).decode()


def send(connection, puts):
    connection.request("POST", "/v3/kv/txn", json.dumps({"success": puts}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.read()
    assert answer.status == 200, told[:300]


if __name__ == "__main__":
    main()
