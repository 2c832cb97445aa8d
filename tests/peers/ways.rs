//! Which ways messages and their answers take, and what is said of those that cannot be gone.

use super::town::{ISSUER, MIDDLE, NOW, PAYER, SECOND, STRANGERS, Town, id, key, path_to};
#[cfg(feature = "async_payments")]
use bolt12::exchange::PathId;
use bolt12::exchange::{Action, Destination, OffersMessage, OutgoingMessage, Payer};
use bolt12::onion::{BlindedPathBuilder, OnionMessage, PathHop, Peeled};
#[cfg(feature = "async_payments")]
use bolt12::onion::{Contents, OnionMessageBuilder};
#[cfg(feature = "async_payments")]
use bolt12::peers::Arrived;
use bolt12::peers::{NoChannels, SendError};
use bolt12::{BlindedPath, Direction, ErrorKind, HumanReadableName, InvoiceError, ShortChannelId, UnixTime};

/// An answer over a path.
fn answer(text: &str, path: BlindedPath<'static>) -> OutgoingMessage {
    let message = OffersMessage::InvoiceError(InvoiceError::new(text).unwrap());
    OutgoingMessage { message, destination: Destination::Path(path), reply_path_id: None }
}

/// EXC-19: the answer to what begins at us comes back through the peer of our choice that it went through. Who answers
/// does not learn our node id from it.
#[test]
fn answers_come_back_through_the_same_peer() {
    let mut town = Town::new(4, Default::default(), true);
    let peers = [MIDDLE, 3];
    peers.iter().for_each(|peer| town.connect(PAYER, *peer));
    let offer = town.node(ISSUER).offer.clone();
    let name = HumanReadableName::parse("alice@example.com").unwrap();
    let mut went_through = Vec::new();
    for is_query in [false, true, false, true, false, true] {
        let (random, now) = (town.random(), town.now);
        let sent = if is_query {
            let until = UnixTime(NOW.0 + 60);
            let mut lookup = Payer::new([5; 32]).look_up(&name, &[id(ISSUER)], random, NOW, until).unwrap();
            let Action::Send(query) = lookup.poll(NOW) else { panic!() };
            town.node(PAYER).peers.send_dns(&query, random, now, &NoChannels)
        } else {
            let request = town.ask(&offer);
            town.send(PAYER, &request)
        };
        let peer = *peers.iter().find(|peer| sent == Ok(id(**peer))).unwrap();
        went_through.push(peer);
        let onion: OnionMessage = town.given(PAYER, peer).remove(0);
        let Ok(Peeled::Forward(forward)) = onion.peel(&key(peer)) else { panic!() };
        let Ok(Peeled::Received(received)) = forward.message().unwrap().peel(&key(ISSUER)) else { panic!() };
        assert_eq!(received.reply_path().unwrap().introduction_node(), id(peer).into());
        town.now += SECOND;
    }
    assert!(peers.iter().all(|peer| went_through.contains(peer)));
}

/// MSG-5: where a path starts at a channel that nobody knows, the answer goes back to who asked: over the whole path if
/// that one is where it starts, and from the next hop on if it is ourselves.
#[test]
fn a_path_that_starts_at_an_unknown_channel_leads_back_to_who_asked() {
    let (stranger, scid) = (STRANGERS, ShortChannelId(7 << 40));
    for (through, end) in [(vec![], Direction::NodeOne), (vec![ISSUER], Direction::NodeTwo)] {
        let mut town = Town::new(1, Default::default(), false);
        let offer = town.node(ISSUER).offer.clone();
        town.comes(stranger, ISSUER);
        let path = BlindedPathBuilder::new(id(stranger)).path_id([8; 32]).introduction_by_channel(scid, end);
        let path = through.iter().fold(path, |path, number| path.through(PathHop::new(id(*number))));
        let path = path.build([3; 32]).unwrap();
        let request = town.request(&offer, Some(&path));
        town.hand(stranger, ISSUER, request);
        town.hear(ISSUER);
        assert_eq!((town.node(ISSUER).requests, town.node(ISSUER).unanswered.len()), (1, 0), "{through:?}");
        let given = town.given(ISSUER, stranger);
        let Ok(Peeled::Received(received)) = given[0].peel(&key(stranger)) else { panic!("{through:?}") };
        assert_eq!((given.len(), received.path_id()), (1, Some(&[8; 32][..])));
        // When that one is gone, nobody knows where it starts; but what starts here, everybody can take.
        town.node(ISSUER).peers.disconnected(&id(stranger));
        let error = match town.send(ISSUER, &answer("out of tea", path)) {
            Err(SendError::Way(error)) => Some(error.kind().clone()),
            sent => {
                assert_eq!(sent, Err(SendError::NoPeer));
                None
            }
        };
        assert_eq!(error, through.is_empty().then_some(ErrorKind::UnknownIntroduction));
    }
}

