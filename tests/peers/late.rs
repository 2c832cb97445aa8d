//! EXC-19 where answers take time: each goes back the way its own question came, whatever arrives in the meantime.

use std::collections::BTreeSet;
use std::time::Duration;

use super::town::{ISSUER, MIDDLE, PAYER, SECOND, STRANGERS, Town, id, key, know, path_to};
use bolt12::exchange::{Destination, OffersMessage, OutgoingDnsMessage, OutgoingMessage, PathId};
use bolt12::onion::{BlindedPathBuilder, Contents, DnssecQuery, OnionMessageBuilder};
use bolt12::peers::{Arrived, Limits, NoChannels, Peers, SendError, Standing};
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, HumanReadableName, InvoiceError};

fn out_of_tea() -> InvoiceError {
    InvoiceError::new("out of tea").unwrap()
}

/// An issuer that is connected to the node between it and others, and a stranger that came to both.
fn town() -> Town {
    let mut town = Town::new(3, Limits::default(), true);
    town.connect(ISSUER, MIDDLE);
    let issuer = town.node(ISSUER);
    issuer.offer = issuer.offer_over(&[MIDDLE]);
    town.comes(STRANGERS, ISSUER);
    town.comes(STRANGERS, MIDDLE);
    town
}

/// The stranger asks over the issuer's offer, through the middle. The issuer makes its answer, and keeps it.
fn asked_through_the_middle(town: &mut Town, reply_path: &BlindedPath<'_>) -> OutgoingMessage {
    let offer = town.node(ISSUER).offer.clone();
    let request = town.request(&offer, Some(reply_path));
    town.hand(STRANGERS, MIDDLE, request);
    town.hear(MIDDLE);
    for onion in town.given(MIDDLE, ISSUER) {
        town.hand(MIDDLE, ISSUER, onion);
    }
    let now = town.now;
    let node = town.node(ISSUER);
    let Some(Arrived::Message { from, message, .. }) = node.peers.next(now, &NoChannels) else { panic!() };
    assert_eq!(from, id(MIDDLE));
    node.payee.receive(message).unwrap().refuse(out_of_tea()).unwrap()
}

/// The stranger sends the issuer anything, over the same path.
fn junk(town: &mut Town, reply_path: &BlindedPath<'_>) {
    let junk = OnionMessageBuilder::to_node(id(ISSUER), Contents::InvoiceRequest(b"junk")).reply_path(reply_path);
    let junk = junk.build(town.random()).unwrap().message;
    town.hand(STRANGERS, ISSUER, junk);
    town.hear(ISSUER);
}

/// EXC-19: while the issuer is still deciding, the stranger asks it something over the same reply path, to be sent the
/// answer straight.
#[test]
fn a_late_answer_is_not_diverted_to_a_stranger() {
    // Before or after the question, and often enough to push out whatever is remembered of that.
    for (before, after) in [(0, 1), (1, 0), (1, 1), (0, 300)] {
        let mut town = town();
        let reply_path = path_to(STRANGERS, &[]);
        (0..before).for_each(|_| junk(&mut town, &reply_path));
        let answer = asked_through_the_middle(&mut town, &reply_path);
        for number in 0..after {
            let others = BlindedPathBuilder::new(id(STRANGERS)).build([(number % 250 + 1) as u8; 32]).unwrap();
            junk(&mut town, if number + 1 == after { &reply_path } else { &others });
            town.now += SECOND;
        }
        assert_eq!(town.send(ISSUER, &answer), Ok(id(MIDDLE)));
        assert_eq!(town.given(ISSUER, STRANGERS), []);
    }
}

/// EXC-19: nor when the peer that brought the question is gone: then a peer of our choice gets the answer, or nobody.
#[test]
fn an_answer_to_who_is_gone_is_not_diverted_to_a_stranger() {
    let mut town = town();
    let reply_path = path_to(STRANGERS, &[]);
    let answer = asked_through_the_middle(&mut town, &reply_path);
    town.node(ISSUER).peers.disconnected(&id(MIDDLE));
    junk(&mut town, &reply_path);
    assert_eq!(town.send(ISSUER, &answer), Err(SendError::NoPeer));
    // Whoever connects again is who asked.
    town.comes(MIDDLE, ISSUER);
    assert_eq!(town.send(ISSUER, &answer), Ok(id(MIDDLE)));
    town.node(ISSUER).peers.disconnected(&id(MIDDLE));
    town.connect(ISSUER, PAYER);
    assert_eq!(town.send(ISSUER, &answer), Ok(id(PAYER)));
    assert_eq!(town.given(ISSUER, STRANGERS), []);
}

