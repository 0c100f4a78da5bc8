//! Every page of the portal, as a plain struct that renders itself.
//!
//! A page knows no request, no session and no socket: the server fills a struct in and sends what [`Page::render`] makes of it.
//! Templates and words are compiled in. What stands in a field is escaped, wherever it comes from. A page that shows a secret
//! says so in its name or in the first line about it; all others hold none.

mod change;
mod frame;
mod home;
mod key;
mod language;
mod login;
mod message;
mod paths;
mod picture;
mod question;
mod texts;

pub mod assets;
pub mod policy;

pub use change::{Add, Codes, Enrol, NewCodes, Remove, Replace, SetUp, Unaccepted};
pub use frame::{Frame, Html, Page};
pub use home::{Event, Events, Home, Notice, Session, Sessions, Tried, Try};
pub use language::preferred;
pub use login::{Login, LoginRefused, Purpose, Question, Said};
pub use message::{Ended, Message, Told};
pub use paths::{Field, Path};
