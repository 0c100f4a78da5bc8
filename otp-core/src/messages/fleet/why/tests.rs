use super::*;
use crate::every;
use crate::messages::in_all::assert_same_in_every_language;

fn all() -> Vec<Why> {
    let said = || "said".to_owned();
    let reason = || Wording::of(|language| language.tag().to_owned());
    every!(Why {
        NoPathOfAFile => [Why::NoPathOfAFile],
        DirectoryNotOpened => [Why::DirectoryNotOpened { reason: reason() }],
        NotThere => [Why::NotThere],
        InAFolder => [Why::InAFolder],
        NotOpened => [Why::NotOpened { reason: reason() }],
        NotExamined => [Why::NotExamined { reason: reason() }],
        NotRead => [Why::NotRead { reason: reason() }],
        NoCertificate => [Why::NoCertificate],
        NotPem => [Why::NotPem],
        NotOfAnAuthority => [Why::NotOfAnAuthority { said: said() }],
        ReadableByGroup => [Why::ReadableByGroup { gid: 17 }],
        NoPrivateKey => [Why::NoPrivateKey],
        AnotherKey => [Why::AnotherKey],
        NoDnsName => [Why::NoDnsName],
        NotForServers => [Why::NotForServers],
        Tls => [Why::Tls { said: said() }],
        Ended => [Why::Ended { said: said() }],
        NotBegun => [Why::NotBegun { said: said() }],
        OfAnotherAuthority => [Why::OfAnotherAuthority { said: said() }],
        BadSignature => [Why::BadSignature { said: said() }],
        OfAnotherName => [Why::OfAnotherName { said: said() }],
        RefusedInTls => [Why::RefusedInTls { said: said() }],
        NoHostAndPort => [Why::NoHostAndPort],
        NotConnected => [Why::NotConnected { said: said() }],
        NoConnection => [Why::NoConnection { limit: 17 }],
        BadPair => [Why::BadPair { said: said() }],
        NoTimeLeft => [Why::NoTimeLeft],
        NoAnswer => [Why::NoAnswer { limit: 17 }],
        StreamEnded => [Why::StreamEnded],
        NoToken => [Why::NoToken],
        Compacted => [Why::Compacted],
        NoAddressOfEtcd => [Why::NoAddressOfEtcd],
        NoAddressForClients => [Why::NoAddressForClients],
        KeyNotRead => [Why::KeyNotRead { path: said() }],
        NoThread => [Why::NoThread { reason: reason() }],
        UnknownFleet => [Why::UnknownFleet { key: "/pam_otp/fleet" }],
        NotOfRoot => [Why::NotOfRoot { path: said() }],
        OtherKeys => [Why::OtherKeys { prefix: "/pam_otp/" }],
        AccountsWithoutFleet => [Why::AccountsWithoutFleet],
        OtherRights => [Why::OtherRights { role: "pam_otp" }],
        AnotherRole => [Why::AnotherRole { name: "web1".to_owned(), role: said() }],
        NotOfKeyLength => [Why::NotOfKeyLength],
        OpenToOthers => [Why::OpenToOthers],
        FileMissing => [Why::FileMissing { file: said() }],
        NoKeyOfPassphrase => [Why::NoKeyOfPassphrase],
        TooLargeForAFile => [Why::TooLargeForAFile],
        TooLongForABackup => [Why::TooLongForABackup],
        NoRandomBytes => [Why::NoRandomBytes],
        NotAMark => [Why::NotAMark],
        NotText => [Why::NotText { said: said() }],
        LongArgument => [Why::LongArgument],
        Closed => [Why::Closed],
        AnotherVersion => [Why::AnotherVersion],
        NoAddress => [Why::NoAddress],
        AddressNotFound => [Why::AddressNotFound { said: said() }],
        Silent => [Why::Silent { said: said() }],
        CutOff => [Why::CutOff { said: said() }],
    })
}

#[test]
fn every_reason_of_a_fleet_is_there_in_every_language_with_the_same_figures() {
    for why in all() {
        // UTF-8 is a name, and no figure of the English reason.
        if !matches!(why, Why::NotText { .. }) {
            assert_same_in_every_language(|language| why.text(language));
        }
        for language in Language::ALL {
            assert!(!why.text(language).ends_with('.'), "{why:?}");
        }
        assert_eq!(why.to_string(), why.text(Language::English));
    }
}

#[test]
fn a_reason_inside_a_reason_is_told_in_the_same_language() {
    for why in all() {
        let (english, korean) = (why.text(Language::English), why.text(Language::Korean));
        assert!(!english.ends_with(": ko"), "{english}");
        assert!(!korean.ends_with(": en"), "{korean}");
    }
}