/// EXC-19: a request that was saved comes back without the peer that brought it. Its answer takes a way of our choice.
#[test]
fn the_answer_to_a_saved_request_goes_through_a_peer_of_our_choice() {
    let mut town = Town::new(2, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    town.comes(STRANGERS, ISSUER);
    let request = town.request(&offer, Some(&path_to(STRANGERS, &[])));
    town.hand(STRANGERS, ISSUER, request);
    let now = town.now;
    let node = town.node(ISSUER);
    let Some(Arrived::Message { message, .. }) = node.peers.next(now, &NoChannels) else { panic!() };
    let request = node.payee.receive(message).unwrap();
    let saved = node.payee.load_received(&request.to_bytes()).unwrap().refuse(out_of_tea()).unwrap();
    let kept = request.refuse(out_of_tea()).unwrap();
    // They are the same, for all others.
    assert_eq!(saved, kept);
    assert_eq!(town.send(ISSUER, &saved), Err(SendError::NoPeer));
    assert_eq!(town.send(ISSUER, &kept), Ok(id(STRANGERS)));
    town.connect(ISSUER, MIDDLE);
    assert_eq!(town.send(ISSUER, &saved), Ok(id(MIDDLE)));
}

/// EXC-19: wrong invoices for one request that all arrive before the first of them is answered.
#[test]
fn late_answers_to_wrong_invoices_are_one() {
    let mut peers = Peers::new(key(PAYER), Limits { answers_invoices: true, ..Limits::default() });
    peers.connected(id(MIDDLE), false, true, SECOND);
    let own = peers.messenger().path(&[], PathId([4; 32])).build([5; 32]).unwrap();
    let mut answers = Vec::new();
    for number in 1..=10 {
        let reply_path = BlindedPathBuilder::new(id(STRANGERS)).build([number; 32]).unwrap();
        let invoice = OnionMessageBuilder::over(&own, Contents::Invoice(b"wrong")).reply_path(&reply_path);
        peers.receive(&id(MIDDLE), invoice.build([number; 32]).unwrap().message, SECOND);
        let Some(Arrived::Message { message, .. }) = peers.next(SECOND, &NoChannels) else { panic!() };
        let destination = Destination::Path(message.reply_path.unwrap());
        let message = OffersMessage::InvoiceError(out_of_tea());
        answers.push(OutgoingMessage { message, destination, reply_path_id: None });
    }
    let sent: Vec<_> = answers.iter().map(|answer| peers.send(answer, [6; 32], SECOND, &NoChannels)).collect();
    assert_eq!(sent[0], Ok(id(MIDDLE)));
    assert!(sent[1..].iter().all(|sent| *sent == Err(SendError::Answered)));
    assert_eq!(peers.waiting(&id(MIDDLE)), 1);
}

/// A peer asks the issuer for a name.
fn asks_for_a_name(town: &mut Town, peer: u16, reply_path: &BlindedPath<'_>) {
    let name = HumanReadableName::parse("alice@example.com").unwrap();
    let query = DnssecQuery::new(&name).unwrap().to_bytes();
    let query = OnionMessageBuilder::to_node(id(ISSUER), Contents::DnssecQuery(&query)).reply_path(reply_path);
    let query = query.build(town.random()).unwrap().message;
    town.hand(peer, ISSUER, query);
}

/// An answer that is kept, and who brought its question.
enum Kept {
    Offer(PublicKey, Box<OutgoingMessage>),
    Name(PublicKey, Box<OutgoingDnsMessage>),
}

/// EXC-19: whatever peers ask over the same few paths, come and go, and however late an answer is sent: the only
/// stranger that gets it is the one that brought the question.
#[test]
fn an_answer_goes_to_nobody_but_who_asked_and_whom_we_chose() {
    let peers: Vec<u16> = [MIDDLE, PAYER].into_iter().chain(STRANGERS..STRANGERS + 4).collect();
    let (mut straight, mut around, mut nowhere, mut to) = (0, 0, 0, BTreeSet::new());
    for seed in 0..8u64 {
        let mut town = Town::new(1, Limits::default(), true);
        let offer = town.node(ISSUER).offer.clone();
        let paths = [path_to(STRANGERS, &[]), path_to(STRANGERS + 1, &[ISSUER]), path_to(STRANGERS, &[MIDDLE])];
        let (mut kept, mut number) = (Vec::new(), seed);
        let mut random = |below: usize| {
            // Knuth's numbers will do.
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number >> 33) as usize % below
        };
        for _ in 0..600 {
            let now = town.now;
            let peer = peers[random(peers.len())];
            let path = &paths[random(paths.len())];
            match random(8) {
                0 if peer == MIDDLE => town.node(ISSUER).peers.connected(id(peer), false, true, now),
                0 => town.comes(peer, ISSUER),
                1 => town.node(ISSUER).peers.disconnected(&id(peer)),
                2 => know(&mut town, ISSUER, PAYER, [Standing::Stranger, Standing::Kept, Standing::Chosen][random(3)]),
                3 => asks_for_a_name(&mut town, peer, path),
                4 | 5 => {
                    let request = town.request(&offer, Some(path));
                    town.hand(peer, ISSUER, request);
                }
                _ if kept.is_empty() => {}
                _ => {
                    let answer = kept.swap_remove(random(kept.len()));
                    let randomness = town.random();
                    let node = &mut town.node(ISSUER).peers;
                    let (from, sent) = match &answer {
                        Kept::Offer(from, answer) => (from, node.send(answer, randomness, now, &NoChannels)),
                        Kept::Name(from, answer) => (from, node.send_dns(answer, randomness, now, &NoChannels)),
                    };
                    match sent {
                        Ok(first) if first == *from => straight += 1,
                        Ok(first) => {
                            assert_eq!(node.standing(&first), Standing::Chosen, "{first} is not {from}");
                            around += 1;
                        }
                        Err(_) => nowhere += 1,
                    }
                    to.extend(sent.ok());
                }
            }
            while let Some(arrived) = town.node(ISSUER).peers.next(now, &NoChannels) {
                match arrived {
                    Arrived::Message { from, message, .. } => {
                        let Ok(request) = town.node(ISSUER).payee.receive(message) else { continue };
                        kept.extend(request.refuse(out_of_tea()).map(|answer| Kept::Offer(from, Box::new(answer))));
                    }
                    Arrived::Query { from, query, .. } => {
                        kept.push(Kept::Name(from, Box::new(query.answer(b"proof").unwrap())));
                    }
                    other => panic!("{other:?}"),
                }
            }
            peers.iter().for_each(|peer| drop(town.given(ISSUER, *peer)));
            town.now += Duration::from_millis(400);
        }
    }
    assert!(straight > 100 && around > 50 && nowhere > 10, "{straight} {around} {nowhere}");
    assert!(peers.iter().all(|peer| to.contains(&id(*peer))));
}
