use super::*;

const HEAD: usize = MAGIC.len() + 1 + PREFIX;

fn key(byte: u8) -> Secret {
    Secret::Key(Zeroizing::new([byte; KEY]))
}

fn sealed(content: &[u8], secret: &Secret) -> Vec<u8> {
    let mut sealing = Sealing::begin(Vec::new(), secret).unwrap();
    // Pieces that do not fit a block.
    for piece in content.chunks(1000) {
        sealing.write(piece).unwrap();
    }
    sealing.end().unwrap()
}

/// Reads everything as a restore does: in small pieces, up to the end.
fn opened(bytes: &[u8], secret: &Secret) -> Result<Vec<u8>, Closed> {
    let mut opening = Opening::begin(bytes, secret)?;
    let mut content = Vec::new();
    while !opening.is_over()? {
        let mut byte = [0];
        opening.read(&mut byte)?;
        content.push(byte[0]);
    }
    Ok(content)
}

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn a_sealed_file_reads_back_whatever_its_length() {
    for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7] {
        let content = content(length);
        let bytes = sealed(&content, &key(1));
        assert_eq!(opened(&bytes, &key(1)).unwrap(), content, "{length}");
        // At least one block, and no needless second one.
        let blocks = length.div_ceil(BLOCK).max(1);
        assert_eq!(bytes.len(), HEAD + length + blocks * TAG);
    }
}

#[test]
fn a_sealed_file_reveals_nothing_and_no_two_are_alike() {
    let content = b"a key of 20 bytes...".repeat(100);
    let (one, two) = (sealed(&content, &key(1)), sealed(&content, &key(1)));
    assert_ne!(one[HEAD..], two[HEAD..]);
    for bytes in [&one, &two] {
        assert!(!bytes.windows(8).any(|window| window == &content[..8]));
    }
}

#[test]
fn a_file_that_was_cut_at_any_point_is_refused() {
    let bytes = sealed(&content(3 * BLOCK + 100), &key(1));
    let boundaries = (0..4).map(|block| HEAD + block * (BLOCK + TAG));
    let around = boundaries.flat_map(|at| [at - 1, at, at + 1]);
    let in_head = (0..HEAD).chain([bytes.len() - 1, bytes.len() - TAG]);
    for end in around.chain(in_head) {
        assert!(opened(&bytes[..end], &key(1)).is_err(), "{end}");
    }
}

#[test]
fn a_flipped_bit_is_refused_wherever_it_is() {
    let bytes = sealed(&content(BLOCK + 300), &key(1));
    let all = bytes.len();
    let places = (0..HEAD + 40)
        .chain((HEAD + 40..all).step_by(997))
        .chain(all - 40..all);
    for at in places {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(opened(&changed, &key(1)).is_err(), "{at}");
    }
}

#[test]
fn blocks_that_are_moved_repeated_or_of_another_file_are_refused() {
    let (one, two) = (
        sealed(&content(3 * BLOCK), &key(1)),
        sealed(&content(3 * BLOCK), &key(1)),
    );
    let block = |file: &[u8], at: usize| {
        let begin = HEAD + at * (BLOCK + TAG);
        file[begin..file.len().min(begin + BLOCK + TAG)].to_vec()
    };
    for order in [
        vec![(&one, 1), (&one, 0), (&one, 2)],
        vec![(&one, 0), (&one, 0), (&one, 1), (&one, 2)],
        vec![(&one, 0), (&one, 2)],
        vec![(&one, 0), (&two, 1), (&one, 2)],
        vec![(&one, 0), (&one, 1), (&one, 2), (&one, 2)],
    ] {
        let mut bytes = one[..HEAD].to_vec();
        for (file, at) in order {
            bytes.extend(block(file, at));
        }
        assert!(opened(&bytes, &key(1)).is_err());
    }
    assert!(opened(&[one.as_slice(), b"more"].concat(), &key(1)).is_err());
}

#[test]
fn another_key_opens_nothing_and_is_reported_as_wrong() {
    let bytes = sealed(b"content", &key(1));
    assert!(matches!(opened(&bytes, &key(2)), Err(Closed::WrongKey)));
    let passphrase = |text: &str| Secret::Passphrase(Zeroizing::new(text.to_owned()));
    assert!(matches!(
        opened(&bytes, &passphrase("content")),
        Err(Closed::WrongKey)
    ));
    let by_passphrase = sealed(b"content", &passphrase("five words that nobody knows"));
    assert_eq!(
        opened(&by_passphrase, &passphrase("five words that nobody knows")).unwrap(),
        b"content"
    );
    assert!(matches!(
        opened(&by_passphrase, &passphrase("other")),
        Err(Closed::WrongKey)
    ));
    assert!(matches!(
        opened(&by_passphrase, &key(1)),
        Err(Closed::WrongKey)
    ));
}

#[test]
fn a_foreign_file_is_distinguished_from_a_newer_one() {
    assert!(matches!(opened(b"", &key(1)), Err(Closed::NotOurs)));
    assert!(matches!(
        opened(b"etcd snapshot and more", &key(1)),
        Err(Closed::NotOurs)
    ));
    assert!(matches!(
        opened(b"pam_otp-backup 2\nk and more", &key(1)),
        Err(Closed::Newer)
    ));
    assert!(matches!(
        opened(b"pam_otp-backup 1\nx and more", &key(1)),
        Err(Closed::NotOurs)
    ));
}
