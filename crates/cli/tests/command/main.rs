//! The command `convoke`, run as users run it.

mod archives;
mod augment;
mod comparison;
mod contradictions;
mod evaluation;
mod help;
mod interrupted;
mod outputs;
mod profile;
mod pytorch;
mod round_trip;
mod setting;
mod wrong;
