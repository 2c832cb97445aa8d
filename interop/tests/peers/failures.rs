//! What `fetch_invoice` says when there is no invoice: a sentence of its own for each case; and what it says meanwhile.

use bolt12::onion::BlindedPathBuilder;
use bolt12::{Direction, Msat, Offer, OfferBuilder, ShortChannelId};
use tokio::net::TcpListener;

use crate::cln::{Mood, Running, random};
use crate::fetch::{failure::Failure, options::Options, progress::Progress, wallet};

/// The failure, and what was said before.
async fn fails(words: Vec<String>) -> (Failure, Vec<String>) {
    let run = move || {
        let mut progress = Progress::silent();
        let failure = wallet::run(&Options::read(&words).unwrap(), &mut progress).unwrap_err();
        (failure, progress.said().to_vec())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// An offer of somebody who is not there, whose path starts where that is said.
fn behind(start: impl FnOnce(BlindedPathBuilder<'static>) -> BlindedPathBuilder<'static>) -> Offer {
    let end = crate::key(200).public_key();
    let path = start(BlindedPathBuilder::new(end).through(crate::key(201).public_key())).build(random()).unwrap();
    let offer = OfferBuilder::new(end).add_path(path).description("tea").amount_msat(Msat(9_000));
    offer.build().unwrap()
}

/// Each case has its own code or sentence, and says what to do where something can be done.
#[tokio::test]
async fn every_failure_has_its_own_sentence() {
    let issues = Running::start(120, Mood::Issues, true).await;
    let (refuses, warns) =
        (Running::start(121, Mood::Refuses, true).await, Running::start(122, Mood::Warns, true).await);
    let (deaf, mute) = (Running::start(123, Mood::Deaf, true).await, Running::start(124, Mood::Issues, false).await);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = format!("{}@{nobody}", crate::key(1).public_key());
    let impostor = format!("{}@{}", crate::key(2).public_key(), issues.address);
    let shop = crate::shop(&["--rate", "100000"]).await;

    let own = issues.offer(true);
    let elsewhere = behind(|path| path);
    let by_channel = behind(|path| path.introduction_by_channel(ShortChannelId(7 << 40), Direction::NodeOne));
    let pathless = OfferBuilder::new(crate::key(200).public_key()).description("tea").amount_msat(Msat(9_000));
    let pathless = pathless.build().unwrap();
    let cases: &[(&Offer, String, &[&str], &str, &str)] = &[
        (&own, gone, &[], "cannot_connect", "cannot connect to 127.0.0.1:"),
        (&own, impostor, &[], "hung_up", "cannot talk to 127.0.0.1:"),
        (&own, deaf.peer(), &[], "only_over_channels", "only from those who have a channel with it: ask another node"),
        (&own, mute.peer(), &[], "no_onion_messages", "does not know onion messages: ask another node"),
        (&refuses.offer(true), refuses.peer(), &[], "refused", "the issuer refused: "),
        (&own, warns.peer(), &[], "rate_limited", "limits how often it is asked, and said"),
        (&elsewhere, issues.peer(), &[], "deadline", "is not connected to the node where the offer's path starts"),
        (&by_channel, issues.peer(), &[], "deadline", "the offer's path starts at a channel, and that is none of"),
        (&pathless, issues.peer(), &[], "deadline", "the offer has no path, and"),
        (&shop.offer, shop.peer(), &["--max", "3499sat"], "too_expensive", "; allowed were 3,499 sat"),
    ];
    // All at the same time, since some wait for the deadline.
    let begun = cases.iter().map(|(offer, peer, more, ..)| {
        let text = offer.to_string();
        let words = [&[&text[..], "--peer", peer, "--deadline", "3"], *more].concat();
        tokio::spawn(fails(words.into_iter().map(str::to_owned).collect()))
    });
    let begun: Vec<_> = begun.collect();
    let mut sentences = Vec::new();
    for ((_, _, _, code, part), begun) in cases.iter().zip(begun) {
        let (failure, said) = begun.await.unwrap();
        assert_eq!(failure.code(), *code, "{}", failure.text());
        assert!(failure.text().contains(part), "{}", failure.text());
        // One line, however often something happened.
        assert!(!failure.text().contains('\n') && said.iter().all(|line| !line.contains('\n')), "{said:?}");
        assert!(!said.is_empty() && said.windows(2).all(|two| two[0] != two[1]), "{said:?}");
        let asked = said.iter().any(|line| line.starts_with("asking over path 1 of 1"));
        let connects = ["cannot_connect", "hung_up", "only_over_channels", "no_onion_messages"];
        assert!(asked || connects.contains(code) || *code == "refused" || *code == "too_expensive", "{said:?}");
        sentences.push((*code, *part));
    }
    let count = sentences.len();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), count);
}
