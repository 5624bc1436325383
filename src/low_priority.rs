//! Work that gives way to answers, such as opening a model.

use std::panic::resume_unwind;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// The work ended in a panic, or there was no thread for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work in the background did not come to its end")]
pub(crate) struct Unfinished;

/// Runs on a thread of its own. Where the processors are busy, it gets about a tenth of what a thread that answers does.
///
/// # Errors
/// If it panics, or no thread can be had.
pub(crate) async fn low_priority<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        give_way();
        // Whoever has gone away does not want it any more.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("background".into()).spawn(run).map_err(|_| Unfinished)?;
    receiver.await.map_err(|_| Unfinished)
}

/// Requests that take long are worked on by so many threads at a time; the others wait.
static SLOW: Semaphore = Semaphore::const_new(4);

/// As [`background`], for a request that takes as long as many others: few at a time, so that they do not crowd out the rest.
///
/// # Errors
/// As [`background`].
pub(crate) async fn slowly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
    let turn = SLOW.acquire().await.map_err(|_| Unfinished)?;
    // The client may disconnect: the work still runs, so it keeps its permit.
    low_priority(move || {
        let _turn = turn;
        work()
    })
    .await
}

/// Runs on another thread, which gets what all others leave of the processors, and waits for it. It must hold no lock:
/// while the processors are busy it may take very long.
///
/// # Panics
/// If the work does.
pub(crate) fn when_idle<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let run = || {
        take_what_is_left();
        work()
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Linux has a niceness for each thread; elsewhere it is the whole process's, and stays as it is.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        /// About a tenth of the weight of a thread of niceness 0 (sched(7)).
        const NICE: i32 = 10;
        let given = getpriority_process(None).and_then(|now| setpriority_process(None, now.max(NICE)));
        if let Err(error) = given {
            tracing::debug!(%error, "work in the background does not give way");
        }
    }
}

/// On Linux (`SCHED_IDLE`, sched(7)); elsewhere it is a thread like any other. With a niceness alone it keeps a processor
/// for milliseconds after an answer was due.
fn take_what_is_left() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let (thread, idle) =
            (thread_priority::thread_native_id(), ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle));
        // It sets the niceness too, which may not be allowed, and does not matter to such a thread.
        let set = thread_priority::set_thread_priority_and_policy(thread, ThreadPriority::Min, idle);
        if thread_priority::thread_schedule_policy().ok() != Some(idle) {
            tracing::debug!(?set, "opening a model does not give way");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_it_finds_comes_back_and_a_panic_is_an_error() {
        assert_eq!(low_priority(|| 7).await, Ok(7));
        assert_eq!(low_priority(|| -> u8 { panic!("on purpose") }).await, Err(Unfinished));
        assert_eq!(low_priority(|| when_idle(|| 7)).await, Ok(7));
        assert_eq!(low_priority(|| when_idle(|| -> u8 { panic!("on purpose") })).await, Err(Unfinished));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn it_gives_way_and_who_answers_does_not() {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};
        let policy = || thread_schedule_policy().unwrap();
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        assert_eq!(low_priority(niceness).await, Ok(10.max(before)));
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        assert_eq!(low_priority(move || when_idle(policy)).await, Ok(idle));
        assert_eq!((niceness(), policy()), (before, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other)));
    }
}
