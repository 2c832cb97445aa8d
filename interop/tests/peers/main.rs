//! Over loopback TCP with real peers: this crate's payer and issuer against LDK nodes, on LDK nodes, and through them.
//!
//! The LDK nodes are `lightning` 0.2 with its own `ChannelManager`, `OnionMessenger` and `PeerManager`. They have no
//! channels, so nothing is paid: an invoice counts as good when LDK says that it would pay it.
#![allow(clippy::duplicate_mod, reason = "each example brings its own")]

mod bare;
mod blocking;
mod cln;
mod failures;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../../../examples/tcp/fetch_invoice/main.rs"]
mod fetch;
#[cfg(target_os = "linux")]
mod hostile;
mod many;
#[path = "../../../tests/common/naive.rs"]
mod naive;
#[path = "../../../tests/common/onion_naive.rs"]
mod naive_onion;
mod named;
mod node;
mod on_node;
mod output;
mod over_ldk;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../../../examples/tcp/serve_offers/main.rs"]
mod serve;
mod shapes;
mod subscribed;

use std::sync::{Arc, Mutex};

use bolt12::Invoice;
use bolt12::secp256k1::{Keypair, Secp256k1};

/// What `fetch_invoice` would do with these words.
async fn wallet(words: &[&str]) -> Result<Invoice, fetch::failure::Failure> {
    told(words).await.0
}

/// The same, and what it says meanwhile.
async fn told(words: &[&str]) -> (Result<Invoice, fetch::failure::Failure>, Vec<String>) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    // It blocks, and the nodes go on.
    let run = move || {
        let mut progress = fetch::progress::Progress::silent();
        let options = fetch::options::Options::read(&words);
        (options.and_then(|options| fetch::wallet::run(&options, &mut progress)), progress.said().to_vec())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// An address where nobody listens, for as long as the socket is kept: no other test gets its port.
fn nobody() -> (tokio::net::TcpSocket, std::net::SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A shop, and what it printed.
struct Shop {
    open: serve::shop::Open,
    lines: Arc<Mutex<Vec<String>>>,
}

impl std::ops::Deref for Shop {
    type Target = serve::shop::Open;

    fn deref(&self) -> &Self::Target {
        &self.open
    }
}

impl Shop {
    fn said(&self, part: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(part))
    }
}

/// What `serve_offers` would do with these words, on a free port.
async fn shop(words: &[&str]) -> Shop {
    let words: Vec<String> = ["--listen", "127.0.0.1:0"].iter().chain(words).map(|word| (*word).to_owned()).collect();
    let options = serve::options::Options::read(&words).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let print = Arc::clone(&lines);
    let open = serve::shop::open(&options, Box::new(move |line| print.lock().unwrap().push(line.to_owned())));
    Shop { open: open.unwrap(), lines }
}

/// A key for each number.
fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}
