//! Containers of the RFC, of privacyIDEA, and damaged ones.

use super::*;
use crate::Reach;
use otp_core::record::Period;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_010);
const PRESHARED: &str = "12345678901234567890123456789012\n";

/// RFC 6030, figure 2 (and 4, which names the user).
const PLAIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" Id="exampleID1" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
    <KeyPackage>
        <DeviceInfo>
            <Manufacturer>Manufacturer</Manufacturer>
            <SerialNo>987654321</SerialNo>
            <UserId>DC=example-bank,DC=net</UserId>
        </DeviceInfo>
        <CryptoModuleInfo>
            <Id>CM_ID_001</Id>
        </CryptoModuleInfo>
        <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
            <Issuer>Issuer</Issuer>
            <AlgorithmParameters>
                <ResponseFormat Length="8" Encoding="DECIMAL"/>
            </AlgorithmParameters>
            <Data>
                <Secret>
                    <PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>
                </Secret>
                <Counter>
                    <PlainValue>0</PlainValue>
                </Counter>
            </Data>
            <UserId>UID=jsmith,DC=example-bank,DC=net</UserId>
        </Key>
    </KeyPackage>
</KeyContainer>
"#;

/// RFC 6030, figure 6: AES-128-CBC with a pre-shared key, and HMAC-SHA1.
const SEALED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0"
    xmlns="urn:ietf:params:xml:ns:keyprov:pskc"
    xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
    <EncryptionKey>
        <ds:KeyName>Pre-shared-key</ds:KeyName>
    </EncryptionKey>
    <MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1">
        <MACKey>
            <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
            <xenc:CipherData>
                <xenc:CipherValue>
    ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX
                </xenc:CipherValue>
            </xenc:CipherData>
        </MACKey>
    </MACMethod>
    <KeyPackage>
        <DeviceInfo>
            <Manufacturer>Manufacturer</Manufacturer>
            <SerialNo>987654321</SerialNo>
        </DeviceInfo>
        <CryptoModuleInfo>
            <Id>CM_ID_001</Id>
        </CryptoModuleInfo>
        <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
            <Issuer>Issuer</Issuer>
            <AlgorithmParameters>
                <ResponseFormat Length="8" Encoding="DECIMAL"/>
            </AlgorithmParameters>
            <Data>
                <Secret>
                    <EncryptedValue>
                        <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
                        <xenc:CipherData>
                            <xenc:CipherValue>
    AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv
                            </xenc:CipherValue>
                        </xenc:CipherData>
                    </EncryptedValue>
                    <ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=
                    </ValueMAC>
                </Secret>
                <Counter>
                    <PlainValue>0</PlainValue>
                </Counter>
            </Data>
        </Key>
    </KeyPackage>
</KeyContainer>
"#;

/// An export of privacyIDEA's token janitor: all names in lower case, no MAC, step and drift in its own units.
const OF_PRIVACYIDEA: &str = r#"<keycontainer version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
<encryptionkey>
<ds:keyname>Pre-shared-key</ds:keyname>
</encryptionkey>
<macmethod algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1">
<mackey>
<xenc:encryptionmethod algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"></xenc:encryptionmethod>
<xenc:cipherdata>
<xenc:ciphervalue>ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX</xenc:ciphervalue>
</xenc:cipherdata>
</mackey>
</macmethod><keypackage>
<deviceinfo>
<manufacturer>phone</manufacturer>
<serialno>TOTP0001</serialno>
</deviceinfo>
<key algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp" id="TOTP0001">
<issuer>privacyIDEA</issuer>
<algorithmparameters>
<responseformat encoding="DECIMAL" length="6"></responseformat>
<suite hashalgo="sha256"></suite>
</algorithmparameters>
<data>
<secret>
<encryptedvalue>
<xenc:encryptionmethod algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"></xenc:encryptionmethod>
<xenc:cipherdata>
<xenc:ciphervalue>AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv</xenc:ciphervalue>
</xenc:cipherdata>
</encryptedvalue>
</secret>
<valuemac>TODOmissing</valuemac>
<time><plainvalue>0</plainvalue></time>
<timeinterval><plainvalue>60</plainvalue></timeinterval>
<counter><plainvalue>29999998</plainvalue></counter>
<timedrift><plainvalue>-95.5</plainvalue></timedrift>
</data>
</key>
</keypackage></keycontainer>
"#;

