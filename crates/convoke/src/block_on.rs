//! Waiting for engines on a thread.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Between two looks at a future that nobody wakes: a graphics driver is asked whether it is done, it doesn't call.
const PAUSE: Duration = Duration::from_micros(100);

/// Waits for a future on this thread, which sleeps in between.
///
/// ```
/// assert_eq!(convoke::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    // An engine's future asks to be polled again at once, whatever the executor; the pause is what keeps a processor free.
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::sleep(PAUSE),
        }
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
