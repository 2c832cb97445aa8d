//! What peers cannot do to each other and to us, whatever they send: EXC-19 to EXC-21 where many are connected.

use std::time::Duration;

use super::town::{ISSUER, MIDDLE, PAYER, SECOND, STRANGERS, Town, id, key, know, path_to};
use bolt12::exchange::{Destination, OffersMessage, OutgoingMessage, PathId};
use bolt12::onion::{BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, PathHop, Peeled};
use bolt12::peers::{Arrived, Budget, Limits, NoChannels, Peers, SendError, Standing};
use bolt12::{BlindedPath, Direction, InvoiceError, Offer, ShortChannelId};

/// A payer and an issuer that are both connected to a node between them. All of them pass messages on.
fn town() -> Town {
    let mut town = Town::new(3, Limits::default(), true);
    town.connect(ISSUER, MIDDLE);
    town.connect(PAYER, MIDDLE);
    town
}

/// An offer of the issuer behind the middle, which does not say whose it is.
fn hidden(town: &mut Town) -> Offer {
    let issuer = town.node(ISSUER);
    let offer = issuer.offer_over(&[MIDDLE]);
    issuer.offer = offer.clone();
    offer
}

fn answer_over(path: BlindedPath<'static>) -> OutgoingMessage {
    let message = OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap());
    OutgoingMessage { message, destination: Destination::Path(path), reply_path_id: None }
}

/// All goes well among those who mean well.
#[test]
fn a_request_over_a_path_is_answered() {
    let mut town = town();
    let offer = hidden(&mut town);
    let request = town.ask(&offer);
    assert_eq!(town.send(PAYER, &request), Ok(id(MIDDLE)));
    town.pass(SECOND);
    assert_eq!(town.node(PAYER).answers, [request.reply_path_id.unwrap()]);
    assert_eq!((town.node(MIDDLE).peers.counts().passed_on, town.node(MIDDLE).peers.counts().dropped()), (2, 0));
}

// Unmasking.

/// EXC-19: a stranger that suspects the issuer connects to it, asks over the offer's path, and lets the answer start at
/// itself: it gets it from where it asked, as from any other issuer.
#[test]
fn an_answer_does_not_go_straight_to_a_stranger() {
    let mut town = town();
    let offer = hidden(&mut town);
    let stranger = STRANGERS;
    town.comes(stranger, ISSUER);
    town.comes(stranger, MIDDLE);
    for reply_path in [path_to(stranger, &[]), path_to(PAYER, &[stranger])] {
        let request = town.request(&offer, Some(&reply_path));
        town.hand(stranger, MIDDLE, request);
        town.pass(SECOND);
        assert_eq!(town.given(ISSUER, stranger), []);
        assert_eq!(town.given(MIDDLE, stranger).len(), 1);
    }
    assert_eq!(town.node(ISSUER).requests, 2);
    // Who asks directly is answered directly: it knows whom it asks.
    let direct = town.node(ISSUER).offer_over(&[]);
    let request = town.request(&direct, Some(&path_to(stranger, &[])));
    town.hand(stranger, ISSUER, request);
    town.hear(ISSUER);
    assert_eq!(town.given(ISSUER, stranger).len(), 1);
}

