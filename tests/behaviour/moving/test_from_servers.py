"""Keys exported by other servers: otpauth URIs, tables and key containers. Their users go on with codes, here by oathtool."""

import base64
import json

import pytest

pytestmark = pytest.mark.promised_by("ours")

CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
  <KeyPackage>
    <DeviceInfo><Manufacturer>oath</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
    <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:{kind}">
      <AlgorithmParameters><ResponseFormat Length="{digits}" Encoding="DECIMAL"/></AlgorithmParameters>
      <Data><Secret><PlainValue>{secret}</PlainValue></Secret>{data}</Data>
      <UserId>{user}</UserId>
    </Key>
  </KeyPackage>
</KeyContainer>
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        tmp_path.chmod(0o700)
        path = tmp_path / "export"
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    return write


def waits_for(moving, key, ahead):
    """Codes that the old server may have accepted count as used; then the key works."""
    moving.by_ours()
    for _ in range(ahead + 1):
        assert not moving.admits(key.now())
        moving.clock.advance(key.period)
    assert moving.admits(key.now())


@pytest.mark.parametrize("shape", ["lines", "table", "json", "janitor"])
def test_keys_of_a_list_work_once_nothing_can_be_used_twice(moving, key, file, shape):
    user = moving.account.name
    uri = f"otpauth://totp/Corp:{user}@corp.example?secret={key.base32}&issuer=Corp"
    text = {
        "lines": f"{uri}\n",
        "table": f"user,uri\n{user},{uri.replace(user, 'x')}\n",
        "json": json.dumps([{"user": user, "uri": uri.replace(user, "x")}]),
        "janitor": f"{user}@corp, TOTP0001, {key.hex}, totp, 6, 30\n",
    }[shape]
    (found,) = moving.import_("uris", file(text), "--window", "1")["users"]
    assert found["user"] == user and found["first_code"] == (key.step() + 2) * 30
    waits_for(moving, key, 1)


def test_user_can_be_named_where_the_file_names_none(moving, key, file):
    text = f"otpauth://totp/somebody?secret={key.base32}\n"
    report = moving.import_("uris", file(text), status=1)
    assert [one["id"] for one in report["left"]] == ["unknown-user"]
    moving.import_("uris", file(text), "--user", moving.account.name, "--window", "0")
    waits_for(moving, key, 0)


def test_counter_of_a_uri_continues(moving, key, file):
    moving.import_("uris", file(f"otpauth://hotp/{moving.account.name}?secret={key.base32}&counter=9\n"))
    moving.by_ours()
    assert not moving.admits(key.counter(8))
    assert moving.admits(key.counter(9))


def test_hardware_token_of_a_key_container_works(moving, keys, file):
    key = keys(digits=8)
    text = CONTAINER.format(
        kind="hotp", digits=8, secret=base64.b64encode(key.bytes).decode(), user=f"UID={moving.account.name},DC=example",
        data="<Counter><PlainValue>4</PlainValue></Counter>",
    )
    (found,) = moving.import_("pskc", file(text))["users"]
    assert [one["name"] for one in found["authenticators"]] == ["987654321"]
    moving.by_ours()
    assert not moving.admits(key.counter(3))
    assert moving.admits(key.counter(4))


def test_time_based_token_of_a_key_container_works(moving, keys, file):
    key = keys(period=60)
    text = CONTAINER.format(
        kind="totp", digits=6, secret=base64.b64encode(key.bytes).decode(), user=moving.account.name,
        data="<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>60</PlainValue></TimeInterval>",
    )
    moving.import_("pskc", file(text), "--window", "1")
    waits_for(moving, key, 1)
