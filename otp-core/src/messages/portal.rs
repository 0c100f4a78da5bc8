//! What the pages of the portal say in addition to the enrolment dialogue ([`super::enrol`]) and to a login
//! ([`super::Message`]): a browser has buttons where a terminal asks for words.

mod activity;
mod label;
mod line;
mod notice;

pub use activity::{activity, service};
pub use label::Label;
pub use line::Line;
pub use notice::Notice;

#[cfg(test)]
mod tests;
