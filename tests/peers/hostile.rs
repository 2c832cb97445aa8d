//! What strangers cannot do by choosing their names, their paths and their moments well, or by being many (EXC-19,
//! EXC-20); and what no clock breaks.

use std::time::Duration;

use super::onion_naive;
use super::town::{ISSUER, MIDDLE, NOW, PAYER, SECOND, STRANGERS, Town, id, key, know, path_to};
use bolt12::exchange::{Action, Destination, OutgoingMessage, Payer};
use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessage, OnionMessageBuilder, Peeled};
use bolt12::peers::{Arrived, Budget, Limits, NoChannels, Pace, Peers, SendError, Standing};
use bolt12::secp256k1::PublicKey;
use bolt12::{HumanReadableName, UnixTime};

const TENTH: Duration = Duration::from_millis(100);

/// Strangers in the order of their names.
fn by_name(count: u16) -> Vec<u16> {
    let mut strangers: Vec<u16> = (STRANGERS..STRANGERS + count).collect();
    strangers.sort_by_key(|stranger| id(*stranger));
    strangers
}

/// Whoever answers with nothing but an opened message counts.
fn opened(town: &mut Town, node: u16) -> Vec<PublicKey> {
    town.hear(node);
    std::mem::take(&mut town.node(node).brought)
}

// Unmasking.

/// EXC-19: a stranger asks something, and lets the answer go over the path of an offer. Whoever pays that offer later
/// sends its own request over the same path, and not to the stranger; nor does the stranger's name stand in it.
#[test]
fn who_asks_over_the_path_of_an_offer_gets_no_request_for_it() {
    for path in [&[MIDDLE][..], &[STRANGERS + 1]] {
        let mut town = Town::new(3, Limits::default(), false);
        let stranger = STRANGERS;
        town.comes(stranger, PAYER);
        let offer = town.node(ISSUER).offer_over(path);
        let offered = offer.paths().unwrap().iter().next().unwrap().into_owned();
        let own = town.node(PAYER).offer.clone();
        let ask = |town: &mut Town| {
            let question = town.request(&own, Some(&offered));
            town.hand(stranger, PAYER, question);
            // It is not answered, or not at once.
            let now = town.now;
            assert!(matches!(town.node(PAYER).peers.next(now, &NoChannels), Some(Arrived::Message { .. })));
        };
        ask(&mut town);
        let request = town.ask(&offer);
        assert_eq!(town.send(PAYER, &request), Err(SendError::NoPeer));
        town.connect(PAYER, MIDDLE);
        ask(&mut town);
        assert_eq!(town.send(PAYER, &request), Ok(id(MIDDLE)));
        town.now += SECOND;
        assert_eq!((town.given(PAYER, stranger), town.given(PAYER, MIDDLE).len()), (vec![], 1));
    }
}

/// EXC-19: nor does a query for a name, whoever brought one over the path to the resolver; and it keeps to the queue.
#[test]
fn queries_for_names_go_through_peers_of_our_choice() {
    let mut town = Town::new(3, Limits::default(), false);
    let query = |town: &mut Town| {
        let name = HumanReadableName::parse("alice@example.com").unwrap();
        let random = town.random();
        let until = UnixTime(NOW.0 + 60);
        let mut lookup = Payer::new([5; 32]).look_up(&name, &[id(STRANGERS)], random, NOW, until).unwrap();
        let Action::Send(query) = lookup.poll(NOW) else { panic!() };
        *query
    };
    let first = query(&mut town);
    town.comes(STRANGERS, PAYER);
    let send = |town: &mut Town, query: &_| {
        let (random, now) = (town.random(), town.now);
        town.node(PAYER).peers.send_dns(query, random, now, &NoChannels)
    };
    assert_eq!(send(&mut town, &first), Err(SendError::NoPeer));
    town.connect(PAYER, MIDDLE);
    for number in 1..=5 {
        let next = query(&mut town);
        assert_eq!(send(&mut town, &next), Ok(id(MIDDLE)));
        assert_eq!(town.node(PAYER).peers.waiting(&id(MIDDLE)), number);
    }
    assert_eq!(town.given(PAYER, MIDDLE).len(), 3);
}