/// EXC-19: nor does a request, whatever the offer's path starts with; and with nobody of our choice it stays here.
#[test]
fn a_request_does_not_go_straight_to_a_stranger() {
    let mut town = Town::new(3, Limits::default(), true);
    let stranger = STRANGERS;
    town.comes(stranger, PAYER);
    let issuer = town.node(ISSUER);
    let offers = [issuer.offer_over(&[stranger]), issuer.offer_over(&[])];
    for offer in &offers {
        let request = town.ask(offer);
        assert_eq!(town.send(PAYER, &request), Err(SendError::NoPeer));
        // A channel is no choice of ours; it gives a place to be heard.
        know(&mut town, PAYER, stranger, Standing::Kept);
        assert_eq!(town.send(PAYER, &request), Err(SendError::NoPeer));
        know(&mut town, PAYER, stranger, Standing::Stranger);
    }
    town.connect(PAYER, MIDDLE);
    for offer in &offers {
        let request = town.ask(offer);
        assert_eq!(town.send(PAYER, &request), Ok(id(MIDDLE)));
    }
    assert_eq!(town.given(PAYER, stranger), []);
    // Whom the application names is chosen.
    know(&mut town, PAYER, stranger, Standing::Chosen);
    let request = town.ask(&offers[0]);
    assert_eq!(town.send(PAYER, &request), Ok(id(stranger)));
}

/// EXC-19: a wrong invoice is not answered, or once for each request; and nothing that strangers make up brings that
/// back.
#[test]
fn a_wrong_invoice_is_answered_at_most_once() {
    for (answers_invoices, expected) in [(false, 0), (true, 1)] {
        let mut peers = Peers::new(key(PAYER), Limits { answers_invoices, ..Limits::default() });
        let mut now = SECOND;
        peers.connected(id(MIDDLE), false, true, now);
        let reply_path = path_to(STRANGERS, &[]);
        let mut number = 0u64;
        let mut arrives = |peers: &mut Peers, path_id: u64| {
            number += 1;
            let mut ids = [4; 32];
            ids[..8].copy_from_slice(&path_id.to_be_bytes());
            let own = peers.messenger().path(&[], PathId(ids)).build([5; 32]).unwrap();
            let invoice = OnionMessageBuilder::over(&own, Contents::Invoice(b"wrong")).reply_path(&reply_path);
            let mut random = [6; 32];
            random[..8].copy_from_slice(&number.to_be_bytes());
            now += SECOND;
            peers.receive(&id(MIDDLE), invoice.build(random).unwrap().message, now);
            let Some(Arrived::Message { message, .. }) = peers.next(now, &NoChannels) else { panic!() };
            // Only the request with the number 1 was made here.
            let answer = message.reply_path.filter(|_| path_id == 1)?;
            Some(peers.send(&answer_over(answer), random, now, &NoChannels))
        };
        let mut answers = 0;
        for round in 0..20 {
            answers += u32::from(arrives(&mut peers, 1).is_some_and(|sent| sent.is_ok()));
            for other in 0..if round == 1 { 300 } else { 1 } {
                arrives(&mut peers, 1_000 * round + other + 2);
            }
        }
        assert_eq!(answers, expected);
    }
}

/// EXC-19: an invoice is ours whether its payee can be told what is wrong with it or not.
#[test]
fn an_invoice_without_room_for_an_answer_arrives() {
    for waiting in [0, 64] {
        let limits = Limits { answers_invoices: true, waiting, ..Limits::default() };
        let mut peers = Peers::new(key(PAYER), limits);
        peers.connected(id(MIDDLE), false, true, SECOND);
        let own = peers.messenger().path(&[], PathId([4; 32])).build([5; 32]).unwrap();
        let reply_path = path_to(STRANGERS, &[]);
        let invoice = OnionMessageBuilder::over(&own, Contents::Invoice(b"invoice")).reply_path(&reply_path);
        peers.receive(&id(MIDDLE), invoice.build([6; 32]).unwrap().message, SECOND);
        let Some(Arrived::Message { message, .. }) = peers.next(SECOND, &NoChannels) else { panic!("{waiting}") };
        assert_eq!(message.bytes, b"invoice");
        assert_eq!(message.reply_path, (waiting > 0).then_some(reply_path));
        assert_eq!((peers.counts().heard, peers.counts().dropped()), (1, 0));
    }
}

