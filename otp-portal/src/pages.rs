//! Every page of the portal, as a plain struct that renders itself.
//!
//! A page knows no request, session or socket: the server fills a struct in and sends the result of [`Page::render`].
//! Templates and words are compiled in. All values are escaped, wherever they come from. A page that shows a secret
//! says so in its name or in the first line of its comment; all other pages hold none.

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
