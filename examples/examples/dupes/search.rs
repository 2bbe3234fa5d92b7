//! The search: jobs in worker threads, a channel back to the collector, and one scope that stops it all.

use std::sync::Arc;

use trine::channel::Sender;
use trine::{CancelScope, CapacityLimiter, open_memory_channel, open_nursery, to_thread};

use super::collect::Collector;
use super::job::{Job, Outcome};
use super::options::Options;
use super::progress::Progress;
use super::report::{Ending, Report};

/// How many jobs for each thread are enough to keep it busy: one at work, and one that is ready when that is done.
const JOBS_PER_THREAD: usize = 2;

/// The reason with which a scope is cancelled that is not cancelled by its timeout.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// Searches in `scope`, until everything was looked at, or the scope is cancelled.
pub(crate) async fn search(options: &Options, scope: &CancelScope) -> Report {
    let progress = Progress::new();
    let jobs = options.jobs.get();
    let mut collector = Collector::new(&options.paths, jobs, progress.clone());
    let done = scope.run(collect_all(&mut collector, jobs, &progress)).await;
    progress.end();
    let ending = match (done, options.timeout) {
        (Some(()), _) => Ending::Complete,
        (None, Some(timeout)) if scope.reason().as_deref() != Some(INTERRUPTED) => {
            Ending::TimedOut(timeout)
        }
        (None, _) => Ending::Interrupted,
    };
    Report::new(collector.findings(), ending)
}

/// Has all jobs done that the collector asks for. Cancelled, it leaves in the collector what was found so far.
async fn collect_all(collector: &mut Collector, jobs: usize, progress: &Progress) {
    let limiter = Arc::new(CapacityLimiter::new(jobs));
    let threads = to_thread::Options::new()
        .limiter(&limiter)
        .name("dupes")
        // A thread only reads. One that hangs on a slow disk must not hold up Ctrl-C.
        .abandon_on_cancel(true);
    let (sender, outcomes) = open_memory_channel(jobs);

    open_nursery(async |nursery| {
        let mut under_way = 0;
        loop {
            while let Some(job) = collector.next_job(under_way < JOBS_PER_THREAD * jobs) {
                nursery.start_soon(do_job(job, &threads, progress.clone(), sender.clone()));
                under_way += 1;
            }
            if under_way == 0 {
                return;
            }
            let outcome = outcomes.recv().await.expect("there is a sender here");
            under_way -= 1;
            collector.take(outcome);
        }
    })
    .await;
}

/// Has one job done in a thread, as soon as there is a token for it.
async fn do_job(
    job: Job,
    threads: &to_thread::Options,
    progress: Progress,
    sender: Sender<Outcome>,
) {
    let outcome = threads.run_sync(move || job.run(&progress)).await;
    sender.send(outcome).await.expect("the collector waits for every outcome");
}