/// Whoever waits for an answer gives up where it is the message that cannot be sent, over any path, and tries another
/// way where it is the path.
#[test]
fn a_path_that_is_too_long_is_not_the_fault_of_the_message() {
    let mut town = Town::new(2, Default::default(), false);
    town.connect(ISSUER, MIDDLE);
    let padding = vec![0; 33_000];
    let long = BlindedPath::new(id(MIDDLE).into(), id(PAYER), [(id(MIDDLE), &padding[..]), (id(PAYER), &[])]).unwrap();
    let (short_text, long_text) = ("out of tea", "x".repeat(33_000));
    for (text, path, is_way) in
        [(short_text, long.clone(), true), (&long_text, long, false), (&long_text, path_to(PAYER, &[MIDDLE]), false)]
    {
        let error = town.send(ISSUER, &answer(text, path)).unwrap_err();
        let (SendError::Way(inner) | SendError::Message(inner)) = &error else { panic!("{error:?}") };
        assert!(matches!(inner.kind(), ErrorKind::TooLong { .. }), "{inner:?}");
        assert_eq!(matches!(error, SendError::Way(_)), is_way);
    }
    // Nothing of it waits, and what follows goes through.
    assert_eq!(town.node(ISSUER).peers.waiting(&id(MIDDLE)), 0);
    assert_eq!(town.send(ISSUER, &answer(short_text, path_to(PAYER, &[MIDDLE]))), Ok(id(MIDDLE)));
}

/// EXC-19, EXC-20: what a peer takes says nothing of what it may ask. Whoever takes no onion messages of ours is heard,
/// answered through others, and sent nothing; until it takes them, for example because a channel was opened.
#[test]
fn who_takes_nothing_is_heard_and_answered_through_others() {
    let mut town = Town::new(2, Default::default(), false);
    let (stranger, offer) = (STRANGERS, town.node(ISSUER).offer.clone());
    let now = town.now;
    town.node(ISSUER).peers.connected(id(stranger), true, false, now);
    let ask = |town: &mut Town| {
        let request = town.request(&offer, Some(&path_to(stranger, &[])));
        town.hand(stranger, ISSUER, request);
        town.hear(ISSUER);
        (town.node(ISSUER).requests, [stranger, MIDDLE].map(|peer| town.given(ISSUER, peer).len()))
    };
    assert_eq!(ask(&mut town), (0, [0, 0]));
    assert_eq!(town.node(ISSUER).peers.counts().unanswerable, 1);
    town.connect(ISSUER, MIDDLE);
    assert_eq!(ask(&mut town), (1, [0, 1]));
    town.node(ISSUER).peers.set_takes_onion_messages(&id(stranger), true);
    assert_eq!(ask(&mut town), (2, [1, 0]));
    town.node(ISSUER).peers.set_takes_onion_messages(&id(stranger), false);
    assert_eq!(ask(&mut town), (3, [0, 1]));
    // Of who is not connected nothing is kept.
    town.node(ISSUER).peers.set_takes_onion_messages(&id(9), true);
    assert_eq!(town.node(ISSUER).peers.len(), 2);
}

/// MSG-3, EXC-19: whatever is no answer itself can be answered, requests for invoices and what passes between a sleeping
/// payee, its server and its payers alike.
#[cfg(feature = "async_payments")]
#[test]
fn what_wants_an_answer_keeps_its_reply_path() {
    let mut town = Town::new(1, Default::default(), false);
    town.comes(STRANGERS, ISSUER);
    let own = town.node(ISSUER).peers.messenger().path(&[], PathId([4; 32])).build([5; 32]).unwrap();
    for (contents, expected) in [
        (Contents::InvoiceRequest(b"?"), true),
        (Contents::HeldHtlcAvailable(b""), true),
        (Contents::OfferPathsRequest(b""), true),
        (Contents::OfferPaths(b""), true),
        (Contents::ServeStaticInvoice(b""), true),
        (Contents::Invoice(b"?"), false),
        (Contents::InvoiceError(b"?"), false),
        (Contents::StaticInvoice(b"?"), false),
        (Contents::ReleaseHeldHtlc(b""), false),
    ] {
        let reply_path = path_to(STRANGERS, &[]);
        let onion = OnionMessageBuilder::over(&own, contents).reply_path(&reply_path).build(town.random()).unwrap();
        town.hand(STRANGERS, ISSUER, onion.message);
        let now = town.now;
        let Some(Arrived::Message { message, .. }) = town.node(ISSUER).peers.next(now, &NoChannels) else { panic!() };
        assert_eq!(message.reply_path.is_some(), expected, "{:?}", message.kind);
    }
}