fn read_with(text: &str, key: Option<&str>, without_mac: bool) -> Result<Vec<Entry>, Unreadable> {
    let transport_key = key.and_then(|key| TransportKey::from_file(key.as_bytes()));
    let options = PskcOptions {
        transport_key: transport_key.as_ref(),
        without_mac,
        now: NOW,
    };
    key_container(text.as_bytes(), &options)
}

fn one(text: &str, key: Option<&str>) -> Entry {
    let mut entries = read_with(text, key, false).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn refused(text: &str, key: Option<&str>) -> Option<Obstacle> {
    one(text, key).device.err()
}

fn is_the_key_of_the_rfc(device: &Device) -> bool {
    device.secret.reveal_bytes() == b"12345678901234567890"
}

#[test]
fn a_plain_key_of_the_rfc_is_read() {
    let entry = one(PLAIN, None);
    assert_eq!((entry.line, entry.label.as_deref()), (3, Some("987654321")));
    assert_eq!(entry.owner.unwrap().written, "jsmith");
    let device = entry.device.ok().unwrap();
    assert!(is_the_key_of_the_rfc(&device));
    assert_eq!(
        (device.kind, device.digits.count(), device.algorithm),
        (Kind::Hotp, 8, Algorithm::Sha1)
    );
    assert_eq!((device.past, device.reach), (Past::Never, None::<Reach>));
    assert_eq!(device.remarks, [Remark::CounterOfFile]);
}

#[test]
fn an_encrypted_key_of_the_rfc_is_read_and_its_mac_is_checked() {
    assert!(is_the_key_of_the_rfc(
        &one(SEALED, Some(PRESHARED)).device.ok().unwrap()
    ));
    assert_eq!(refused(SEALED, None), Some(Obstacle::Sealed));
    // A wrong key of the same length; a key of another length.
    let wrong = refused(SEALED, Some("12345678901234567890123456789013"));
    assert!(
        matches!(wrong, Some(Obstacle::WrongKey | Obstacle::WrongMac)),
        "{wrong:?}"
    );
    let longer = refused(SEALED, Some(&"00".repeat(32)));
    assert_eq!(longer, Some(Obstacle::WrongKey));
    // One bit changed in the key, in the initialisation vector, in the MAC.
    for (from, to) in [
        ("+cIHItlB3W", "+cIHItlB3X"),
        ("AAECAwQF", "BAECAwQF"),
        ("Su+NvtQ", "Su+NvtR"),
    ] {
        assert!(SEALED.contains(from));
        assert_eq!(
            refused(&SEALED.replace(from, to), Some(PRESHARED)),
            Some(Obstacle::WrongMac),
            "{to}"
        );
    }
    let start = SEALED.find("<ValueMAC>").unwrap();
    let end = SEALED.find("</ValueMAC>").unwrap() + "</ValueMAC>".len();
    let without = format!("{}{}", &SEALED[..start], &SEALED[end..]);
    assert_eq!(refused(&without, Some(PRESHARED)), Some(Obstacle::NoMac));
    let taken = read_with(&without, Some(PRESHARED), true)
        .ok()
        .unwrap()
        .remove(0);
    assert!(is_the_key_of_the_rfc(&taken.device.ok().unwrap()));
    // A wrong MAC is still refused.
    let wrong = read_with(&SEALED.replace("Su+N", "Su+O"), Some(PRESHARED), true)
        .ok()
        .unwrap()
        .remove(0);
    assert_eq!(wrong.device.err(), Some(Obstacle::WrongMac));
}

#[test]
fn an_export_of_privacyidea_is_read() {
    assert_eq!(
        refused(OF_PRIVACYIDEA, Some(PRESHARED)),
        Some(Obstacle::NoMac)
    );
    let entry = read_with(OF_PRIVACYIDEA, Some(PRESHARED), true)
        .ok()
        .unwrap()
        .remove(0);
    assert_eq!(
        (entry.label.as_deref(), entry.owner),
        (Some("TOTP0001"), None)
    );
    let device = entry.device.ok().unwrap();
    assert!(is_the_key_of_the_rfc(&device));
    assert_eq!(
        (device.kind, device.algorithm),
        (Kind::Totp(Period::SIXTY), Algorithm::Sha256)
    );
    assert_eq!(device.past, Past::UpTo(Step(29_999_998)));
    assert_eq!(device.drift.steps(), -2);
}

#[test]
fn the_drift_from_other_programs_is_read_in_steps() {
    let text = OF_PRIVACYIDEA
        .replace("privacyIDEA", "Other")
        .replace("-95.5", "-3");
    let device = read_with(&text, Some(PRESHARED), true)
        .ok()
        .unwrap()
        .remove(0)
        .device
        .ok()
        .unwrap();
    assert_eq!((device.drift.steps(), device.past), (-3, Past::Unknown));
    let far = OF_PRIVACYIDEA
        .replace("privacyIDEA", "Other")
        .replace("-95.5", "-41");
    let far = read_with(&far, Some(PRESHARED), true)
        .ok()
        .unwrap()
        .remove(0);
    assert_eq!(far.device.err(), Some(Obstacle::Clock));
}

#[test]
fn aes_of_256_bits_and_a_mac_by_the_same_key_are_read() {
    // openssl enc -aes-256-cbc -K 00..1f -iv 101112..1f, and openssl dgst -sha256 -mac HMAC -macopt hexkey:00..1f.
    let key = data_encoding::HEXLOWER.encode(&(0..32).collect::<Vec<u8>>());
    let start = SEALED.find("<MACKey>").unwrap();
    let end = SEALED.find("</MACKey>").unwrap() + "</MACKey>".len();
    let text = format!("{}{}", &SEALED[..start], &SEALED[end..])
        .replace("xmldsig#hmac-sha1", "xmldsig-more#hmac-sha256")
        .replace("aes128-cbc", "aes256-cbc")
        .replace(
            "AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv",
            LONG_VALUE,
        )
        .replace("Su+NvtQfmvfJzF6bmQiJqoLRExc=", LONG_MAC);
    assert!(is_the_key_of_the_rfc(
        &one(&text, Some(&key)).device.ok().unwrap()
    ));
    let raw: Vec<u8> = (0..32).collect();
    assert!(
        TransportKey::from_file(&raw).is_some() && TransportKey::from_file(&raw[..31]).is_none()
    );
    assert!(TransportKey::from_file(b"").is_none());
}

const LONG_VALUE: &str = "EBESExQVFhcYGRobHB0eH1POG+RIFmcwbJgTES3azsbvmKPilueitnfcjWnp92XF";
const LONG_MAC: &str = "dkcurn6iXDPVcSGcrJZ+xtvU/tBfJOYBHTZKaWb70x4=";

#[test]
fn a_key_whose_policy_does_not_allow_codes_now_is_refused() {
    let with = |policy: &str| {
        refused(
            &PLAIN.replace("</Data>", &format!("</Data><Policy>{policy}</Policy>")),
            None,
        )
    };
    for allowed in [
        "",
        "<KeyUsage>OTP</KeyUsage>",
        "<KeyUsage>CR</KeyUsage><KeyUsage>OTP</KeyUsage>",
        "<StartDate>2006-05-01T00:00:00Z</StartDate><ExpiryDate>2036-05-31T00:00:00.5Z</ExpiryDate>",
        r#"<PINPolicy MinLength="4" PINKeyId="1" PINEncoding="DECIMAL" PINUsageMode="Local"/>"#,
    ] {
        assert_eq!(with(allowed), None, "{allowed}");
    }
    for (policy, obstacle) in [
        ("<KeyUsage>CR</KeyUsage>", Obstacle::KeyPolicy),
        (
            "<StartDate>2036-05-01T00:00:00Z</StartDate>",
            Obstacle::KeyPolicy,
        ),
        (
            "<ExpiryDate>2026-05-01T00:00:00Z</ExpiryDate>",
            Obstacle::KeyPolicy,
        ),
        (
            "<ExpiryDate>2036-05-01T00:00:00+09:00</ExpiryDate>",
            Obstacle::KeyPolicy,
        ),
        (
            "<NumberOfTransactions>5</NumberOfTransactions>",
            Obstacle::KeyPolicy,
        ),
        (r#"<PINPolicy PINUsageMode="Append"/>"#, Obstacle::Pin),
    ] {
        assert_eq!(with(policy), Some(obstacle), "{policy}");
    }
}

#[test]
fn unsupported_settings_are_refused_with_the_reason() {
    let with = |from: &str, to: &str| {
        assert!(PLAIN.contains(from), "{from}");
        refused(&PLAIN.replace(from, to), None)
    };
    assert_eq!(with("pskc:hotp", "pskc:pin"), Some(Obstacle::Algorithm));
    assert_eq!(
        with("Length=\"8\"", "Length=\"10\""),
        Some(Obstacle::Digits)
    );
    assert_eq!(with("DECIMAL", "ALPHANUMERIC"), Some(Obstacle::Digits));
    assert_eq!(
        with("Encoding=", "CheckDigits=\"true\" Encoding="),
        Some(Obstacle::Digits)
    );
    assert_eq!(
        with("<PlainValue>0", "<PlainValue>x"),
        Some(Obstacle::Unreadable(Flaw::Number(Field::Counter)))
    );
    assert_eq!(
        with("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "MTIzNDU2Nzg5"),
        Some(Obstacle::ShortKey { bits: 72 })
    );
    assert_eq!(
        with("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "!"),
        Some(Obstacle::Unreadable(Flaw::Key))
    );
    let keyless = with("Secret>", "Hidden>");
    assert_eq!(keyless, Some(Obstacle::Unreadable(Flaw::NoKey)));
    let suite = with(
        "<ResponseFormat",
        "<Suite>HMAC-SHA512</Suite><ResponseFormat",
    );
    assert_eq!(suite, None);
    let derived = SEALED.replace("<ds:KeyName>Pre-shared-key</ds:KeyName>", "<DerivedKey/>");
    assert_eq!(refused(&derived, Some(PRESHARED)), Some(Obstacle::Method));
    let triple = SEALED.replace("aes128-cbc", "tripledes-cbc");
    assert_eq!(refused(&triple, Some(PRESHARED)), Some(Obstacle::Method));
}

#[test]
fn a_malformed_container_is_reported_with_its_line() {
    let fault = |text: &str| {
        read_with(text, None, false)
            .err()
            .map(|fault| (fault.line, fault.flaw))
    };
    assert_eq!(
        fault("<KeyContainer Version=\"2.0\"/>"),
        Some((1, Flaw::NotPskc))
    );
    assert_eq!(
        fault("<KeyContainer Version=\"1.0\"/>"),
        Some((1, Flaw::Empty))
    );
    assert_eq!(fault("<html/>"), Some((1, Flaw::NotPskc)));
    assert_eq!(fault("\n<a>\n</b>"), Some((3, Flaw::Xml)));
    // A document type could hold entities that grow, and files of this machine.
    let bomb =
        "<!DOCTYPE x [<!ENTITY a \"aaaa\">]>\n<KeyContainer Version=\"1.0\">&a;</KeyContainer>";
    assert_eq!(fault(bomb).map(|(_, flaw)| flaw), Some(Flaw::Xml));
    assert!(
        key_container(
            b"\xff",
            &PskcOptions {
                transport_key: None,
                without_mac: false,
                now: NOW
            }
        )
        .is_err()
    );
    let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert!(fault(&deep).is_some());
}

#[test]
fn each_of_several_keys_has_its_line() {
    let package =
        &PLAIN[PLAIN.find("    <KeyPackage>").unwrap()..PLAIN.find("</KeyContainer>").unwrap()];
    let lines = package.matches('\n').count();
    let text = PLAIN.replace(package, &package.repeat(3));
    let entries = read_with(&text, None, false).ok().unwrap();
    let found: Vec<_> = entries.iter().map(|entry| entry.line).collect();
    assert_eq!(found, [3, 3 + lines, 3 + 2 * lines]);
}

#[test]
fn a_file_full_of_attributes_or_namespaces_is_read_quickly() {
    // The parser alone takes minutes for these, and hours for the largest number that a file may hold.
    let many = |count, name: &str| -> String {
        let attributes = (0..count).map(|at| format!(" {name}{at}='u{at}'"));
        attributes.collect()
    };
    let tags: Vec<_> = (0..3000).map(|at| format!("<a xmlns:b{at}='u'>")).collect();
    let nested = tags.concat();
    for inner in [
        format!("<a{}/>", many(200_000, "a")),
        format!("<a{}/>", many(65, "a")),
        format!("<a{}/>", many(60_000, "xmlns:a")),
        nested + &"</a>".repeat(3000),
    ] {
        let text = format!("<KeyContainer Version='1.0'>\n{inner}</KeyContainer>");
        let fault = read_with(&text, None, false).err();
        let expected = Unreadable {
            line: 2,
            flaw: Flaw::Xml,
        };
        assert_eq!(fault, Some(expected));
    }
    // Many keys that each declare the same prefixes again are also read fast.
    let package = "<KeyPackage xmlns='u' xmlns:a='v' xmlns:b='w'><a:Key b:x='1'/></KeyPackage>";
    let text = format!(
        "<KeyContainer Version='1.0'>{}</KeyContainer>",
        package.repeat(20_000)
    );
    assert_eq!(read_with(&text, None, false).ok().unwrap().len(), 20_000);
}
