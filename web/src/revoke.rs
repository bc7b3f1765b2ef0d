//! Work that can be given up.

use std::cell::RefCell;
use std::pin::pin;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use crate::failure::Result;
use crate::protocol::Failure;

/// Gives up what was begun last.
#[derive(Default)]
pub(crate) struct Revocable(RefCell<Option<oneshot::Sender<()>>>);

impl Revocable {
    /// Begins something, in the place of what was begun before: that is given up, if it is still under way.
    pub fn begin(&self) -> Revocation {
        let (kept, revoked) = oneshot::channel();
        *self.0.borrow_mut() = Some(kept);
        Revocation(revoked)
    }

    /// Gives it up.
    pub fn revoke(&self) {
        *self.0.borrow_mut() = None;
    }
}

/// Says when something was given up.
pub(crate) struct Revocation(oneshot::Receiver<()>);

impl Revocation {
    /// Does work. Where it is given up meanwhile, the work is dropped at the next point at which it waits, with all that it holds.
    ///
    /// # Errors
    /// The work's, or [`Failure`] `cancelled`.
    pub async fn unless<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match select(pin!(work), &mut self.0).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => Err(cancelled()),
        }
    }

    /// Whether it was given up, for work that is better ended than dropped.
    ///
    /// # Errors
    /// [`Failure`] `cancelled`, where it was.
    pub fn check(&mut self) -> Result<()> {
        self.0.try_recv().map(drop).map_err(|_| cancelled())
    }
}

fn cancelled() -> Failure {
    Failure::new("cancelled", "it was given up, as was asked; nothing of it is kept")
}
