//! Networks and addresses as numbers. Names are never looked up: a name service would then decide who is trusted.

use crate::messages::reason::Unfit;
use crate::record::OutOfRange;
use std::net::IpAddr;

/// A range of addresses (RFC 4632 section 3.1, RFC 4291 section 2.3).
///
/// An IPv4 address that is mapped to IPv6 (RFC 4291 section 2.5.5.2) counts everywhere here as the IPv4 address. Which
/// of the two a program passes depends on the socket that it listens on, and not on the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Bits before the IPv4 address in a mapped address.
const MAPPED: u8 = 96;

impl Network {
    /// Reads `192.0.2.0/24` or `2001:db8::/32`; a single address is a network of one. A mapped network is the IPv4 one.
    ///
    /// # Errors
    /// The text is not in numbers, has a prefix longer than the address, is a mapped network that holds more than IPv4,
    /// or has bits set after the prefix. With such bits the meaning is unclear, and a guess might trust too many
    /// addresses.
    pub fn parse(text: &str) -> Result<Self, OutOfRange> {
        let form = OutOfRange(Unfit::NoNetwork);
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| form)?;
        let longest = bits_of(written);
        let prefix = match prefix {
            None => longest,
            Some(digits) => decimal(digits).ok_or(form)?,
        };
        if prefix > longest {
            return Err(OutOfRange(Unfit::PrefixTooLong));
        }
        let first = written.to_canonical();
        let prefix = if bits_of(first) == longest {
            prefix
        } else {
            prefix
                .checked_sub(MAPPED)
                .ok_or(OutOfRange(Unfit::PrefixTooShort))?
        };
        let network = Self { first, prefix };
        if number(first) & network.mask() == number(first) {
            Ok(network)
        } else {
            Err(OutOfRange(Unfit::HostBits))
        }
    }

    /// Whether the network contains an address; a mapped address counts as the IPv4 one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4()
            && number(address) & self.mask() == number(self.first)
    }

    /// Whether the network contains every address of its family.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        self.prefix == 0
    }

    /// A mask of ones where all addresses of the network agree, and also above an IPv4 address, where all bits are
    /// zero.
    fn mask(&self) -> u128 {
        let host_bits = bits_of(self.first) - self.prefix;
        u128::MAX.checked_shl(host_bits.into()).unwrap_or(0)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Reads the address in `PAM_RHOST`; `None` if it is a name, or anything else. A mapped address is the IPv4 one.
///
/// An address with a zone (`fe80::1%eth0`) is not read: it means another host on another interface.
#[must_use]
pub fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// The length of an address of this family, in bits.
const fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address as one number.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Reads a number without a sign and, as in an address, without leading zeros: some programs would read those as octal.
fn decimal(digits: &str) -> Option<u8> {
    let plain = digits == "0" || !digits.starts_with(['0', '+']);
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, rhost: &str) -> bool {
        let network = Network::parse(network).unwrap();
        network.contains(address(rhost).unwrap())
    }

    #[test]
    fn a_network_holds_its_first_and_last_address_and_not_their_neighbours() {
        for (network, inside, outside) in [
            (
                "192.0.2.0/24",
                &["192.0.2.0", "192.0.2.255"][..],
                &["192.0.1.255", "192.0.3.0"][..],
            ),
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255"],
                &["9.255.255.255", "11.0.0.0"],
            ),
            (
                "128.0.0.0/1",
                &["128.0.0.0", "255.255.255.255"],
                &["127.255.255.255"],
            ),
            (
                "192.0.2.2/31",
                &["192.0.2.2", "192.0.2.3"],
                &["192.0.2.1", "192.0.2.4"],
            ),
            ("192.0.2.7/32", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            ("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            (
                "2001:db8::/32",
                &["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
                &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"],
            ),
            (
                "2001:db8::2/127",
                &["2001:db8::2", "2001:db8::3"],
                &["2001:db8::1", "2001:db8::4"],
            ),
            ("::1/128", &["::1"], &["::", "::2"]),
            ("::1", &["::1"], &["::", "::2"]),
        ] {
            for one in inside {
                assert!(holds(network, one), "{network} holds {one}");
            }
            for one in outside {
                assert!(!holds(network, one), "{network} does not hold {one}");
            }
        }
    }

    #[test]
    fn a_network_of_one_whole_family_holds_no_address_of_the_other() {
        for (network, inside, outside) in [
            ("0.0.0.0/0", "0.0.0.0", "::"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("0.0.0.0/0", "::ffff:192.0.2.1", "::192.0.2.1"),
            ("::/0", "::", "0.0.0.0"),
            (
                "::/0",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "192.0.2.1",
            ),
            ("::/0", "::192.0.2.1", "::ffff:192.0.2.1"),
            ("::/80", "::1", "::ffff:192.0.2.1"),
        ] {
            assert!(holds(network, inside), "{network} holds {inside}");
            assert!(
                !holds(network, outside),
                "{network} does not hold {outside}"
            );
        }
    }

    #[test]
    fn mapped_addresses_and_networks_count_as_ipv4() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
            ("::ffff:c000:200/120", "::ffff:c000:2ff", "::ffff:c000:300"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.2/127", "192.0.2.3", "192.0.2.4"),
            ("::ffff:192.0.2.7/128", "192.0.2.7", "192.0.2.6"),
            ("::ffff:0.0.0.0/96", "203.0.113.1", "2001:db8::1"),
        ] {
            assert!(holds(network, inside), "{network} holds {inside}");
            assert!(
                !holds(network, outside),
                "{network} does not hold {outside}"
            );
        }
        // Even if the caller did not use `address` to read the address.
        let network = Network::parse("192.0.2.0/24").unwrap();
        assert!(network.contains("::ffff:192.0.2.9".parse().unwrap()));
    }

    #[test]
    fn text_that_is_no_network_is_refused_with_the_reason() {
        let reason = |text| Network::parse(text).unwrap_err().to_string();
        for text in [
            "",
            " ",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "10.0.0.0/8 ",
            " 10.0.0.0/8",
            "10.0.0.0 /8",
            "10.0.0.0/08",
            "10.0.0.0/00",
            "10.0.0.0/8/8",
            "10.0.0.0/0x8",
            "10.0.0.0/256",
            "10.0.0.0/٨",
            "10.0.0.0/255.0.0.0",
            "10.0.0/8",
            "10/8",
            "010.0.0.0/8",
            "10.0.0.0-10.0.0.9",
            "167772160/8",
            "[2001:db8::]/32",
            "2001:db8:/32",
            "fe80::%eth0/64",
            "fe80::/64%eth0",
            "fe80::1%1",
            "localhost",
            "example.org/8",
            "*",
            "10.0.0.0/8,10.0.0.0/8",
            "10.0.0.0/8\0",
        ] {
            assert!(reason(text).contains("in numbers"), "{text:?}");
        }
        for text in [
            "10.0.0.0/33",
            "10.0.0.0/128",
            "::/129",
            "::ffff:10.0.0.0/129",
        ] {
            assert!(reason(text).contains("at most 32 bits"), "{text:?}");
        }
        for text in ["::ffff:10.0.0.0/95", "::ffff:0.0.0.0/8", "::ffff:0:0/0"] {
            assert!(reason(text).contains("at least 96 bits"), "{text:?}");
        }
        for text in [
            "10.0.0.1/8",
            "192.0.2.1/31",
            "0.0.0.1/0",
            "128.0.0.0/0",
            "2001:db8::1/32",
            "::1/127",
            "::1/0",
            "::fffe:0:0/80",
            "::ffff:10.0.0.1/104",
        ] {
            assert!(reason(text).contains("host bits"), "{text:?}");
        }
    }

    #[test]
    fn a_network_is_shown_in_its_shortest_form_and_read_back() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("::1", "::1/128"),
            ("2001:0DB8:0:0::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            let network = Network::parse(text).unwrap();
            assert_eq!(network.to_string(), shown);
            assert_eq!(Network::parse(shown).unwrap(), network);
        }
    }

    #[test]
    fn only_a_number_is_an_address() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:DB8::7", "2001:db8::7"),
            ("fe80::1", "fe80::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:c000:207", "192.0.2.7"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "localhost",
            "10.0.0.1.example.org",
            "10.0.0.1.",
            "10.0.0.1:22",
            "[::1]",
            "[::1]:22",
            "::1%lo",
            "fe80::1%eth0",
            "fe80::1%2",
            "::ffff:10.0.0.1%eth0",
            "010.0.0.1",
            "10.0.0.01",
            "10.0.0",
            "10.0.0.256",
            "0x0a000001",
            "167772161",
            "10.0.0.1/32",
            "10.0.0.1 ",
            " 10.0.0.1",
            "10.0.0.1\n",
            "10.0.0.1\0",
            "１０.0.0.1",
            ":0",
            "/dev/tty1",
        ] {
            assert_eq!(address(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_a_network_without_a_prefix_is_everywhere() {
        for (network, everywhere) in [
            ("0.0.0.0/0", true),
            ("::/0", true),
            ("::ffff:0:0/96", true),
            ("0.0.0.0/1", false),
            ("::/96", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.is_everywhere(), everywhere, "{network}");
        }
    }
}