/// EXC-21: a path that leads through us to a stranger is nobody else's business: the answer goes out as from any other
/// issuer, comes back here, and is passed on. Where nothing is passed on, it gets nowhere, as from any other issuer.
#[test]
fn a_path_through_a_suspect_says_nothing() {
    for passes_on in [true, false] {
        let stranger = STRANGERS;
        let came_back = |issuer_is_suspect: bool| {
            let mut town = Town::new(4, Limits::default(), true);
            let other = 3;
            let suspect = if issuer_is_suspect { ISSUER } else { other };
            for number in [ISSUER, PAYER, other] {
                town.connect(number, MIDDLE);
                town.node(number).peers.pass_on(passes_on);
            }
            let offer = hidden(&mut town);
            town.comes(stranger, suspect);
            town.comes(stranger, MIDDLE);
            let request = town.request(&offer, Some(&path_to(stranger, &[suspect])));
            town.hand(stranger, MIDDLE, request);
            town.pass(SECOND);
            assert_eq!(town.node(ISSUER).requests, 1);
            (town.given(suspect, stranger).len(), town.given(MIDDLE, stranger).len())
        };
        assert_eq!(came_back(true), came_back(false));
        assert_eq!(came_back(true), (usize::from(passes_on), 0));
    }
}

/// MSG-5: who asks us and lets the answer start at us, as Core Lightning does, gets it from us.
#[test]
fn a_path_that_leads_back_to_who_asked_is_short() {
    let mut town = Town::new(1, Limits::default(), false);
    let stranger = STRANGERS;
    town.comes(stranger, ISSUER);
    let offer = town.node(ISSUER).offer.clone();
    let request = town.request(&offer, Some(&path_to(stranger, &[ISSUER])));
    town.hand(stranger, ISSUER, request);
    town.hear(ISSUER);
    let given = town.given(ISSUER, stranger);
    let Ok(Peeled::Received(received)) = given[0].peel(&key(stranger)) else { panic!() };
    assert_eq!((given.len(), received.path_id()), (1, Some(&[8; 32][..])));
}

/// EXC-21: our own hop may name a channel of ours, and is resolved as when a message arrives; one that others would not
/// pass on is not taken off.
#[test]
fn a_channel_of_ours_is_resolved_in_our_own_hop() {
    let scid = ShortChannelId(7 << 40);
    let (own, peer) = (id(ISSUER), id(MIDDLE));
    let channels = move |asked, end| match end {
        _ if asked != scid => None,
        Direction::NodeOne => Some(own),
        Direction::NodeTwo => Some(peer),
    };
    let by_channel = |hop: PathHop| BlindedPathBuilder::new(id(PAYER)).through(hop).build([3; 32]).unwrap();
    let path = by_channel(PathHop::new(own).by_channel(scid));
    let bad = by_channel(PathHop::new(own).payment_relay(Default::default()));
    let mut peers = Peers::new(key(ISSUER), Limits::default());
    peers.pass_on(true);
    peers.connected(peer, false, true, SECOND);
    let mut send = |path: &BlindedPath<'static>, number: u8, known: bool| {
        let outgoing = answer_over(path.clone());
        match known {
            true => peers.send(&outgoing, [number; 32], SECOND, &channels),
            false => peers.send(&outgoing, [number; 32], SECOND, &NoChannels),
        }
    };
    assert_eq!(send(&path, 1, true), Ok(peer));
    assert!(matches!(send(&path, 2, false), Err(SendError::Way(_))));
    assert!(matches!(send(&bad, 3, true), Err(SendError::Way(_))));
    // It was taken off: what is left is the peer's own hop, as when we pass it on.
    let sent = peers.next_to_send(&peer, SECOND).unwrap();
    assert!(matches!(sent.peel(&key(PAYER)), Ok(Peeled::Received(_))));
    // A path that starts at a channel of ours does so, too.
    let start = BlindedPathBuilder::new(id(PAYER)).through(PathHop::new(own).by_channel(scid));
    let start = start.introduction_by_channel(scid, Direction::NodeOne).build([4; 32]).unwrap();
    assert_eq!(peers.send(&answer_over(start), [5; 32], SECOND, &channels), Ok(peer));
}

