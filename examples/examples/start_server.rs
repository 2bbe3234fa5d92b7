//! `start`: wait until a server is ready, get its address, and shut it down when nobody needs it.
//!
//! Until it calls `started`, the server belongs to whoever starts it: an error in its set-up comes out
//! of `start`, and a timeout around `start` ends it. From then on it is a task of the nursery.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use trine::channel::{Receiver, Sender};
use trine::testing::MockClock;
use trine::{
    ErrorGroup, Runner, fail_after, finally, open_memory_channel, sleep, try_open_nursery,
};

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

async fn ask(server: &Sender<Request>, question: &'static str) -> String {
    let (answers, answer) = open_memory_channel(0);
    server.send((question, answers)).await.expect("the server runs");
    answer.recv().await.expect("it answers everybody")
}

/// Starts two servers, of which the second cannot: its port is taken.
async fn session() -> Result<(), ErrorGroup<io::Error>> {
    try_open_nursery(async |nursery| {
        let starting = nursery.start(async |status| {
            sleep(Duration::from_secs(1)).await; // set up
            let (address, requests) = open_memory_channel(0);
            println!("server: ready");
            status.started(address);
            serve(requests).await;
            Ok(())
        });
        let address = fail_after(Duration::from_secs(10), starting).await??;
        println!("client: {}", ask(&address, "ready").await);

        let second = nursery.start::<u16, _>(async |_status| {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "the port is taken"))
        });
        if let Err(error) = second.await {
            println!("second server: {error}");
        }
        println!("client: {}", ask(&address, "still there").await);

        nursery.cancel_tasks(); // runs the cleanup, too, and the nursery waits for it
        Ok(())
    })
    .await
}

fn main() {
    let result = Runner::new().clock(MockClock::autojump()).run(session());
    println!("all is quiet: {result:?}");
}
