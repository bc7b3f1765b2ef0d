//! Several engines on one step: they agree with one, they share as they should, and they may fail.

mod agreement;
mod exact;
mod faults;
mod faulty;
mod setting;