// Locking out.

/// EXC-20: nobody is refused. Who is one too many takes the place of the idlest, and whom we know always has one.
#[test]
fn idle_strangers_lock_nobody_out() {
    let limits = Limits { strangers: 8, ..Limits::default() };
    let mut town = Town::new(1, limits, false);
    let offer = town.node(ISSUER).offer.clone();
    let (kept, named) = (900, 901);
    for stranger in STRANGERS..STRANGERS + 300 {
        town.comes(stranger, ISSUER);
        town.now += Duration::from_millis(1);
    }
    know(&mut town, ISSUER, kept, Standing::Kept);
    know(&mut town, ISSUER, named, Standing::Chosen);
    assert_eq!(town.node(ISSUER).peers.len(), 300);
    // Whoever comes, was there all the time, or is known is heard, one and all.
    let mut heard = 0;
    for speaker in [kept, named, 902, STRANGERS, STRANGERS + 150, STRANGERS + 299] {
        if speaker < STRANGERS {
            town.comes(speaker, ISSUER);
        }
        let request = town.request(&offer, Some(&path_to(speaker, &[])));
        town.hand(speaker, ISSUER, request);
        town.hear(ISSUER);
        heard += 1;
        assert_eq!((town.node(ISSUER).requests, town.given(ISSUER, speaker).len()), (heard, 1), "{speaker}");
    }
    assert_eq!(town.node(ISSUER).peers.counts().dropped(), 0);
    // And those who say nothing cost those who do nothing.
    town.comes(STRANGERS + 500, ISSUER);
    for speaker in [kept, named, 902] {
        let request = town.request(&offer, None);
        town.hand(speaker, ISSUER, request);
    }
    town.hear(ISSUER);
    assert_eq!(town.node(ISSUER).requests, heard + 3);
}

// Computing.

/// What a burst and a stretch of time may cost, in curve multiplications.
fn most(budget: Budget, seconds: u32) -> u32 {
    budget.burst + budget.per_second * seconds
}

/// EXC-20: however many come, and however often under new names, what is opened for all of them has a limit.
#[test]
fn strangers_together_have_a_budget() {
    let limits = Limits {
        newcomers: Budget { burst: 160, per_second: 50 },
        all_strangers: Budget { burst: 400, per_second: 100 },
        ..Limits::default()
    };
    let seconds = 3;
    // Those who are there, then those who come anew for each message.
    for comes_anew in [false, true] {
        let mut town = Town::new(1, limits, false);
        let offer = town.node(ISSUER).offer.clone();
        let onion = town.request(&offer, None);
        let other = |number: u32| {
            // Another packet each time, which nobody can open: it costs as much as a good one.
            let mut bytes = onion.as_bytes().to_vec();
            bytes[100..104].copy_from_slice(&number.to_be_bytes());
            OnionMessage::read(bytes).unwrap()
        };
        let mut number = 0;
        for stranger in 0..40 {
            town.comes(STRANGERS + stranger, ISSUER);
        }
        if !comes_anew {
            // They are no newcomers any more.
            town.now += Duration::from_secs(60);
        }
        for _ in 0..seconds * 10 {
            for stranger in 0..40 {
                if comes_anew {
                    let now = town.now;
                    town.node(ISSUER).peers.disconnected(&id(STRANGERS + stranger));
                    town.node(ISSUER).peers.connected(id(STRANGERS + stranger), true, true, now);
                }
                for _ in 0..10 {
                    number += 1;
                    town.hand(STRANGERS + stranger, ISSUER, other(number));
                }
            }
            town.hear(ISSUER);
            town.now += Duration::from_millis(100);
        }
        let counts = town.node(ISSUER).peers.counts();
        let opened = 2 * u32::try_from(counts.not_for_us).unwrap();
        let budget = if comes_anew { limits.newcomers } else { limits.all_strangers };
        assert!(opened <= most(budget, seconds) + 4, "{opened}");
        assert!(opened > most(budget, seconds) * 8 / 10, "{opened}");
        // Nothing went unnoticed.
        let waiting = u64::from(number) - counts.dropped();
        assert!(waiting <= 40 * limits.unopened as u64, "{counts:?}");
        // Whom we know is not affected.
        town.comes(900, ISSUER);
        know(&mut town, ISSUER, 900, Standing::Kept);
        let request = town.request(&offer, None);
        town.hand(900, ISSUER, request);
        town.hear(ISSUER);
        assert_eq!(town.node(ISSUER).requests, 1);
    }
}

