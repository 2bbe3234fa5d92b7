//! Nurseries inside a handler of axum: the server is on tokio, the work of a request in a run of trine.
//!
//! The run has a thread of its own. A handler calls into it by a `RunHandle`, and awaits the result;
//! if the client goes away, the call is dropped, and what it does in the run is cancelled and cleaned up.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Router, http::StatusCode, routing::get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use trine::lowlevel::RunHandle;
use trine::portal::Portal;
use trine::testing::MockClock;
use trine::{Runner, fail_after, open_nursery, sleep};

/// Asks one shop, which takes as many seconds as the price is high.
async fn ask(shop: &str, item: &str, offers: &RefCell<Vec<String>>) {
    let price = shop.len() * item.len();
    sleep(Duration::from_secs(price as u64)).await;
    offers.borrow_mut().push(format!("{shop} sells {item} for {price}"));
}

/// Asks three shops at once, in the run; tasks borrow, and nothing needs to be `Send`.
async fn offers(item: String) -> Result<String, StatusCode> {
    let offers = RefCell::new(vec![]);
    let asking = open_nursery(async |nursery| {
        for shop in ["Moe's", "Ann & Sons", "Bay"] {
            nursery.start_soon(ask(shop, &item, &offers));
        }
    });
    match fail_after(Duration::from_secs(60), asking).await {
        Ok(()) => Ok(offers.into_inner().join("\n")),
        Err(_too_slow) => Err(StatusCode::GATEWAY_TIMEOUT),
    }
}

async fn handler(
    State(run): State<RunHandle>,
    Path(item): Path<String>,
) -> Result<String, StatusCode> {
    let call = run.call(async move || offers(item).await).await;
    call.unwrap_or(Err(StatusCode::SERVICE_UNAVAILABLE)) // the run is over
}

/// A client: the status and the text of the answer.
async fn request(server: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok(format!("{}\n{body}", head.lines().next().unwrap_or_default()))
}

async fn serve(run: RunHandle) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/offers/{item}", get(handler)).with_state(run);
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    println!("{}\n", request(address, "/offers/tea").await?);
    println!("{}", request(address, "/offers/champagne").await?);
    server.abort();
    Ok(())
}

fn main() -> std::io::Result<()> {
    // Virtual time, so that the demonstration does not take two minutes.
    let portal = Portal::start_with(|| Runner::new().clock(MockClock::autojump()));
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    tokio.block_on(serve(portal.handle().clone()))?;
    portal.stop();
    Ok(())
}
