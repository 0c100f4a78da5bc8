//! Requests to a helper and its answers: messages, and their content.

use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_helper::frame::{BadFrame, Fields, LIMIT};
use otp_helper::protocol::{Answer, Request};
use otp_helper::session::{Reply, Turn};

pub(super) fn run(bytes: &[u8]) {
    read(bytes);
    // The same as the body of a message, so that a fuzzer need not guess its head.
    if let Ok(length) = u16::try_from(bytes.len()) {
        read(&[b"otp1", length.to_be_bytes().as_slice(), bytes].concat());
    }
    // And as fields that line feeds separate.
    let fields = bytes.split(|&byte| byte == b'\n');
    understand(&fields.fold(Fields::default(), Fields::with));
}

fn read(bytes: &[u8]) {
    let mut reader = bytes;
    let read = Fields::read_from(&mut reader);
    match (&read, naive(bytes)) {
        (Ok(fields), Ok((expected, after))) => {
            assert_eq!(fields.as_slices(), expected);
            assert_eq!(reader, after, "not a byte more is read");
            let written = fields
                .to_bytes()
                .expect("fields that were read can be sent");
            assert_eq!(*written, bytes[..bytes.len() - after.len()]);
            understand(fields);
        }
        (Err(why), Err(expected)) => assert_eq!(*why, expected),
        _ => panic!("only one of the readers accepts the message"),
    }
}

/// A message as the comment at the top of `frame.rs` describes it.
fn naive(bytes: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), BadFrame> {
    let (head, rest) = bytes.split_at_checked(6).ok_or(BadFrame::Silence)?;
    if !head.starts_with(b"otp1") {
        return Err(BadFrame::Mark);
    }
    let length = usize::from(head[4]) * 256 + usize::from(head[5]);
    if length > LIMIT {
        return Err(BadFrame::TooLarge);
    }
    let (body, after) = rest.split_at_checked(length).ok_or(BadFrame::Silence)?;
    let (mut fields, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let length = body.get(at..at + 2).ok_or(BadFrame::Fields)?;
        let end = at + 2 + usize::from(length[0]) * 256 + usize::from(length[1]);
        fields.push(body.get(at + 2..end).ok_or(BadFrame::Fields)?);
        at = end;
    }
    Ok((fields, after))
}

/// Checks that an understood message has one form, which is understood as the same.
fn understand(fields: &Fields) {
    if let Some(request) = Request::from_fields(fields) {
        let said = request.to_fields();
        let again = Request::from_fields(&said).expect("a request of our own is understood");
        assert_eq!(again.to_fields().as_slices(), said.as_slices());
        assert_eq!(
            (again.verb(), again.user()),
            (request.verb(), request.user())
        );
        assert_eq!(said.as_slices()[0], fields.as_slices()[0]);
        assert_eq!(said.as_slices()[1], fields.as_slices()[1]);
        if let Request::Check {
            excused,
            reply,
            no_guess,
            ..
        } = &request
        {
            let fields = fields.as_slices();
            assert_eq!(*excused, fields[2] == b"excused");
            assert_eq!(reply.as_slice(), fields[3]);
            assert_eq!(no_guess.is_some(), fields.len() == 5);
        }
    }
    if let Some(answer) = Answer::from_fields(fields) {
        let again = Answer::from_fields(&answer.to_fields());
        // A reason is cut at 500 characters.
        let is_long = |reason: &Wording| {
            Language::ALL
                .iter()
                .any(|language| reason.text(*language).chars().count() > 500)
        };
        if !matches!(&answer, Answer::Unavailable(reason) if is_long(reason)) {
            assert_eq!(again.as_ref(), Some(&answer));
        }
    }
    if let Some(reply) = Reply::from_fields(fields) {
        let said = reply.to_fields();
        assert_eq!(said.as_slices(), fields.as_slices());
    }
    if let Some(turn) = Turn::from_fields(fields) {
        let said = turn.to_fields();
        let again = Turn::from_fields(&said).expect("a turn of our own is understood");
        assert_eq!(again.to_fields().as_slices(), said.as_slices());
    }
}
