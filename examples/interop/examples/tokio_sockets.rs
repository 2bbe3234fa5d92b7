//! Sockets of tokio in a run of trine: an echo server, its clients, and a shutdown in order.
//!
//! The sockets work in any future as long as a runtime of tokio is entered on the thread: its own threads
//! wait for the network and wake the tasks of the run. The same goes for libraries that build on them.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use trine::{fail_after, finally, open_nursery, try_gather, try_open_nursery};

/// Sends back what it receives, until the client has no more.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut reader, &mut writer).await?;
    Ok(())
}

/// Serves each client in a task of its own. The failure of one is no matter to the others.
async fn serve(listener: TcpListener) -> io::Result<()> {
    open_nursery(async |nursery| {
        loop {
            let (stream, _address) = listener.accept().await?;
            nursery.start_soon(async {
                if let Err(error) = echo(stream).await {
                    println!("a client is lost: {error}");
                }
            });
        }
    })
    .await
}

/// A client that hangs up when it has its answer.
async fn ask(server: SocketAddr, question: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(question.as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn server_and_clients() -> io::Result<()> {
    let result = try_open_nursery(async |nursery| {
        let starting = nursery.start(async |status| {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            status.started(listener.local_addr()?);
            finally(serve(listener), async || println!("the server is closed")).await
        });
        let server = starting.await.map_err(io::Error::other)?;

        let questions = ["who's there?", "what time is it?", "anybody?"];
        let clients = try_gather(questions.map(|question| ask(server, question)));
        let in_time = fail_after(Duration::from_secs(10), clients).await;
        let answers = in_time.map_err(io::Error::other)?.map_err(io::Error::other)?;
        println!("{answers:?}");
        nursery.cancel_tasks(); // the server serves for ever
        Ok(())
    });
    result.await.map_err(io::Error::other)
}

fn main() -> io::Result<()> {
    let tokio =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let _entered = tokio.enter();
    trine::run(server_and_clients())
}
