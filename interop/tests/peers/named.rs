//! A name that is looked up over TCP, as `fetch_invoice NAME --resolver NODEID` does it.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use bolt12::exchange::{IncomingMessage, OutgoingDnsMessage, OutgoingMessage, ReceivedQuery};
use bolt12::onion::HopKey;
use bolt12::peers::SendError;
use bolt12::{HumanReadableName, ResolvedName};

use crate::fetch::net::{self, Net, random};
use crate::wallet;

/// A resolver that has one proof.
struct Resolver {
    proof: Vec<u8>,
    asked: Mutex<Vec<String>>,
}

impl net::Application for Resolver {
    fn receive(&self, _: IncomingMessage, _: &HopKey) -> Option<OutgoingMessage> {
        None
    }

    fn not_sent(&self, _: &SendError) {}

    fn query(&self, query: &ReceivedQuery) -> Option<OutgoingDnsMessage> {
        self.asked.lock().unwrap().push(query.name().to_owned());
        query.answer(&self.proof).ok()
    }
}

/// Listens, and returns the net and where it is.
fn listen(proof: Vec<u8>) -> (Arc<Net<Resolver>>, String) {
    let keys = net::Keys::new(random()).unwrap();
    let net = Net::new(keys.node, Resolver { proof, asked: Mutex::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepting = Arc::clone(&net);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = accepting.accept(stream);
        }
    });
    (net, address)
}

fn sample() -> (&'static str, Vec<u8>) {
    let line = include_str!("../../../tests/data/dnssec.tsv").lines().find(|line| line.starts_with("matt@")).unwrap();
    let parts: Vec<&str> = line.split('\t').collect();
    (parts[0], hex::decode(parts[4]).unwrap())
}

// DNS-1 to DNS-5: a real proof of August 2026, by the clock of this machine: it is told what the proof is worth now.
#[tokio::test]
async fn a_name_is_looked_up_over_one_connection() {
    let (name, proof) = sample();
    let (net, address) = listen(proof.clone());
    let id = net.messenger().node_id().to_string();
    let peer = format!("{id}@{address}");
    let words = [name, "--resolver", &id, "--peer", &peer, "--amount", "1sat", "--deadline", "8"];
    let failure = wallet(&words).await.unwrap_err();
    let parsed = HumanReadableName::parse(name).unwrap();
    assert_eq!(*net.application.asked.lock().unwrap(), [parsed.dns_name().to_string()]);
    match ResolvedName::verify(&parsed, &proof, net::now()) {
        Err(error) => assert_eq!((failure.code(), failure.text()), (error.kind().code(), &*error.to_string())),
        // The payee is not reached through this peer.
        Ok(_) => assert!(["unreachable", "deadline"].contains(&failure.code()), "{}", failure.text()),
    }
    net.close();
}

// DNS-4: one that forges is found out, and said to have.
#[tokio::test]
async fn a_forged_proof_is_found_out() {
    let (name, mut proof) = sample();
    *proof.last_mut().unwrap() ^= 1;
    let (net, address) = listen(proof);
    let id = net.messenger().node_id().to_string();
    let peer = format!("{id}@{address}");
    let failure = wallet(&[name, "--resolver", &id, "--peer", &peer, "--deadline", "8"]).await.unwrap_err();
    assert_eq!(failure.code(), "invalid_proof");
    net.close();
}

#[tokio::test]
async fn a_name_needs_a_resolver_and_an_offer_none() {
    let offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    let id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
    let peer = format!("{id}@127.0.0.1:1");
    let misuse = |failure: crate::fetch::failure::Failure| (failure.code(), failure.text().to_owned());
    let (code, text) = misuse(wallet(&["alice@example.com", "--peer", &peer]).await.unwrap_err());
    assert!(code == "misuse" && text.contains("--resolver"), "{text}");
    let (code, text) = misuse(wallet(&[offer, "--resolver", id, "--peer", &peer]).await.unwrap_err());
    assert!(code == "misuse" && text.contains("--resolver is for a name"), "{text}");
}
