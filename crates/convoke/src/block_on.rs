//! Waiting for engines on a thread.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Between two looks at a future that asks to be looked at again: a graphics driver is asked whether it is done, it doesn't call.
const PAUSE: Duration = Duration::from_micros(100);

/// The longest that a future is left alone, whether or not anybody wakes it: it may have a deadline.
const LONGEST: Duration = Duration::from_millis(10);

/// Ends the pause of the thread that waits. Called from that thread, within a look, it asks for another one soon.
struct Alarm {
    thread: Thread,
    again: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if thread::current().id() == self.thread.id() {
            self.again.store(true, Ordering::Relaxed);
        } else {
            self.thread.unpark();
        }
    }
}

/// Waits for a future on this thread, which sleeps in between: until the future is woken, and no longer than 10 ms.
///
/// ```
/// assert_eq!(convoke::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let alarm = Arc::new(Alarm { thread: thread::current(), again: AtomicBool::new(false) });
    let waker = Waker::from(alarm.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park_timeout(if alarm.again.swap(false, Ordering::Relaxed) { PAUSE } else { LONGEST });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_future_that_nobody_wakes_is_looked_at_again() {
        let (start, mut looks) = (Instant::now(), 0);
        block_on(std::future::poll_fn(|_| {
            looks += 1;
            if start.elapsed() < Duration::from_millis(20) { Poll::Pending } else { Poll::Ready(()) }
        }));
        // Each look waits for the pause: a loop that kept the processor busy would look a thousand times as often.
        assert!((2..=400).contains(&looks), "{looks} looks in 20 ms");
    }
}
