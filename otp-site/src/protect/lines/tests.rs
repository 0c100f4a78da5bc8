use super::*;

const EACH: Wanted = Wanted::Code { skips: None };
const SU: Wanted = Wanted::Code {
    skips: Some("pam_rootok.so"),
};

/// Puts lines in and takes them out again: the old text must remain.
fn put_in_and_out(text: &str, wanted: Wanted) -> String {
    let new = put_in(text, wanted).unwrap();
    assert_eq!(take_out(&new, None).as_deref(), Ok(text), "{new}");
    let (count, twice) = (asking(&new).unwrap().len(), put_in(&new, wanted));
    assert!(
        count > 0 && matches!(twice, Err(Misfit::OursOtherwise(_))),
        "{new}"
    );
    new
}

#[test]
fn the_code_comes_right_below_the_password_on_debian() {
    let text =
        "# sshd\n@include common-auth\naccount required pam_nologin.so\n@include common-account\n";
    assert_eq!(
        put_in_and_out(text, EACH),
        "# sshd\n@include common-auth\n# otp-admin protect: the next line\nauth    required    pam_otp.so\n\
         account required pam_nologin.so\n@include common-account\n"
    );
}

#[test]
fn the_code_comes_right_above_the_password_on_fedora() {
    let text = "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\naccount    include      password-auth\n";
    assert_eq!(
        put_in_and_out(text, EACH),
        "#%PAM-1.0\n# otp-admin protect: the next line\nauth    required    pam_otp.so\n\
         auth       substack     password-auth\nauth       include      postlogin\naccount    include      password-auth\n"
    );
}

#[test]
fn a_substack_that_goes_on_after_a_wrong_password_becomes_an_include() {
    let text = "auth required pam_sepermit.so\nauth  substack  common-auth\nauth optional pam_ssh_add.so\n";
    assert_eq!(
        put_in_and_out(text, EACH),
        "auth required pam_sepermit.so\n# otp-admin protect: the next 2 lines, in place of: auth  substack  common-auth\n\
         auth    include     common-auth\nauth    required    pam_otp.so\nauth optional pam_ssh_add.so\n"
    );
}

#[test]
fn a_program_that_asks_once_gets_three_lines_instead_of_one() {
    for line in [
        "@include common-auth",
        "auth include login",
        "auth\tsubstack system-auth",
    ] {
        let text = format!("# top\n{line}\n@include common-account\n");
        assert_eq!(
            put_in_and_out(&text, Wanted::OneReply),
            format!(
                "# top\n# otp-admin protect: the next 3 lines, in place of: {line}\n\
                 auth    required    pam_otp.so split\nauth    requisite   pam_unix.so use_first_pass\n\
                 auth    required    pam_otp.so\n@include common-account\n"
            )
        );
    }
}

#[test]
fn a_file_without_a_clear_place_for_our_line_is_left_alone() {
    for (text, misfit) in [
        ("", Misfit::NoPlace),
        ("account include system-auth\n", Misfit::NoPlace),
        ("#@include common-auth\n", Misfit::NoPlace),
        (
            "@include common-auth\n@include common-auth\n",
            Misfit::NoPlace,
        ),
        (
            "@include common-auth\nauth include login\n",
            Misfit::NoPlace,
        ),
        (
            "auth required \\\npam_unix.so\n@include common-auth\n",
            Misfit::Unreadable(1),
        ),
        ("@include common-auth\n\0\n", Misfit::Unreadable(2)),
        ("auth required pam_unix.so\n", Misfit::NoPlace),
        (
            "auth sufficient pam_permit.so\n@include common-auth\n",
            Misfit::LedAround(1),
        ),
        (
            "auth [success=1 default=ignore] pam_x.so\n@include common-auth\n",
            Misfit::LedAround(1),
        ),
        (
            "auth [success=done default=die] pam_x.so\n@include common-auth\n",
            Misfit::LedAround(1),
        ),
        (
            "@include common-auth\nauth sufficient pam_u2f.so\n",
            Misfit::LedAround(2),
        ),
        (
            "@include common-auth\nauth required pam_otp.so nullok\n",
            Misfit::OursOtherwise(2),
        ),
        (
            "@include common-auth\naccount required pam_otp.so nullok\n",
            Misfit::OursOtherwise(2),
        ),
        (
            "@include common-auth\nsession required pam_otp.so\n",
            Misfit::OursOtherwise(2),
        ),
    ] {
        for wanted in [EACH, Wanted::OneReply] {
            assert_eq!(put_in(text, wanted), Err(misfit), "{text:?}");
        }
    }
}

