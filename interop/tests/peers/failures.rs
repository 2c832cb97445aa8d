//! What `fetch_invoice` says when there is no invoice: a sentence of its own for each case; and what it says meanwhile.

use std::net::SocketAddr;

use bolt12::onion::BlindedPathBuilder;
use bolt12::secp256k1::PublicKey;
use bolt12::{Direction, Msat, Offer, OfferBuilder, ShortChannelId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::cln::{Mood, Running, random};
use crate::fetch::wallet::is_about_rate_limits;

/// The start of a path to somebody who is not there.
fn past(start: PublicKey) -> BlindedPathBuilder<'static> {
    BlindedPathBuilder::new(crate::key(200).public_key()).through(start)
}

/// The offer of somebody who is not there.
fn absent(path: Option<BlindedPathBuilder<'static>>) -> Offer {
    let offer = OfferBuilder::new(crate::key(200).public_key()).description("tea").amount_msat(Msat(9_000));
    path.into_iter().fold(offer, |offer, path| offer.add_path(path.build(random()).unwrap())).build().unwrap()
}

/// Answers the first act of a handshake without the key that it is for.
async fn answers_without_the_key() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 50]).await.unwrap();
        let act = [&[0][..], &crate::key(3).public_key().serialize(), &[0; 16]].concat();
        stream.write_all(&act).await.unwrap();
        let _ = stream.read(&mut [0; 50]).await;
    });
    address
}

/// Each case has its own code or sentence, and says what to do where something can be done.
#[tokio::test]
async fn every_failure_has_its_own_sentence() {
    let issues = Running::start(120, Mood::Issues, true).await;
    let (refuses, warns) =
        (Running::start(121, Mood::Refuses, true).await, Running::start(122, Mood::Warns, true).await);
    let (deaf, mute) = (Running::start(123, Mood::Deaf, true).await, Running::start(124, Mood::Issues, false).await);
    let (_kept, nobody) = crate::nobody();
    let gone = format!("{}@{nobody}", crate::key(1).public_key());
    let [other, impostor] = [issues.address, answers_without_the_key().await]
        .map(|address| format!("{}@{address}", crate::key(2).public_key()));
    let shop = crate::shop(&["--rate", "100000"]).await;

    let own = issues.offer(true);
    let (start, pathless) = (crate::key(201).public_key(), absent(None));
    let (elsewhere, past_it) = (absent(Some(past(start))), absent(Some(past(issues.id()))));
    let by_channel = past(start).introduction_by_channel(ShortChannelId(7 << 40), Direction::NodeOne);
    let by_channel = absent(Some(by_channel));
    let cases: &[(&Offer, String, &[&str], &str, &str)] = &[
        (&own, gone, &[], "cannot_connect", "cannot connect to 127.0.0.1:"),
        (&own, other, &[], "hung_up", "cannot talk to 127.0.0.1:"),
        (&own, impostor, &[], "wrong_node_id", "cannot talk to 127.0.0.1:"),
        (&own, deaf.peer(), &[], "only_over_channels", "only from those who have a channel with it: ask another node"),
        (&own, mute.peer(), &[], "no_onion_messages", "does not know onion messages: ask another node"),
        (&refuses.offer(true), refuses.peer(), &[], "refused", "the issuer refused: "),
        (&own, warns.peer(), &[], "rate_limited", "limits how often it is asked, and said"),
        (&elsewhere, issues.peer(), &[], "deadline", "is not connected to the node where the offer's path starts"),
        (&past_it, issues.peer(), &[], "deadline", ", where the offer's path starts, dropped the request"),
        (&by_channel, issues.peer(), &[], "deadline", "the offer's path starts at a channel, and that is none of"),
        (&pathless, issues.peer(), &[], "deadline", "the offer has no path, and"),
        (&shop.offer, shop.peer(), &["--max", "3499sat"], "too_expensive", "; allowed were 3,499 sat"),
    ];
    // All at the same time, since some wait for the deadline.
    let begun = cases.iter().map(|(offer, peer, more, ..)| {
        let text = offer.to_string();
        let words = [&[&text[..], "--peer", peer, "--deadline", "3"], *more].concat();
        let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
        tokio::spawn(async move { crate::told(&words.iter().map(String::as_str).collect::<Vec<_>>()).await })
    });
    let begun: Vec<_> = begun.collect();
    let mut sentences = Vec::new();
    for ((_, _, _, code, part), begun) in cases.iter().zip(begun) {
        let (result, said) = begun.await.unwrap();
        let failure = result.unwrap_err();
        assert_eq!(failure.code(), *code, "{}", failure.text());
        assert!(failure.text().contains(part), "{}", failure.text());
        // One line, however often something happened.
        assert!(!failure.text().contains('\n') && said.iter().all(|line| !line.contains('\n')), "{said:?}");
        assert!(!said.is_empty() && said.windows(2).all(|two| two[0] != two[1]), "{said:?}");
        let asked = said.iter().any(|line| line.starts_with("asking over path 1 of 1"));
        let connects = ["cannot_connect", "hung_up", "wrong_node_id", "only_over_channels", "no_onion_messages"];
        assert!(asked || connects.contains(code) || *code == "refused" || *code == "too_expensive", "{said:?}");
        sentences.push((*code, *part));
    }
    let count = sentences.len();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), count);
}

#[test]
fn a_warning_is_about_a_rate_limit_only_if_it_says_so() {
    for said in ["Ratelimited onion_message: exceeded one per 250msec", "you exceed the rate-limit", "Rate limits: 4"] {
        assert!(is_about_rate_limits(said), "{said}");
    }
    for said in ["cannot generate a limit", "fee rate too low", "incorporate limits", "separate limit", ""] {
        assert!(!is_about_rate_limits(said), "{said}");
    }
}
