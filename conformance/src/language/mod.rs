//! What a scenario can say, and how a run answers. Everything here has a text form.

mod flags;
mod name;
mod operation;
mod parse;
mod script;
mod trace;

pub use flags::{flags_from_text, flags_to_text};
pub use name::Name;
pub use operation::{ChildSpec, IdSpec, Operation, Sigchld};
pub use parse::ParseError;
pub use script::{Line, Script, Statement};
pub use trace::{ChildReport, Happening, Info, Reply, Sight, SightState};
