"""OpenVPN with the plugin auth-pam, in both of its ways."""

# bookworm: openvpn openssl

import network
import pytest
import table
from openvpn_server import Openvpn


class ByWords(Openvpn):
    """The configuration says which words are answered by what; the client asks for a second reply."""

    name = "openvpn-by-words"
    # libpam asks for the user's name by "login:". The text is parsed twice: by the reader of the configuration, and for the plugin.
    plugin = r'"openvpn login USERNAME Probe\\ name USERNAME Probe\\ password PASSWORD Probe\\ code OTP"'
    challenge = "code"


@pytest.mark.program("OpenVPN")
def test_openvpn(row, probe):
    table.compare(row, network.measure(Openvpn(), probe, row))


@pytest.mark.program("OpenVPN, with names and values")
def test_openvpn_by_words(row, probe):
    table.compare(row, network.measure(ByWords(), probe, row, network.configured_by_text))