#[test]
fn su_lets_root_in_before_the_code_and_nobody_else() {
    let text = "auth       sufficient pam_rootok.so\n@include common-auth\n";
    put_in_and_out(text, SU);
    assert_eq!(put_in(text, EACH), Err(Misfit::LedAround(1)));
    let wheel =
        "auth sufficient pam_rootok.so\nauth sufficient pam_wheel.so trust\n@include common-auth\n";
    assert_eq!(put_in(wheel, SU), Err(Misfit::LedAround(2)));
}

#[test]
fn lines_put_in_by_hand_as_documented_are_taken_out_as_well() {
    let text = "@include common-auth\nauth required pam_otp.so\naccount  required  pam_otp.so\n@include common-account\n";
    assert_eq!(
        take_out(text, None).as_deref(),
        Ok("@include common-auth\n@include common-account\n")
    );
    let three = "auth required pam_otp.so split\nauth requisite pam_unix.so try_first_pass\nauth required pam_otp.so\n";
    assert_eq!(take_out(three, None), Err(Misfit::NothingToPutBack(1)));
    assert_eq!(
        take_out(three, Some("@include common-auth")).as_deref(),
        Ok("@include common-auth\n")
    );
}

#[test]
fn other_lines_of_ours_stay_for_a_person_to_decide() {
    for line in [
        "auth required pam_otp.so nullok",
        "auth sufficient pam_otp.so",
        "auth required /opt/pam_otp.so",
        "account required pam_otp.so nullok",
        "session required pam_otp.so",
        "auth required pam_otp.so split",
    ] {
        let text = format!("@include common-auth\n{line}\n");
        assert_eq!(
            take_out(&text, None),
            Err(Misfit::OursOtherwise(2)),
            "{line}"
        );
    }
}

#[test]
fn only_a_line_that_includes_a_password_check_is_put_back() {
    for line in [
        "auth sufficient pam_permit.so",
        "",
        "auth required pam_unix.so",
        "@include common-account",
    ] {
        let text = format!("{MARK}3{INSTEAD}{line}\n{}\n", ONE_REPLY.join("\n"));
        assert_eq!(
            take_out(&text, None),
            Err(Misfit::NothingToPutBack(1)),
            "{line}"
        );
        let bare = ONE_REPLY.join("\n") + "\n";
        assert_eq!(
            take_out(&bare, Some(line)),
            Err(Misfit::NothingToPutBack(1)),
            "{line}"
        );
    }
}

#[test]
fn lines_changed_below_our_comment_are_not_taken_for_ours() {
    let text = put_in("@include common-auth\n", Wanted::OneReply).unwrap();
    let changed = text.replace("requisite   pam_unix.so", "requisite   pam_sss.so");
    assert_eq!(take_out(&changed, None), Err(Misfit::OursOtherwise(2)));
    let nullok = text.replace("pam_otp.so split", "pam_otp.so split nullok");
    assert_eq!(take_out(&nullok, None), Err(Misfit::OursOtherwise(2)));
}

#[test]
fn a_file_without_an_end_of_line_keeps_its_last_line() {
    let new = put_in("@include common-auth", EACH).unwrap();
    assert_eq!(new, format!("@include common-auth\n{MARK}{ONE}\n{CODE}\n"));
}

#[test]
fn a_line_that_another_one_jumps_over_stays_for_a_person_to_decide() {
    let exempt = "auth [success=1 default=ignore] pam_succeed_if.so user = backup\n";
    let last = "auth required pam_listfile.so item=user\n";
    for (text, line) in [
        // Without our line, backup would skip the list.
        (format!("@include common-auth\n{exempt}{CODE}\n{last}"), 3),
        (
            format!("@include common-auth\n{exempt}{MARK}{ONE}\n{CODE}\n{last}"),
            4,
        ),
        (
            format!(
                "{}@include x\nauth optional pam_x.so\n{CODE}\n",
                exempt.replace("=1", "=2")
            ),
            4,
        ),
        (format!("{exempt}{}\n", ONE_REPLY.join("\n")), 2),
        (
            format!(
                "{exempt}{MARK}3{INSTEAD}@include common-auth\n{}\n",
                ONE_REPLY.join("\n")
            ),
            3,
        ),
        (
            format!("@include common-auth\n{CODE}\naccount [default=1] pam_x.so\n{ACCOUNT}\n"),
            4,
        ),
    ] {
        let taken = take_out(&text, Some("@include common-auth"));
        assert_eq!(taken, Err(Misfit::OursOtherwise(line)), "{text}");
    }
    // The jump ends above our line, or skips lines of another phase.
    for text in [
        format!("{exempt}auth required pam_x.so\n@include common-auth\n{CODE}\n"),
        format!("account [default=1] pam_x.so\n@include common-auth\n{CODE}\n"),
    ] {
        let taken = take_out(&text, None);
        assert_eq!(taken, Ok(text.replace(&format!("{CODE}\n"), "")), "{text}");
    }
}