/// EXC-20: a message that came before is not opened, whoever brings it.
#[test]
fn replays_are_not_opened() {
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    for stranger in 0..2 {
        town.comes(STRANGERS + stranger, ISSUER);
    }
    let request = town.request(&offer, Some(&path_to(STRANGERS, &[])));
    for round in 0..1_536 {
        town.hand(STRANGERS + round % 2, ISSUER, request.clone());
        town.hear(ISSUER);
    }
    let counts = town.node(ISSUER).peers.counts();
    assert_eq!((counts.heard, counts.replayed, town.node(ISSUER).requests), (1, 1_535, 1));
    assert_eq!(counts.to_string(), "1535 replayed");
}

// What ordinary nodes do.

/// EXC-20: twenty at once right after connecting, or fifty: all are answered, as fast as whoever asks takes it.
#[test]
fn many_at_once_wait_and_none_is_lost() {
    for count in [1u32, 4, 20, 50] {
        let mut town = Town::new(1, Limits::default(), false);
        let offer = town.node(ISSUER).offer.clone();
        town.comes(STRANGERS, ISSUER);
        for _ in 0..count {
            let request = town.request(&offer, Some(&path_to(STRANGERS, &[])));
            town.hand(STRANGERS, ISSUER, request);
        }
        let mut answers = 0;
        for _ in 0..60 {
            town.hear(ISSUER);
            let given = town.given(ISSUER, STRANGERS).len();
            assert!(given <= 3);
            answers += given as u32;
            town.now += Duration::from_millis(300);
        }
        assert_eq!((answers, town.node(ISSUER).peers.counts().dropped()), (count, 0));
        assert!(town.node(ISSUER).unanswered.is_empty());
    }
}

/// EXC-20: ten in a second, for twenty seconds; and while a hundred others each send one now and then.
#[test]
fn what_ordinary_nodes_send_is_never_dropped() {
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    for stranger in 0..100 {
        town.comes(STRANGERS + stranger, ISSUER);
    }
    let mut sent = 0;
    for tenth in 0..200u16 {
        for speaker in [0, 1 + tenth % 99] {
            sent += 1;
            // Half of them want no answer, which could not be sent as fast.
            let reply_path = path_to(STRANGERS + speaker, &[]);
            let request = town.request(&offer, (speaker > 0).then_some(&reply_path));
            town.hand(STRANGERS + speaker, ISSUER, request);
        }
        town.hear(ISSUER);
        for stranger in 0..100 {
            town.given(ISSUER, STRANGERS + stranger);
        }
        town.now += Duration::from_millis(100);
    }
    let counts = town.node(ISSUER).peers.counts();
    assert_eq!((counts.heard, counts.dropped()), (sent, 0), "{counts}");
}

// Taking others' share.

