//! What a scenario can say, and how a run answers. Everything here has a text form.

mod arguments;
mod flags;
mod name;
mod operation;
mod parse;
mod script;
mod trace;

pub use arguments::{Action, Disposition, MaskHow, Target, Trace, UsageOf};
pub use flags::{flags_from_text, flags_to_text};
pub use name::Name;
pub use operation::{ChildSpec, IdSpec, Operation, Profile, Sigchld};
pub use parse::ParseError;
pub use script::{Line, Script, Statement};
pub use trace::{ChildReport, Halt, Happening, Info, JobSight, Look, Message, Readiness, Reply, Sight, SightState};
