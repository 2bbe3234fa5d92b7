//! The tour: each pattern of structured concurrency as a function of its own, to be copied.
//!
//! ```text
//! cargo run --example tour
//! ```
//!
//! Requests and queries are stood for by sleeps.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::thread;
use std::time::Duration;

use trine::channel::{Receiver, Sender};
use trine::{
    CancelScope, CapacityLimiter, TooSlow, fail_after, finally, gather, move_on_after,
    open_memory_channel, open_nursery, sleep, to_thread, try_open_nursery,
};

#[trine::main]
async fn main() {
    parallel_fetch().await;
    give_up_after_a_while().await;
    fail_if_too_slow().await;
    nested_scopes().await;
    producer_and_consumer().await;
    fan_out().await;
    blocking_calls().await;
    rate_limit().await;
    errors_in_groups().await;
    start_a_server().await;
}

/// A nursery waits for its tasks, so they may borrow from the code around it.
async fn parallel_fetch() {
    heading("parallel fetch: five tasks borrow one list of results");

    async fn fetch_user(id: u32, users: &RefCell<Vec<String>>) {
        sleep(Duration::from_millis(100)).await;
        users.borrow_mut().push(format!("user {id}"));
    }

    let begin = trine::now();
    let users = RefCell::new(vec![]);
    open_nursery(async |nursery| {
        for id in 1..=5 {
            nursery.start_soon(fetch_user(id, &users));
        }
    })
    .await;

    let mut users = users.into_inner();
    users.sort();
    println!("{} in {}, not 0.5 s", users.join(", "), tenths(trine::now() - begin));
}

/// `move_on_after` gives `None` if the time is over; any future can be cut short.
async fn give_up_after_a_while() {
    heading("move on after 0.05 s of an operation that takes 2 s");

    async fn slow_operation() -> &'static str {
        sleep(Duration::from_secs(2)).await;
        "finished"
    }

    let result = move_on_after(Duration::from_millis(50), slow_operation()).await;
    if result.is_none() {
        println!("timed out after 0.05 s");
    }
    println!("the result is {result:?}");
}

/// `fail_after` gives an error, for `?`.
async fn fail_if_too_slow() {
    heading("fail after 0.05 s");

    async fn report() -> Result<String, TooSlow> {
        let page = async {
            sleep(Duration::from_secs(2)).await;
            "page".to_owned()
        };
        let page = fail_after(Duration::from_millis(50), page).await?;
        Ok(format!("read a {page}"))
    }

    match report().await {
        Ok(report) => println!("{report}"),
        Err(error) => println!("error: {error}"),
    }
}

/// Each scope catches its own cancel, and no other.
async fn nested_scopes() {
    heading("nested scopes: the inner one is cancelled, the outer one goes on");

    let outer = CancelScope::new();
    let inner = CancelScope::new();
    let result = outer
        .run(async {
            let within = inner
                .run(async {
                    inner.cancel_because("enough of it");
                    sleep(Duration::from_secs(2)).await;
                })
                .await;
            println!("inner: {within:?}, because {}", inner.reason().unwrap_or_default());
            sleep(Duration::from_millis(1)).await;
            "still active"
        })
        .await;
    println!("outer: {result:?}, cancelled: {}", outer.cancel_called());
}

/// A full channel makes the producer wait; when the last sender is gone, the consumer's loop ends.
async fn producer_and_consumer() {
    heading("producer and consumer: 8 items over a channel of 5");

    async fn produce(items: Sender<u32>) {
        for item in 1..=8 {
            items.send(item).await.expect("the consumer stays");
        }
    }

    let (sender, receiver) = open_memory_channel(5);
    let mut received = vec![];
    open_nursery(async |nursery| {
        nursery.start_soon(produce(sender));
        while let Some(item) = receiver.next().await {
            received.push(item);
        }
    })
    .await;
    println!("received {received:?}");
}

/// Each clone of a receiver takes from the same channel; each item goes to one of them.
async fn fan_out() {
    heading("fan-out: 9 jobs for 3 workers");

    async fn work(jobs: Receiver<u32>, done: &RefCell<Vec<u32>>) {
        while let Some(job) = jobs.next().await {
            sleep(Duration::from_millis(10)).await;
            done.borrow_mut().push(job * job);
        }
    }

    let (sender, jobs) = open_memory_channel(0);
    let done = [const { RefCell::new(vec![]) }; 3];
    open_nursery(async |nursery| {
        for done in &done {
            nursery.start_soon(work(jobs.clone(), done));
        }
        for job in 1..=9 {
            sender.send(job).await.expect("the workers stay");
        }
        drop(sender); // no more jobs
    })
    .await;

    let mut squares = done.map(RefCell::into_inner).concat();
    squares.sort_unstable();
    println!("squares: {squares:?}");
}

