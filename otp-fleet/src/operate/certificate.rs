//! The facts of a certificate that an administrator needs; `otp-admin doctor` reads a machine's certificates in the
//! same way.

pub use otp_enroll::certificate::Certificate;

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

    fn certificate(names: &[&str], ends: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["x.example.org".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        for name in names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.not_after = date_time_ymd(ends.0, ends.1, ends.2);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn name_and_expiry_are_read_from_the_certificate() {
        for (ends, seconds) in [
            ((2027, 1, 15), 1_799_971_200),
            ((2028, 2, 29), 1_835_395_200),
            ((2049, 12, 31), 2_524_521_600),
            ((2050, 1, 1), 2_524_608_000),
            ((2100, 3, 1), 4_107_542_400),
        ] {
            let read = Certificate::from_der(&certificate(&["verifier-1"], ends)).unwrap();
            assert_eq!(read.common_name.as_deref(), Some("verifier-1"));
            assert_eq!(read.ends.seconds(), seconds, "{ends:?}");
        }
        let none = Certificate::from_der(&certificate(&[], (2027, 1, 15))).unwrap();
        assert_eq!(none.common_name, None);
    }

    #[test]
    fn the_first_certificate_of_a_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_after = date_time_ymd(2027, 1, 15);
        let first = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        params.not_after = date_time_ymd(2028, 1, 15);
        let second = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let text = format!("words before\n{}{}", first.pem(), second.pem());
        std::fs::write(file.path(), text).unwrap();
        let read = Certificate::in_file(file.path()).unwrap();
        assert_eq!(read.ends.seconds(), 1_799_971_200);
        std::fs::write(file.path(), "no certificate").unwrap();
        assert_eq!(Certificate::in_file(file.path()), None);
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused_and_do_no_harm() {
        let good = certificate(&["root"], (2027, 1, 15));
        for end in 0..good.len() / 4 {
            assert_eq!(Certificate::from_der(&good[..end]), None, "{end}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            drop(Certificate::from_der(&bad));
        }
    }
}