/// DNS-1 to DNS-3: queries and proofs come out as what they are, opened once; the answer goes back to who asked.
#[test]
fn queries_and_proofs_of_names_are_handed_out() {
    let mut town = Town::new(2, Limits::default(), false);
    let mut payer = Peers::new(key(PAYER), Limits::default());
    let payer_keys = Payer::new([5; 32]);
    let name = HumanReadableName::parse("alice@example.com").unwrap();
    let until = UnixTime(NOW.0 + 60);
    let mut lookup = payer_keys.look_up(&name, &[id(ISSUER)], town.random(), NOW, until).unwrap();
    let Action::Send(query) = lookup.poll(NOW) else { panic!() };
    let now = town.now;
    payer.connected(id(ISSUER), false, true, now);
    town.comes(PAYER, ISSUER);
    assert_eq!(payer.send_dns(&query, town.random(), now, &NoChannels), Ok(id(ISSUER)));
    let onion = payer.next_to_send(&id(ISSUER), now).unwrap();
    town.hand(PAYER, ISSUER, onion.clone());
    // Where there is no room for an answer, it is dropped like a request.
    let mut full = Peers::new(key(ISSUER), Limits { waiting: 0, ..Limits::default() });
    full.connected(id(PAYER), true, true, now);
    full.receive(&id(PAYER), onion.clone(), now);
    assert!(full.next(now, &NoChannels).is_none());
    assert_eq!((full.counts().unanswerable, full.counts().heard, full.counts().dropped()), (1, 0, 1));
    let random = town.random();
    let resolver = &mut town.node(ISSUER).peers;
    let Some(Arrived::Query { from, query, onion: same }) = resolver.next(now, &NoChannels) else { panic!() };
    assert_eq!((from, query.name(), same), (id(PAYER), "alice.user._bitcoin-payment.example.com.", onion));
    let answer = query.answer(b"a proof").unwrap();
    assert_eq!(resolver.send_dns(&answer, random, now, &NoChannels), Ok(id(PAYER)));
    let onion = resolver.next_to_send(&id(PAYER), now).unwrap();
    assert_eq!((resolver.counts().heard, resolver.counts().dropped()), (1, 0));
    payer.receive(&id(ISSUER), onion, now);
    let Some(Arrived::Proof { from, proof, .. }) = payer.next(now, &NoChannels) else { panic!() };
    assert_eq!((from, payer_keys.lookup_of(&proof.arrival)), (id(ISSUER), Some(lookup.id())));
    assert_eq!((payer.counts().heard, payer.counts().dropped()), (1, 0));
}

/// What cannot be used here comes out as it came, for whoever may know more, and is counted.
#[test]
fn what_is_unusable_is_handed_on() {
    let mut peers = Peers::new(key(ISSUER), Limits::default());
    peers.connected(id(STRANGERS), true, true, SECOND);
    let told = onion_naive::record(4, &onion_naive::encrypted(&id(ISSUER), &[]).1);
    let unknown = [&told[..], &onion_naive::record(250, b"?")].concat();
    for (number, payload) in (1..).zip([unknown, vec![], vec![64, 200, 1]]) {
        let sent = onion_naive::message(&id(ISSUER), &payload, true);
        peers.receive(&id(STRANGERS), sent.clone(), SECOND);
        let Some(Arrived::Other { from, onion }) = peers.next(SECOND, &NoChannels) else { panic!("{payload:?}") };
        assert_eq!((from, onion), (id(STRANGERS), sent));
        assert_eq!((peers.counts().unusable, peers.counts().dropped()), (number, number));
    }
}

// Taking turns.

