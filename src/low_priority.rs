//! Work at low priority, such as opening a model: it yields the processors to requests.

use std::panic::resume_unwind;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// The work panicked, or no thread could be started for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work in the background did not come to its end")]
pub(crate) struct Unfinished;

/// Runs work on a new thread. On a busy machine, this gets about a tenth of the processor time of a thread that answers
/// requests.
///
/// # Errors
/// If the work panics, or no thread can be started.
pub(crate) async fn low_priority<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        lower_priority();
        // The caller may be gone.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("background".into()).spawn(run).map_err(|_| Unfinished)?;
    receiver.await.map_err(|_| Unfinished)
}

/// Maximum number of slow requests in progress; further ones wait.
static SLOW_PERMITS: Semaphore = Semaphore::const_new(4);

/// Like [`low_priority`], for a request as expensive as many others: few run at a time, so that the rest are not
/// crowded out.
///
/// # Errors
/// As [`low_priority`].
pub(crate) async fn low_priority_limited<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    let turn = SLOW_PERMITS.acquire().await.map_err(|_| Unfinished)?;
    // The client may disconnect: the work still runs, so it keeps its permit.
    low_priority(move || {
        let _turn = turn;
        work()
    })
    .await
}

/// Runs work on another thread, which only gets processor time that no other thread needs, and waits for it. The work
/// must not hold a lock: on a busy machine it may take very long.
///
/// # Panics
/// If the work panics.
pub(crate) fn run_idle<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let run = || {
        set_idle_policy();
        work()
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Lowers the priority of this thread. Only Linux has a niceness per thread; elsewhere it belongs to the whole process
/// and is left unchanged.
fn lower_priority() {
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

/// Makes this thread idle-only on Linux (`SCHED_IDLE`, sched(7)). With a niceness alone, it would keep a processor for
/// milliseconds after an answer was due. Elsewhere this does nothing.
fn set_idle_policy() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let (thread, idle) =
            (thread_priority::thread_native_id(), ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle));
        // This also sets the niceness, which may not be allowed but has no effect on an idle thread.
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
        assert_eq!(low_priority(|| run_idle(|| 7)).await, Ok(7));
        assert_eq!(low_priority(|| run_idle(|| -> u8 { panic!("on purpose") })).await, Err(Unfinished));
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
        assert_eq!(low_priority(move || run_idle(policy)).await, Ok(idle));
        assert_eq!((niceness(), policy()), (before, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other)));
    }
}