/// EXC-20: a peer lets its answers start at another. That one's own answers come first, and ours before them; the room
/// is shared, and what has none is not answered at all.
#[test]
fn nobody_takes_the_room_of_others() {
    let mut town = Town::new(3, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    // The victim is a peer that the issuer chose, and the attacker one that came.
    let (victim, attacker) = (MIDDLE, STRANGERS);
    town.connect(ISSUER, victim);
    town.comes(attacker, ISSUER);
    let mut answers = 0;
    let mut honest = 0;
    for round in 0..250 {
        for _ in 0..if round < 200 { 5 } else { 0 } {
            let flood = town.request(&offer, Some(&path_to(attacker, &[victim])));
            town.hand(attacker, ISSUER, flood);
        }
        if round % 4 == 0 && round < 200 {
            honest += 1;
            let request = town.request(&offer, Some(&path_to(victim, &[])));
            town.hand(victim, ISSUER, request);
        }
        town.hear(ISSUER);
        let mut given = Vec::new();
        if round == 190 {
            // Ours does not wait.
            let foreign = town.node(PAYER).offer_over(&[victim]);
            let own = town.ask(&foreign);
            town.now += Duration::from_secs(1);
            assert!(town.node(ISSUER).peers.waiting(&id(victim)) > 30);
            town.send(ISSUER, &own).unwrap();
            given = town.given(ISSUER, victim);
            let Ok(Peeled::Forward(forward)) = given.remove(0).peel(&key(victim)) else { panic!() };
            assert_eq!(forward.next(), NextHop::NodeId(id(PAYER)));
        }
        given.extend(town.given(ISSUER, victim));
        for onion in given {
            answers += u32::from(matches!(onion.peel(&key(victim)), Ok(Peeled::Received(_))));
        }
        town.now += Duration::from_millis(100);
    }
    assert_eq!(answers, honest);
    let counts = town.node(ISSUER).peers.counts();
    assert!(counts.unanswerable > 0 && town.node(ISSUER).unanswered.is_empty(), "{counts}");
    assert!(town.node(ISSUER).peers.waiting(&id(victim)) <= Limits::default().waiting);
}

/// EXC-20: what is passed on shares the room, too, in turns.
#[test]
fn what_is_passed_on_is_shared() {
    let mut town = town();
    let offer = hidden(&mut town);
    let (loud, quiet) = (STRANGERS, STRANGERS + 1);
    for stranger in [loud, quiet] {
        town.comes(stranger, MIDDLE);
    }
    for _ in 0..60 {
        let flood = town.request(&offer, None);
        town.hand(loud, MIDDLE, flood);
    }
    town.hear(MIDDLE);
    for _ in 0..20 {
        let flood = town.request(&offer, None);
        town.hand(loud, MIDDLE, flood);
    }
    let request = town.request(&offer, Some(&path_to(quiet, &[])));
    town.hand(quiet, MIDDLE, request);
    town.hear(MIDDLE);
    // Behind a queue that is full, it goes out among the first.
    town.pass(2 * SECOND);
    assert_eq!(town.given(MIDDLE, quiet).len(), 1);
    let counts = town.node(MIDDLE).peers.counts();
    assert!(counts.displaced + counts.not_passed_on > 0, "{counts}");
}

/// What wakes, and when: nothing is waited for without an end.
#[test]
fn it_says_when_to_come_back() {
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    assert_eq!(town.node(ISSUER).peers.wake_at(), None);
    town.comes(STRANGERS, ISSUER);
    for _ in 0..5 {
        let request = town.request(&offer, Some(&path_to(STRANGERS, &[])));
        town.hand(STRANGERS, ISSUER, request);
    }
    let now = town.now;
    assert!(town.node(ISSUER).peers.wake_at().unwrap() <= now);
    town.hear(ISSUER);
    for left in [2, 1, 0] {
        let given = town.given(ISSUER, STRANGERS).len();
        assert_eq!(given, if left == 2 { 3 } else { 1 });
        let wake_at = town.node(ISSUER).peers.wake_at();
        assert_eq!(wake_at.is_some(), left > 0);
        town.now = wake_at.unwrap_or(town.now);
    }
}

/// Fifty of our own at once, to a node that takes one in 250 milliseconds and drops the others: none is lost, also if
/// they ask again while they wait.
#[test]
fn fifty_of_our_own_keep_the_pace_of_the_peer() {
    let mut peers = Peers::new(key(PAYER), Limits::default());
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    let mut now = SECOND;
    peers.connected(id(ISSUER), false, true, now);
    let requests: Vec<_> = (0..50).map(|_| town.ask(&offer)).collect();
    let send = |peers: &mut Peers, request: &OutgoingMessage, town: &mut Town, now| {
        assert_eq!(peers.send(request, town.random(), now, &NoChannels), Ok(id(ISSUER)));
    };
    requests.iter().for_each(|request| send(&mut peers, request, &mut town, now));
    assert_eq!(peers.waiting(&id(ISSUER)), 50);
    // Its bucket: four, and one more in 250 ms.
    let (mut tokens, mut filled) = (4, now);
    let mut came = std::collections::BTreeSet::new();
    for step in 0..2_000 {
        if step % 500 == 499 {
            // All that were not answered ask again.
            for request in requests.iter().filter(|request| !came.contains(&request.reply_path_id.unwrap().0)) {
                send(&mut peers, request, &mut town, now);
            }
        }
        while now >= filled + Duration::from_millis(250) {
            (tokens, filled) = (4.min(tokens + 1), filled + Duration::from_millis(250));
        }
        while let Some(onion) = peers.next_to_send(&id(ISSUER), now) {
            assert!(tokens > 0, "dropped after {now:?}");
            tokens -= 1;
            let Ok(Peeled::Received(received)) = onion.peel(&key(ISSUER)) else { panic!() };
            came.insert(request_of(&requests, &received).reply_path_id.unwrap().0);
        }
        now += Duration::from_millis(10);
    }
    assert_eq!((came.len(), peers.waiting(&id(ISSUER))), (50, 0));
}

fn request_of<'a>(requests: &'a [OutgoingMessage], received: &bolt12::onion::Received) -> &'a OutgoingMessage {
    let Some(Contents::InvoiceRequest(bytes)) = received.contents() else { panic!() };
    requests.iter().find(|request| request.message.as_bytes() == bytes).unwrap()
}