/// EXC-20: strangers whose names come right after the last turn, new ones every time, do not go before who waits.
#[test]
fn a_well_chosen_name_has_no_sooner_turn() {
    // One message in a tenth of a second.
    let all_strangers = Budget { burst: 20, per_second: 20 };
    let mut town = Town::new(1, Limits { all_strangers, ..Limits::default() }, false);
    let offer = town.node(ISSUER).offer.clone();
    let mut names = by_name(60);
    let honest = names.pop().unwrap();
    town.comes(honest, ISSUER);
    town.now += Duration::from_secs(60);
    // The budget is used up.
    for _ in 0..15 {
        let request = town.request(&offer, None);
        town.hand(honest, ISSUER, request);
    }
    opened(&mut town, ISSUER);
    let mut turns = Vec::new();
    for attacker in names {
        town.comes(attacker, ISSUER);
        for _ in 0..3 {
            let request = town.request(&offer, None);
            town.hand(attacker, ISSUER, request);
        }
        turns.extend(opened(&mut town, ISSUER));
        town.now += TENTH;
    }
    let heard = turns.iter().filter(|from| **from == id(honest)).count();
    assert!(heard >= 4, "{heard} of {}", turns.len());
}

/// EXC-20: nor in the queue of what others sent to a peer.
#[test]
fn a_well_chosen_name_is_sent_no_sooner() {
    let mut town = Town::new(2, Limits::default(), true);
    town.connect(ISSUER, MIDDLE);
    let offer = town.node(MIDDLE).offer.clone();
    let mut names = by_name(40);
    let honest = names.pop().unwrap();
    let marker = path_to(honest, &[]);
    let pass_on = |town: &mut Town, from: u16| {
        let path = BlindedPathBuilder::new(id(MIDDLE)).through(id(ISSUER)).build(town.random()).unwrap();
        let bytes = town.ask(&offer).message.as_bytes().to_vec();
        let message = OnionMessageBuilder::over(&path, Contents::InvoiceRequest(&bytes));
        let message = if from == honest { message.reply_path(&marker) } else { message };
        let onion = message.build(town.random()).unwrap().message;
        town.comes(from, ISSUER);
        town.hand(from, ISSUER, onion);
        town.hear(ISSUER);
    };
    let first = names.remove(0);
    (0..4).for_each(|_| pass_on(&mut town, first));
    town.given(ISSUER, MIDDLE);
    pass_on(&mut town, honest);
    let is_honest = |onion: &OnionMessage| match onion.peel(&key(MIDDLE)) {
        Ok(Peeled::Received(received)) => received.reply_path().is_some(),
        other => panic!("{other:?}"),
    };
    let mut before = 0;
    let came = names.iter().any(|attacker| {
        pass_on(&mut town, *attacker);
        town.now += Duration::from_millis(300);
        let given = town.given(ISSUER, MIDDLE);
        before += given.len();
        given.iter().any(is_honest)
    });
    assert!(came && before <= 3, "{before}");
}

/// EXC-20: many strangers fill the queue of a peer that we chose, each with a little. What that peer asks itself has
/// room, and so has what is for a peer that we know; and they leave strangers their half.
#[test]
fn many_strangers_leave_room_for_whom_we_know() {
    let mut town = Town::new(2, Limits::default(), false);
    town.connect(ISSUER, MIDDLE);
    let offer = town.node(ISSUER).offer.clone();
    let ask = |town: &mut Town, from: u16, count: u32| {
        for _ in 0..count {
            let reply_path = path_to(from, if from == MIDDLE { &[] } else { &[MIDDLE] });
            let request = town.request(&offer, Some(&reply_path));
            town.hand(from, ISSUER, request);
            town.hear(ISSUER);
        }
        town.node(ISSUER).requests
    };
    for stranger in STRANGERS..STRANGERS + 100 {
        town.comes(stranger, ISSUER);
        ask(&mut town, stranger, 1);
    }
    let full = Limits::default().waiting;
    assert_eq!(town.node(ISSUER).peers.waiting(&id(MIDDLE)), full);
    let kept = 900;
    town.comes(kept, ISSUER);
    know(&mut town, ISSUER, kept, Standing::Kept);
    let answered = ask(&mut town, kept, 0);
    // The half, and not more.
    assert_eq!(ask(&mut town, kept, 40) - answered, 32);
    // Strangers have the other half, and nobody takes that from them but the peer itself.
    assert_eq!(ask(&mut town, STRANGERS + 101, 1) - answered, 32);
    assert_eq!(ask(&mut town, MIDDLE, 10) - answered, 42);
    assert_eq!(town.node(ISSUER).peers.waiting(&id(MIDDLE)), full);
    // It gets its own first.
    for turn in 0..8 {
        town.now += Duration::from_millis(300);
        for onion in town.given(ISSUER, MIDDLE) {
            assert!(matches!(onion.peel(&key(MIDDLE)), Ok(Peeled::Received(_))), "{turn}");
        }
    }
}

