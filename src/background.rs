//! Work that gives way to answers, such as opening a model.

use std::thread;

use tokio::sync::oneshot;

/// The work ended in a panic, or there was no thread for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work in the background did not come to its end")]
pub(crate) struct Unfinished;

/// Runs on a thread of its own, which gets what those that answer leave of the processors.
///
/// # Errors
/// If it panics, or no thread can be had.
pub(crate) async fn background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        give_way();
        // Whoever has gone away does not want it any more.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("background".into()).spawn(run).map_err(|_| Unfinished)?;
    receiver.await.map_err(|_| Unfinished)
}

/// On Linux it gets what others leave (`SCHED_IDLE`, sched(7)); elsewhere it is a thread like any other. With a niceness
/// instead it kept a processor for milliseconds after an answer was due.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal};
        let thread = thread_priority::thread_native_id();
        if let Err(error) = thread_priority::set_thread_priority_and_policy(thread, ThreadPriority::Min, Normal(Idle)) {
            tracing::debug!(%error, "work in the background does not give way");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_it_finds_comes_back_and_a_panic_is_an_error() {
        assert_eq!(background(|| 7).await, Ok(7));
        assert_eq!(background(|| -> u8 { panic!("on purpose") }).await, Err(Unfinished));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_who_answers_does_not() {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};
        let policy = || thread_schedule_policy().unwrap();
        assert_eq!(background(policy).await, Ok(ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle)));
        assert_eq!(policy(), ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other));
    }
}