/// Who is gone, or takes no onion messages, is not used; and what waited for it is counted.
#[test]
fn who_takes_no_onion_messages_is_not_used() {
    let mut town = Town::new(2, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    let mut peers = Peers::new(key(PAYER), Limits::default());
    let mut send = |peers: &mut Peers| {
        let request = town.ask(&offer);
        peers.send(&request, town.random(), SECOND, &NoChannels)
    };
    peers.connected(id(ISSUER), false, false, SECOND);
    assert_eq!((peers.able().count(), send(&mut peers)), (0, Err(SendError::NoPeer)));
    peers.connected(id(ISSUER), false, true, SECOND);
    assert_eq!((send(&mut peers), peers.is_empty()), (Ok(id(ISSUER)), false));
    peers.disconnected(&id(ISSUER));
    assert_eq!((peers.counts().disconnected, peers.is_empty()), (1, true));
    assert_eq!(send(&mut peers), Err(SendError::NoPeer));
}

/// Our own have room, too, and it ends.
#[test]
fn there_is_room_for_so_many_of_our_own() {
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    let mut peers = Peers::new(key(PAYER), Limits { own_waiting: 5, ..Limits::default() });
    peers.connected(id(ISSUER), false, true, SECOND);
    let requests: Vec<_> = (0..6).map(|_| town.ask(&offer)).collect();
    for request in &requests[..5] {
        peers.send(request, town.random(), SECOND, &NoChannels).unwrap();
    }
    assert_eq!(peers.send(&requests[5], town.random(), SECOND, &NoChannels), Err(SendError::Full(id(ISSUER))));
    // One that waits already only takes its own place.
    peers.send(&requests[2], town.random(), SECOND, &NoChannels).unwrap();
    assert_eq!(peers.waiting(&id(ISSUER)), 5);
}