// Places.

/// EXC-20: three hundred strangers that all have something to say, more than can be heard, and none is idle. They do
/// not push each other out before anything is opened: who has a place keeps it until its turn.
#[test]
fn many_that_talk_do_not_push_each_other_out() {
    let limits = Limits { strangers: 8, all_strangers: Budget { burst: 20, per_second: 40 }, ..Limits::default() };
    let mut town = Town::new(1, limits, false);
    let offer = town.node(ISSUER).offer.clone();
    let honest = 900;
    town.comes(honest, ISSUER);
    for stranger in 0..300 {
        town.comes(STRANGERS + stranger, ISSUER);
    }
    town.now += Duration::from_secs(60);
    // What may be opened at once is used up; it says something, and then comes the flood.
    for _ in 0..15 {
        let request = town.request(&offer, None);
        town.hand(STRANGERS, ISSUER, request);
    }
    opened(&mut town, ISSUER);
    let request = town.request(&offer, None);
    town.hand(honest, ISSUER, request);
    let (mut heard, mut turns) = (false, 0);
    for round in 0..50u16 {
        for stranger in 0..30 {
            let request = town.request(&offer, None);
            town.hand(STRANGERS + (round * 30 + stranger) % 300, ISSUER, request);
        }
        let brought = opened(&mut town, ISSUER);
        turns += brought.len();
        heard |= brought.contains(&id(honest));
        town.now += TENTH;
    }
    assert!(heard && turns > 90, "{heard} {turns}");
}

/// EXC-20: strangers that take none of their answers do not keep their places with them.
#[test]
fn who_takes_no_answers_keeps_no_place() {
    let mut town = Town::new(1, Limits { strangers: 8, ..Limits::default() }, false);
    let offer = town.node(ISSUER).offer.clone();
    for stranger in STRANGERS..STRANGERS + 8 {
        town.comes(stranger, ISSUER);
        let request = town.request(&offer, Some(&path_to(stranger, &[])));
        town.hand(stranger, ISSUER, request);
    }
    assert_eq!(opened(&mut town, ISSUER).len(), 8);
    let honest = 900;
    town.comes(honest, ISSUER);
    let ask = |town: &mut Town| {
        let request = town.request(&offer, None);
        town.hand(honest, ISSUER, request);
        opened(town, ISSUER).len()
    };
    assert_eq!((ask(&mut town), town.node(ISSUER).peers.counts().not_heard), (0, 1));
    town.now += Duration::from_secs(20);
    assert_eq!(ask(&mut town), 1);
}

/// EXC-20: a flood of those that have no place is not looked at for long: places change hands so often and no oftener.
#[test]
fn places_change_hands_so_often() {
    let mut town = Town::new(1, Limits { strangers: 8, ..Limits::default() }, false);
    let offer = town.node(ISSUER).offer.clone();
    for stranger in 0..1_000 {
        town.comes(STRANGERS + stranger, ISSUER);
    }
    let request = town.request(&offer, None);
    for stranger in 0..1_000 {
        town.hand(STRANGERS + stranger, ISSUER, request.clone());
        town.hear(ISSUER);
    }
    let counts = town.node(ISSUER).peers.counts();
    // Eight had one. What they say is the same, and that is no reason to keep it.
    assert_eq!((counts.heard, counts.replayed, counts.not_heard), (1, 263, 736));
}

// Memory.

