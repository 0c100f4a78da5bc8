//! Lists of all variants of an enum; the compiler checks that they are complete.

/// Lists every variant of an enum. Does not compile if a variant is missing.
///
/// `every!(Refusal: WrongCode, Replayed)` is a constant array of variants that hold nothing.
///
/// ```compile_fail,E0004
/// enum Answer { Yes, No }
/// const ALL: [Answer; 1] = otp_core::every!(Answer: Yes);
/// ```
///
/// `every!(Verdict { Empty => [Verdict::Empty], Recovered => [Verdict::Recovered { left: 1 }] })` is a `Vec` of values
/// for tests. Each variant has one line with at least one value of that variant. Anything else panics.
///
/// This is a macro of our own and not a derive of strum's. Strum needs a second enum to list variants that hold
/// something, and would bring two crates into a PAM module.
#[macro_export]
macro_rules! every {
    ($type:ident: $($variant:ident),+ $(,)?) => {{
        const _: fn(&$type) = |one| match one { $($type::$variant => {})+ };
        [$($type::$variant),+]
    }};
    ($type:ident { $($variant:ident => $values:expr),+ $(,)? }) => {{
        const _: fn(&$type) = |one| match one { $($type::$variant { .. } => {})+ };
        let lines = [$({
            let values: ::std::vec::Vec<$type> = ::std::vec::Vec::from($values);
            let are_of_the_variant = values.iter().all(|one| ::std::matches!(one, $type::$variant { .. }));
            ::std::assert!(
                !values.is_empty() && are_of_the_variant,
                ::std::concat!(::std::stringify!($variant), ": a line without a value of this variant, or with another")
            );
            values
        }),+];
        ::std::vec::Vec::from_iter(lines.into_iter().flatten())
    }};
}

#[cfg(test)]
mod tests {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Plain {
        One,
        Two,
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Rich<'a> {
        Empty,
        Named { name: &'a str },
        Counted(u8),
    }

    #[test]
    fn variants_and_values_come_in_the_order_of_the_list() {
        const ALL: [Plain; 2] = every!(Plain: One, Two);
        assert_eq!(ALL, [Plain::One, Plain::Two]);
        let name = "x".to_owned();
        let all = every!(Rich {
            Empty => [Rich::Empty],
            Named => [Rich::Named { name: &name }],
            Counted => [0, 1].map(Rich::Counted),
        });
        let expected = [
            Rich::Empty,
            Rich::Named { name: "x" },
            Rich::Counted(0),
            Rich::Counted(1),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    #[should_panic(expected = "Two: a line without a value of this variant")]
    fn a_line_with_another_variant_is_an_error() {
        every!(Plain { One => [Plain::One], Two => [Plain::One] });
    }

    #[test]
    #[should_panic(expected = "Two: a line without a value of this variant")]
    fn a_line_without_a_value_is_an_error() {
        every!(Plain { One => [Plain::One], Two => [] });
    }
}