/// Blocking code belongs in a thread; the run goes on meanwhile.
async fn blocking_calls() {
    heading("threads: three blocking queries at once");

    fn query(table: &str) -> String {
        thread::sleep(Duration::from_millis(100)); // a driver that knows nothing of async
        format!("{} rows of {table}", table.len() * 10)
    }

    let begin = trine::now();
    let tables = ["users", "orders", "parts"];
    let queries = tables.map(|table| to_thread::run_sync(move || query(table)));
    for rows in gather(queries).await {
        println!("{rows}");
    }
    println!("in {}, not 0.3 s", tenths(trine::now() - begin));
}

/// A limiter bounds how many do something at a time, first come first served.
async fn rate_limit() {
    heading("rate limit: 15 pages, 4 at a time");

    struct Site {
        connections: CapacityLimiter,
        open: Cell<usize>,
        most: Cell<usize>,
    }

    impl Site {
        async fn fetch(&self, url: String) -> usize {
            let _permit = self.connections.acquire().await; // given back at the end, also on a cancel
            self.open.set(self.open.get() + 1);
            self.most.set(self.most.get().max(self.open.get()));
            sleep(Duration::from_millis(20)).await;
            self.open.set(self.open.get() - 1);
            url.len()
        }
    }

    let site =
        Site { connections: CapacityLimiter::new(4), open: Cell::new(0), most: Cell::new(0) };
    let urls = (1..=15).map(|page| format!("https://example.com/{page}"));
    let sizes = gather(urls.map(|url| site.fetch(url))).await;
    println!("{} pages, {} at a time at most", sizes.len(), site.most.get());
}

/// A failing task cancels its siblings; all errors of a nursery arrive together.
async fn errors_in_groups() {
    heading("error group: of 5 tasks the odd ones fail");

    #[derive(Debug)]
    enum FetchError {
        NotFound(u32),
        Refused(u32),
    }

    impl fmt::Display for FetchError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                FetchError::NotFound(id) => write!(f, "{id} was not found"),
                FetchError::Refused(id) => write!(f, "{id} was refused"),
            }
        }
    }

    async fn fetch(id: u32, done: &Cell<u32>) -> Result<(), FetchError> {
        match id {
            3 => Err(FetchError::Refused(id)),
            id if id % 2 == 1 => Err(FetchError::NotFound(id)),
            _ => {
                sleep(Duration::from_secs(2)).await;
                done.set(done.get() + 1);
                Ok(())
            }
        }
    }

    let done = Cell::new(0);
    let result = try_open_nursery(async |nursery| {
        for id in 1..=5 {
            nursery.start_soon(fetch(id, &done));
        }
        Ok(())
    })
    .await;

    let Err(group) = result else { return println!("all went well") };
    println!("{} failed, {} finished, the others were cancelled", group.len(), done.get());
    let (missing, other) = group.split(|error| matches!(error, FetchError::NotFound(_)));
    for error in missing.into_iter().flatten() {
        println!("missing: {error}");
    }
    for error in other.into_iter().flatten() {
        println!("other: {error}");
    }
}

/// `start` waits until a task says that it is ready, and gives what it says.
async fn start_a_server() {
    heading("start: wait until a server is ready, then shut it down");

    type Request = (&'static str, Sender<String>);

    async fn serve(requests: Receiver<Request>) {
        let answer_all = async {
            while let Some((question, answers)) = requests.next().await {
                // Whoever asked may be gone by now; that is no matter to the server.
                let _ = answers.send(format!("{question}? yes!")).await;
            }
        };
        finally(answer_all, async || println!("server: closed")).await;
    }

    open_nursery(async |nursery| {
        let address = nursery
            .start(async |status| {
                sleep(Duration::from_millis(10)).await; // set up
                let (address, requests) = open_memory_channel::<Request>(0);
                println!("server: ready");
                status.started(address);
                serve(requests).await;
            })
            .await
            .expect("the server starts");

        let (answers, answer) = open_memory_channel(0);
        address.send(("ready", answers)).await.expect("the server runs");
        println!("client: {:?}", answer.recv().await);
        nursery.cancel_tasks(); // runs the cleanup, too, and the nursery waits for it
    })
    .await;
    println!("all is quiet");
}

fn heading(text: &str) {
    println!("\n== {text}");
}

/// A duration, rounded so that it says what happened and not how fast the machine is.
fn tenths(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