/// EXC-20: a peer that we know has a share of the memory, too.
#[test]
fn what_waits_of_peers_that_we_know_is_bounded() {
    let peer = Budget { burst: 2, per_second: 1 };
    let mut town = Town::new(1, Limits { peer, ..Limits::default() }, false);
    let (offer, kept) = (town.node(ISSUER).offer.clone(), 900);
    town.comes(kept, ISSUER);
    know(&mut town, ISSUER, kept, Standing::Kept);
    let long = vec![7; 30_000];
    for _ in 0..64 {
        let message = OnionMessageBuilder::to_node(offer.issuer_id().unwrap(), Contents::InvoiceRequest(&long));
        let onion = message.build(town.random()).unwrap().message;
        town.hand(kept, ISSUER, onion);
    }
    let len = 32_834;
    let fit = Limits::default().unopened_bytes / 16 / len;
    assert_eq!(town.node(ISSUER).peers.counts().too_many, 64 - fit as u64);
}

/// EXC-20: strangers share the memory, and whoever has the most gives way.
#[test]
fn who_floods_gives_way_in_memory() {
    // Nothing is opened for a while: all waits.
    let all_strangers = Budget { burst: 4, per_second: 2 };
    let limits = Limits { all_strangers, unopened_bytes: 100 * 1_500, ..Limits::default() };
    let mut town = Town::new(1, limits, false);
    let offer = town.node(ISSUER).offer.clone();
    let honest = 900;
    for stranger in [honest, STRANGERS, STRANGERS + 1, STRANGERS + 2] {
        town.comes(stranger, ISSUER);
    }
    town.now += Duration::from_secs(60);
    for _ in 0..64 {
        for stranger in STRANGERS..STRANGERS + 3 {
            let request = town.request(&offer, None);
            town.hand(stranger, ISSUER, request);
        }
    }
    for _ in 0..10 {
        let request = town.request(&offer, None);
        town.hand(honest, ISSUER, request);
    }
    let brought = (0..50).flat_map(|_| {
        let brought = opened(&mut town, ISSUER);
        town.now += SECOND;
        brought
    });
    let brought: Vec<_> = brought.collect();
    assert_eq!(brought.iter().filter(|from| **from == id(honest)).count(), 10);
}

/// A limit of nothing lets nothing through, and is not waited for.
#[test]
fn a_limit_of_nothing_is_nothing() {
    let none = Budget { burst: 0, per_second: 1_000 };
    for limits in [
        Limits { peer: none, ..Limits::default() },
        Limits { newcomers: none, ..Limits::default() },
        Limits { all_strangers: none, ..Limits::default() },
        Limits { strangers: 0, ..Limits::default() },
        Limits { unopened: 0, ..Limits::default() },
        Limits { unopened_bytes: 0, ..Limits::default() },
        Limits { waiting: 0, ..Limits::default() },
        Limits { waiting_bytes: 0, ..Limits::default() },
    ] {
        let mut town = Town::new(1, limits, false);
        let offer = town.node(ISSUER).offer.clone();
        town.comes(STRANGERS, ISSUER);
        for _ in 0..3 {
            let request = town.request(&offer, Some(&path_to(STRANGERS, &[])));
            town.hand(STRANGERS, ISSUER, request);
        }
        assert_eq!((opened(&mut town, ISSUER).len(), town.given(ISSUER, STRANGERS).len()), (0, 0), "{limits:?}");
        let (now, wake_at) = (town.now, town.node(ISSUER).peers.wake_at());
        assert!(wake_at.is_none_or(|at| at > now), "{limits:?}");
    }
}

// Clocks.

