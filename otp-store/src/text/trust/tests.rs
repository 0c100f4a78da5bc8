use super::*;

/// otp-helper passes both on, and the other side makes the place from them again.
#[test]
fn a_place_names_its_service_and_its_address() {
    let place = Place::of("sshd", "::ffff:192.0.2.1").unwrap();
    assert_eq!(place.service(), "sshd");
    assert_eq!(place.address().to_string(), "192.0.2.1");
    let again = Place::of(place.service(), &place.address().to_string());
    assert_eq!(again, Some(place));
}

#[test]
fn written_places_read_back_oldest_first() {
    let place = |address| Place::of("sshd", address).unwrap();
    let when = UnixTime::from_seconds;
    let text = to_text(&[
        (place("192.0.2.1"), when(1_800_000_001)),
        (place("2001:db8::1"), when(1_800_000_000)),
    ]);
    assert_eq!(
        text,
        "version = 1\n\
         \n[[place]]\nservice = \"sshd\"\naddress = \"192.0.2.1\"\nsince = 1800000001\n\
         \n[[place]]\nservice = \"sshd\"\naddress = \"2001:db8::1\"\nsince = 1800000000\n"
    );
    assert_eq!(
        parse(text.as_bytes()).unwrap(),
        [
            (place("2001:db8::1"), when(1_800_000_000)),
            (place("192.0.2.1"), when(1_800_000_001)),
        ]
    );
}
