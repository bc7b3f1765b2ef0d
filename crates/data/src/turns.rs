//! Opening bit by bit, for a program whose one thread has more to do.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Something to wait for.
pub type Turn = Pin<Box<dyn Future<Output = ()>>>;

/// Is asked after each picture, and gives what to wait for before the next one, if there is anything.
pub type Turns<'a> = &'a mut dyn FnMut() -> Option<Turn>;

/// Waits, if it is time to.
pub(crate) async fn take_turn(turns: Turns<'_>) {
    if let Some(turn) = turns() {
        turn.await;
    }
}

/// Does all at once, with turns that are never there.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("there was nothing to wait for"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::{MemoryFiles, Options, open, open_in_turns};

    /// Comes when it is asked for the second time.
    fn turn(taken: Rc<Cell<usize>>) -> Turn {
        let mut asked = false;
        Box::pin(std::future::poll_fn(move |_| {
            if std::mem::replace(&mut asked, true) {
                taken.set(taken.get() + 1);
                return Poll::Ready(());
            }
            Poll::Pending
        }))
    }

    #[test]
    fn others_have_a_turn_after_each_picture_and_the_dataset_is_the_same() {
        let mut png = std::io::Cursor::new(Vec::new());
        image::GrayImage::new(3, 2).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let path = |at: usize| format!("{}/{at}.png", ["cat", "dog"][at % 2]);
        let files = MemoryFiles::from((0..20).map(|at| (path(at), png.get_ref().clone())));
        let taken = Rc::new(Cell::new(0));
        let (options, mut turns) = (Options::default(), || Some(turn(taken.clone())));
        let (mut progress, mut waits) = (|_, _| {}, 0);
        let mut opening = pin!(open_in_turns(&files, &options, &mut progress, &mut turns));
        let opened = loop {
            match opening.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(opened) => break opened.unwrap(),
                Poll::Pending => waits += 1,
            }
        };
        assert_eq!((waits, taken.get()), (20, 20));
        assert_eq!(opened, open(&files, &options, &mut |_, _| {}).unwrap());
    }
}