/// A clock that jumps in either direction, as far as it goes, overflows nothing; and when it goes on from there,
/// everything does.
#[test]
fn a_clock_that_jumps_stops_nothing() {
    let end = Duration::MAX;
    let limits = Limits {
        peer: Budget { burst: u32::MAX, per_second: u32::MAX },
        pace: Pace { at_once: 2, every: TENTH },
        ..Limits::default()
    };
    for limits in [limits, Limits::default()] {
        let mut town = Town::new(2, limits, true);
        town.connect(ISSUER, MIDDLE);
        let offer = town.node(ISSUER).offer.clone();
        for jump in [SECOND, end, Duration::ZERO, end - SECOND, SECOND * 1_000, Duration::from_nanos(1), end] {
            town.now = jump;
            town.comes(STRANGERS, ISSUER);
            for from in [STRANGERS, MIDDLE, STRANGERS, MIDDLE] {
                let request = town.request(&offer, Some(&path_to(from, &[])));
                town.hand(from, ISSUER, request);
            }
            town.hear(ISSUER);
            town.given(ISSUER, STRANGERS);
            town.node(ISSUER).peers.wake_at();
        }
        // From here it goes as it should.
        town.now = SECOND;
        town.hear(ISSUER);
        let before = town.node(ISSUER).requests;
        let mut answers = 0;
        for _ in 0..60 {
            let request = town.request(&offer, Some(&path_to(MIDDLE, &[])));
            town.hand(MIDDLE, ISSUER, request);
            town.hear(ISSUER);
            answers += town.given(ISSUER, MIDDLE).len();
            town.now += SECOND;
        }
        assert_eq!(town.node(ISSUER).requests - before, 60);
        assert!(answers >= 60, "{answers}");
    }
}

/// The answer to somebody who is gone takes none of the room that is for our own.
#[test]
fn answers_to_who_is_gone_are_not_our_own() {
    let mut town = Town::new(2, Limits::default(), false);
    town.connect(ISSUER, MIDDLE);
    let message = bolt12::exchange::OffersMessage::InvoiceError(bolt12::InvoiceError::new("out of tea").unwrap());
    let answer = |destination| OutgoingMessage { message: message.clone(), destination, reply_path_id: None };
    for number in 0..100u8 {
        let path = BlindedPathBuilder::new(id(PAYER)).build([number + 1; 32]).unwrap();
        let sent = town.send(ISSUER, &answer(Destination::Path(path)));
        let waiting = usize::from(number) + 1;
        let expected = if waiting <= 64 { Ok(id(MIDDLE)) } else { Err(SendError::Full(id(MIDDLE))) };
        assert_eq!(sent, expected, "{number}");
    }
    let offer = town.node(ISSUER).offer.clone();
    let own = town.ask(&offer);
    assert_eq!(town.send(ISSUER, &own), Ok(id(MIDDLE)));
}

/// EXC-20: three times as many strangers as have a place send all they can. Whoever is new is heard all the same, at
/// once, and answered.
#[test]
fn a_newcomer_is_heard_beside_a_flood() {
    for rate in [2u64, 10] {
        let mut town = Town::new(1, Limits::default(), false);
        let offer = town.node(ISSUER).offer.clone();
        let flooders = 400;
        for stranger in 0..flooders as u16 {
            town.comes(STRANGERS + stranger, ISSUER);
        }
        town.now += Duration::from_secs(61);
        let onion = town.request(&offer, None);
        let (mut number, mut answered) = (0u64, 0);
        let mut flood = |town: &mut Town, count: u64| {
            for _ in 0..count {
                number += 1;
                let mut bytes = onion.as_bytes().to_vec();
                bytes[100..108].copy_from_slice(&number.to_be_bytes());
                let stranger = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % flooders;
                town.hand(STRANGERS + stranger as u16, ISSUER, OnionMessage::read(bytes).unwrap());
            }
        };
        // Ten milliseconds each. In every second, one comes and asks, in the middle of it all.
        let newcomers = 3..8;
        for step in 0..900u16 {
            let count = flooders * rate / 100;
            flood(&mut town, count / 2);
            let (second, at) = (step / 100, step % 100);
            let newcomer = 900 + second;
            if newcomers.contains(&second) && at == 37 {
                town.comes(newcomer, ISSUER);
                let request = town.request(&offer, Some(&path_to(newcomer, &[])));
                town.hand(newcomer, ISSUER, request);
            }
            flood(&mut town, count - count / 2);
            town.hear(ISSUER);
            newcomers.clone().for_each(|second| answered += town.given(ISSUER, 900 + second).len());
            town.now += Duration::from_millis(10);
        }
        assert_eq!(answered, newcomers.len(), "{rate}: {}", town.node(ISSUER).peers.counts());
    }
}
