//! Many users' names in little memory.

use crate::account::{UnusableName, UserName};
use crate::messages::reason::Unfit;

/// Users' names, sorted, each once. A million of them take about 15 MiB: they are one text, with a number for each
/// name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Each name, followed by a character that no name has.
    text: String,
    /// Where each name begins.
    begins: Vec<u32>,
}

/// A character that no name has.
const END: char = '\n';

/// Names that are still being collected.
#[derive(Debug, Default)]
pub struct Gathering(Names);

impl Gathering {
    /// Adds a name, in any order, and as often as it comes.
    ///
    /// # Errors
    /// No user can have the name, or all names together exceed 4 GiB.
    pub fn add(&mut self, name: &str) -> Result<(), UnusableName> {
        UserName::check(name)?;
        let begins = u32::try_from(self.0.text.len());
        self.0
            .begins
            .push(begins.map_err(|_| UnusableName(Unfit::TooManyNames))?);
        self.0.text.push_str(name);
        self.0.text.push(END);
        Ok(())
    }

    /// Returns all names that were added.
    #[must_use]
    pub fn sorted(self) -> Names {
        let Names { text, mut begins } = self.0;
        begins.sort_unstable_by(|&one, &other| at(&text, one).cmp(at(&text, other)));
        begins.dedup_by(|one, other| at(&text, *one) == at(&text, *other));
        Names { text, begins }
    }
}

fn at(text: &str, begins: u32) -> &str {
    let rest = &text[begins as usize..];
    rest.split(END).next().unwrap_or(rest)
}

impl Names {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.begins.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.begins.is_empty()
    }

    /// Returns the name at this position.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn name(&self, position: usize) -> &str {
        at(&self.text, self.begins[position])
    }

    /// Returns how many names come before this one, if it is one of them.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let found = self
            .begins
            .binary_search_by(|&begins| at(&self.text, begins).cmp(name));
        found.ok()
    }

    /// Returns the key by which [`Names::by_keys`] finds the name at this position.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn key(&self, position: usize) -> u32 {
        self.begins[position]
    }

    /// Returns the same names, which can then be found only by their keys: this takes a fifth less memory.
    #[must_use]
    pub fn by_keys(self) -> ByKeys {
        ByKeys(self.text)
    }

    /// Whether a name is one of them.
    #[must_use]
    pub fn contains(&self, name: &UserName) -> bool {
        self.position(name.as_str()).is_some()
    }

    /// All names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.begins.iter().map(|&begins| at(&self.text, begins))
    }
}

/// Names that are found by their keys.
#[derive(Clone, Debug, Default)]
pub struct ByKeys(String);

impl ByKeys {
    /// Returns the name with a key that [`Names::key`] has given.
    ///
    /// # Panics
    /// [`Names::key`] has given no such key.
    #[must_use]
    pub fn name(&self, key: u32) -> &str {
        at(&self.0, key)
    }
}

impl<'a> FromIterator<&'a UserName> for Names {
    /// Collects names that are already in memory: together less than 4 GiB.
    fn from_iter<T: IntoIterator<Item = &'a UserName>>(names: T) -> Self {
        let mut gathering = Gathering::default();
        for name in names {
            let added = gathering.add(name.as_str());
            added.expect("each is a user's name, and all together have less than 4 GiB");
        }
        gathering.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Names {
        let mut gathering = Gathering::default();
        for name in names {
            gathering.add(name).unwrap();
        }
        gathering.sorted()
    }

    #[test]
    fn names_are_sorted_without_duplicates() {
        let names = of(&["bobby", "alice", "김철수", "bob", "alice", "a b"]);
        let sorted = ["a b", "alice", "bob", "bobby", "김철수"];
        assert_eq!(names.iter().collect::<Vec<_>>(), sorted);
        assert_eq!(names.len(), sorted.len());
        for (position, name) in sorted.iter().enumerate() {
            assert_eq!(names.name(position), *name);
            assert_eq!(names.position(name), Some(position));
            assert!(names.contains(&UserName::new(name).unwrap()));
        }
        for absent in ["", "alic", "alice ", "z", "alice\nbob"] {
            assert_eq!(names.position(absent), None, "{absent:?}");
        }
        let keys: Vec<u32> = (0..names.len()).map(|at| names.key(at)).collect();
        let by_keys = names.clone().by_keys();
        assert!(keys.iter().map(|key| by_keys.name(*key)).eq(sorted));
        assert!(!names.is_empty() && of(&[]).is_empty());
        assert_eq!(of(&[]).position("alice"), None);
    }

    #[test]
    fn a_name_that_no_user_can_have_is_refused_and_leaves_nothing() {
        let mut gathering = Gathering::default();
        gathering.add("alice").unwrap();
        for name in ["", ".hidden", "a/b", "a\nb", "a\0b"] {
            assert!(gathering.add(name).is_err(), "{name:?}");
        }
        assert_eq!(gathering.sorted(), of(&["alice"]));
    }
}
