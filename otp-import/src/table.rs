//! The meaning of the fields of a table, by their names: the columns of a CSV file, the keys of JSON.

use crate::numbers::decimal;
use crate::{Device, Entry, Owner, Past, key, uri};
use otp_core::messages::import::{Field, Flaw, Obstacle, Remark};
use otp_core::record::{Algorithm, Digits, Kind};
use zeroize::Zeroizing;

/// The meaning of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Owner,
    Label,
    Secret,
    Type,
    Digits,
    Step,
    Counter,
    Algorithm,
}

/// The names of each field, in lower case, without spaces and punctuation.
const NAMES: [(Column, &[&str]); 8] = [
    (
        Column::Owner,
        &[
            "user",
            "username",
            "login",
            "owner",
            "account",
            "uid",
            "userid",
            "upn",
            "userprincipalname",
            "ipatokenowner",
        ],
    ),
    (
        Column::Label,
        &[
            "label",
            "name",
            "device",
            "description",
            "serial",
            "serialnumber",
            "tokenid",
            "ipatokenuniqueid",
        ],
    ),
    (
        Column::Secret,
        &["secret", "secretkey", "otpkey", "seed", "key"],
    ),
    (Column::Type, &["type", "tokentype", "otptype"]),
    (
        Column::Digits,
        &["digits", "otplen", "length", "codelength"],
    ),
    (
        Column::Step,
        &["period", "timestep", "interval", "timeinterval", "step"],
    ),
    (Column::Counter, &["counter", "count"]),
    (Column::Algorithm, &["algorithm", "hashlib", "hash", "algo"]),
];

impl Column {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|c| c.is_alphanumeric())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        NAMES
            .into_iter()
            .find(|(_, names)| names.contains(&plain.as_str()))
            .map(|(column, _)| column)
    }
}

/// The fields of one key. The first field of a column counts; empty fields are ignored.
#[derive(Default)]
pub(crate) struct Fields {
    uri: Option<Zeroizing<String>>,
    named: Vec<(Column, Zeroizing<String>)>,
}

impl Fields {
    /// Takes a field. A URI is recognised whatever its column is called.
    pub(crate) fn take(&mut self, column: Option<Column>, text: Zeroizing<String>) {
        if text.trim().is_empty() {
            return;
        }
        if uri::is_uri(text.trim()) {
            self.uri.get_or_insert(text);
        } else if let Some(column) = column
            && self.of(column).is_none()
        {
            self.named.push((column, text));
        }
    }

    fn of(&self, column: Column) -> Option<&str> {
        self.named
            .iter()
            .find(|(one, _)| *one == column)
            .map(|(_, text)| text.trim())
    }

    /// Whether the fields include a key.
    pub(crate) fn have_a_key(&self) -> bool {
        self.uri.is_some() || self.of(Column::Secret).is_some()
    }

    pub(crate) fn entry(&self, line: usize) -> Entry {
        // Programs write these if a key belongs to no user.
        let nobody = ["n/a", "none", "null", "-"];
        let named = self
            .of(Column::Owner)
            .filter(|name| !nobody.contains(&name.to_ascii_lowercase().as_str()));
        let named = named.map(|name| Owner::perhaps_of_realm(name.to_owned()));
        let says_who = self.of(Column::Owner).is_some();
        let (owner, device) = match &self.uri {
            Some(text) => {
                let read = uri::read(text.trim());
                // If a table says that a key belongs to no user, the label of the URI does not change that.
                (if says_who { named } else { read.owner }, read.device)
            }
            None => (named, self.device()),
        };
        Entry {
            line,
            owner,
            label: self.of(Column::Label).map(str::to_owned),
            device,
        }
    }

    fn device(&self) -> Result<Device, Obstacle> {
        let number = |column, field| {
            let flaw = Obstacle::Unreadable(Flaw::Number(field));
            self.of(column)
                .map(|text| decimal(text).ok_or(flaw))
                .transpose()
        };
        let text = self
            .of(Column::Secret)
            .ok_or(Obstacle::Unreadable(Flaw::NoKey))?;
        let secret = key::secret(key::hex_or_base32(text).ok_or(Obstacle::Unreadable(Flaw::Key))?)?;
        let digits = number(Column::Digits, Field::Digits)?.map_or(Ok(Digits::SIX), key::digits)?;
        let step = number(Column::Step, Field::Step);
        let counter = number(Column::Counter, Field::Counter)?;
        let is_event_based = match self
            .of(Column::Type)
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("totp") => false,
            Some("hotp") => true,
            Some(_) => return Err(Obstacle::Algorithm),
            None => self.of(Column::Step).is_none() && counter.is_some(),
        };
        let mut remarks = Vec::new();
        let (kind, past) = if is_event_based {
            // Without a counter, every code that was ever used would count again.
            let next = counter.ok_or(Obstacle::Unreadable(Flaw::Number(Field::Counter)))?;
            remarks.push(Remark::CounterOfFile);
            (Kind::Hotp, Past::before(next))
        } else {
            (key::totp(step?.unwrap_or(30))?, Past::Unknown)
        };
        let algorithm = if let Some(name) = self.of(Column::Algorithm) {
            key::algorithm(name)?
        } else {
            remarks.push(Remark::AssumedSha1);
            Algorithm::Sha1
        };
        Ok(Device {
            past,
            remarks,
            ..Device::of(kind, algorithm, digits, secret)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_recognised_by_the_names_that_different_programs_use() {
        for (name, column) in [
            ("User", Some(Column::Owner)),
            ("user_name", Some(Column::Owner)),
            ("upn", Some(Column::Owner)),
            ("Serial Number", Some(Column::Label)),
            ("secret key", Some(Column::Secret)),
            ("OTPKey", Some(Column::Secret)),
            ("time interval", Some(Column::Step)),
            ("hashlib", Some(Column::Algorithm)),
            ("manufacturer", None),
            ("", None),
        ] {
            assert_eq!(Column::named(name), column, "{name}");
        }
        let mut all: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
