//! Queries for names and their answers in onion messages (DNS-1 to DNS-5).

use super::messages::{NOW, path, payinfo};
use super::onion::{id, node, received};
use bolt12::exchange::{
    Action, Inbound, LookupState, MessageArrival, Messenger, NameLookup, OutgoingDnsMessage, Payee, Payer,
    ReceivedProof, Route, State, Terms,
};
use bolt12::onion::{
    BlindedPathBuilder, Contents, DnssecProof, DnssecQuery, NextHop, OnionMessage, OnionMessageBuilder, PeerMessage,
    Refusal,
};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    ChainHash, Error, ErrorKind, HumanReadableName, LinkFault, Msat, OfferBuilder, ResolvedName, Rule, UnixTime,
};
use proptest::prelude::*;

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

const DEADLINE: UnixTime = UnixTime(NOW.0 + 60);

const DNS_NAME: &str = "alice.user._bitcoin-payment.example.com.";

fn query() -> DnssecQuery<'static> {
    DnssecQuery::new(&HumanReadableName::parse("₿alice@example.com").unwrap()).unwrap()
}

// DNS-1, DNS-2, DNS-3, DNS-5: a payer, a resolver, and one way there and back.
#[test]
fn a_question_and_its_answer() {
    let (payer, resolver) = (node(1), node(2));
    let asked = query().to_bytes();
    let reply_path = BlindedPathBuilder::new(id(1)).path_id([7; 32]).build([3; 32]).unwrap();
    let message = OnionMessageBuilder::to_node(id(2), Contents::DnssecQuery(&asked)).reply_path(&reply_path);
    let came = received(&message.build([4; 32]).unwrap().message, &resolver);
    let Some(Contents::DnssecQuery(bytes)) = came.contents() else { panic!("{came:?}") };
    let question = DnssecQuery::read(bytes).unwrap();
    assert_eq!(question.name(), DNS_NAME);

    let answer = question.answer(b"records").unwrap().to_bytes();
    let back = came.reply_path().unwrap();
    let message = OnionMessageBuilder::over(&back, Contents::DnssecProof(&answer)).build([5; 32]).unwrap();
    let came = received(&message.message, &payer);
    // DNS-3: over the path that was made for it.
    assert_eq!(came.path_id(), Some(&[7; 32][..]));
    let Some(Contents::DnssecProof(bytes)) = came.contents() else { panic!("{came:?}") };
    let proof = DnssecProof::read(bytes).unwrap();
    assert_eq!(query().proof_in(&proof), Some(&b"records"[..]));
}

// DNS-4
#[test]
fn an_answer_to_another_question_is_none() {
    let other = DnssecQuery::new(&HumanReadableName::parse("bob@example.com").unwrap()).unwrap();
    assert_eq!(query().proof_in(&other.answer(b"x").unwrap()), None);
    let upper = DnssecQuery::new(&HumanReadableName::parse("ALICE@Example.com").unwrap()).unwrap();
    assert_eq!(query().proof_in(&upper.answer(b"x").unwrap()), Some(&b"x"[..]));
}

// DNS-1, DNS-2
#[test]
fn what_is_malformed_is_refused() {
    let kind = |error: Error| (error.kind().clone(), error.rule(), error.offset());
    let query = |bytes: &[u8]| DnssecQuery::read(bytes).map(drop).map_err(kind);
    assert_eq!(query(b""), Err((ErrorKind::Truncated, Rule::Tlv3, Some(0))));
    assert_eq!(query(b"\x03a."), Err((ErrorKind::Truncated, Rule::Tlv3, Some(1))));
    assert_eq!(query(b"\x02a.x"), Err((ErrorKind::InvalidLength, Rule::Tlv3, Some(3))));
    let relative = ErrorKind::Link(LinkFault::RelativeName);
    assert_eq!(query(b"\x00"), Err((relative.clone(), Rule::Dns1, Some(1))));
    assert_eq!(query(b"\x02ab"), Err((relative.clone(), Rule::Dns1, Some(1))));
    for (bad, c) in [(b' ', ' '), (0, '\0'), (0x7f, '\x7f'), (0xff, '\u{fffd}')] {
        assert_eq!(query(&[2, bad, b'.']), Err((ErrorKind::InvalidName(c), Rule::Dns1, Some(1))));
    }
    let proof = |bytes: &[u8]| DnssecProof::read(bytes).map(drop).map_err(kind);
    assert_eq!(proof(b"\x02a."), Err((ErrorKind::Truncated, Rule::Tlv3, Some(3))));
    assert_eq!(proof(b"\x02a.\x00\x02x"), Err((ErrorKind::Truncated, Rule::Tlv3, Some(5))));
    assert_eq!(proof(b"\x02a.\x00\x01xy"), Err((ErrorKind::InvalidLength, Rule::Tlv3, Some(6))));
    assert_eq!(proof(b"\x01a\x00\x00"), Err((relative, Rule::Dns2, Some(1))));
    let long = HumanReadableName::new("a", "b").unwrap();
    let many = vec![0; 65_536];
    let answer = DnssecQuery::new(&long).unwrap();
    assert_eq!(answer.answer(&many).unwrap_err().kind(), &ErrorKind::TooLong { len: 65_536, max: 65_535 });
    assert!(answer.answer(&many[1..]).is_ok());
    let label = HumanReadableName::new(&"a".repeat(64), "b.c").map(|name| DnssecQuery::new(&name).unwrap_err());
    assert_eq!(label.unwrap().kind(), &ErrorKind::Link(LinkFault::InvalidLabel { len: 64 }));
    let (user, domain) = ("a.".repeat(100) + "a", "b.".repeat(99) + "b");
    let long = HumanReadableName::new(&user, &domain).unwrap();
    assert!(matches!(DnssecQuery::new(&long).unwrap_err().kind(), ErrorKind::TooLong { len: 424, max: 255 }));
}

/// Everybody is connected to one node, and to nobody else.
struct Star {
    nodes: Vec<Messenger>,
    randomness: u8,
}

const HUB: u8 = 1;
const WALLET: u8 = 2;
const SHOP: u8 = 3;
const RESOLVER: u8 = 4;
const OTHER: u8 = 5;

impl Star {
    fn new() -> Self {
        Self { nodes: (HUB..=OTHER).map(|byte| Messenger::new(node(byte))).collect(), randomness: 0 }
    }

    fn node(&self, byte: u8) -> &Messenger {
        &self.nodes[usize::from(byte - 1)]
    }

    fn random(&mut self) -> [u8; 32] {
        self.randomness += 1;
        [self.randomness; 32]
    }

    /// One message over one connection, to the hub, which passes it on.
    fn carry(&self, sent: PeerMessage) -> (u8, Inbound) {
        assert_eq!(sent.to, NextHop::NodeId(id(HUB)));
        let mut message = sent.message;
        let mut at = HUB;
        loop {
            let wire = OnionMessage::read(message.into_bytes()).unwrap();
            match self.node(at).receive(&wire).unwrap() {
                Inbound::Forward(forward) => {
                    let NextHop::NodeId(next) = forward.next() else { panic!() };
                    message = forward.message().unwrap();
                    at = (HUB..=OTHER).find(|byte| id(*byte) == next).unwrap();
                }
                inbound => return (at, inbound),
            }
        }
    }

    fn send_dns(&mut self, from: u8, outgoing: &OutgoingDnsMessage) -> (u8, Inbound) {
        let randomness = self.random();
        let route = Route { through: &[id(HUB)], reply_through: &[id(HUB)], ..Route::default() };
        self.carry(self.node(from).send_dns(outgoing, &route, randomness).unwrap())
    }

    /// The answer to a query that a lookup sends, with this proof.
    fn ask(&mut self, lookup: &mut NameLookup, now: UnixTime, proof: &[u8]) -> (u8, ReceivedProof) {
        let Action::Send(asked) = lookup.poll(now) else { panic!("{:?}", lookup.state()) };
        let (resolver, inbound) = self.send_dns(WALLET, &asked);
        let Inbound::Query(question) = inbound else { panic!("{inbound:?}") };
        assert_eq!(question.name(), lookup.name().dns_name().to_string());
        let answer = question.answer(proof).unwrap();
        // DNS-3, DNS-5
        assert_eq!(answer.reply_path_id, None);
        let (at, inbound) = self.send_dns(resolver, &answer);
        assert_eq!(at, WALLET);
        let Inbound::Proof(answer) = inbound else { panic!("{inbound:?}") };
        (resolver, answer)
    }
}

/// In place of signatures from the root down: the proof is the records of the name, one to a line, behind the last
/// second at which they may be kept.
fn stand_in(name: &HumanReadableName<'_>, proof: &[u8], now: UnixTime) -> Result<ResolvedName, Error> {
    let text = std::str::from_utf8(proof).unwrap();
    let (until, records) = text.split_once('\n').expect("a proof of this test");
    let until = UnixTime(until.parse().unwrap());
    assert!(now <= until);
    ResolvedName::from_records(name, records.lines(), until)
}

fn forged(_: &HumanReadableName<'_>, _: &[u8], _: UnixTime) -> Result<ResolvedName, Error> {
    // The first error of this kind that there is.
    let name = HumanReadableName::parse("a@b.c").unwrap();
    Err(ResolvedName::from_records(&name, [b"bitcoin:\xff"], NOW).unwrap_err())
}

/// NAM-3: a name that the DNS cannot hold has no records.
#[test]
fn a_name_that_cannot_be_in_the_dns_has_no_records() {
    let user = "a".repeat(64);
    let name = HumanReadableName::new(&user, "example.com").unwrap();
    let error = ResolvedName::from_records(&name, ["bitcoin:?lno=lno1"], NOW).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Link(LinkFault::InvalidLabel { len: 64 }));
    assert_eq!(error.rule(), Rule::Nam3);
}

fn alice() -> HumanReadableName<'static> {
    HumanReadableName::parse("₿alice@example.com").unwrap().into_owned()
}

fn look_up(payer: &Payer, resolvers: &[PublicKey]) -> NameLookup {
    payer.look_up(&alice(), resolvers, [9; 32], NOW, DEADLINE).unwrap()
}

// DNS-1, DNS-2, DNS-3, DNS-5, NAM-8, NAM-9: from a name to an invoice, over one connection.
#[test]
fn a_name_leads_to_an_invoice() {
    let mut star = Star::new();
    let (payer, shop) = (Payer::new([2; 32]), Payee::new([3; 32]));
    let new = shop.new_offer([7; 16]);
    let to_shop = star.node(SHOP).path(&[id(HUB)], new.path_id(0)).build([8; 32]).unwrap();
    let offer = new.build(OfferBuilder::with_paths([to_shop]).description("tea")).unwrap();

    let mut lookup = look_up(&payer, &[id(RESOLVER)]);
    assert_eq!(lookup.state(), LookupState::Asking { attempts: 0 });
    let until = UnixTime(NOW.0 + 30);
    let zone = format!("{until}\nv=spf1 -all\nbitcoin:?amount=0.00001&lno={offer}");
    let (resolver, answer) = star.ask(&mut lookup, NOW, zone.as_bytes());
    assert_eq!(resolver, RESOLVER);
    assert_eq!(payer.lookup_of(&answer.arrival), Some(lookup.id()));
    assert_eq!(payer.payment_of(&answer.arrival), None);
    lookup.receive(&answer, NOW, stand_in).unwrap();
    assert_eq!(lookup.poll(NOW), Action::Nothing);

    let LookupState::Resolved(resolved) = lookup.state() else { panic!("{:?}", lookup.state()) };
    assert_eq!((resolved.name(), resolved.keep_until()), (&alice(), until));
    let uri = resolved.uri().unwrap();
    let found = uri.offer(ChainHash::BITCOIN).unwrap();
    let amount = uri.amount_for(found).unwrap().unwrap();
    let draft = payer.draft(found, NOW, CHAINS).unwrap().amount(amount).resolved(resolved, NOW).unwrap();
    let mut payment = draft.start([6; 32], NOW, DEADLINE).unwrap();
    // NAM-9: also after it was saved.
    assert_eq!(payment.bip_353_name(), Some(&alice()));
    assert_eq!(payer.load(&payment.to_bytes()).unwrap().bip_353_name(), Some(&alice()));

    let Ok(Action::Send(asked)) = payment.poll(NOW) else { panic!() };
    let route = Route { through: &[id(HUB)], reply_through: &[id(HUB)], ..Route::default() };
    let sent = star.node(WALLET).send(&asked, &route, [10; 32]).unwrap();
    let (at, Inbound::Message { message, hop_key }) = star.carry(sent) else { panic!() };
    assert_eq!(at, SHOP);
    let terms = Terms::new(NOW, CHAINS);
    let accepted = shop.receive(message).unwrap().accept(&terms).unwrap();
    // NAM-9
    assert_eq!(accepted.request().bip_353_name(), Some(alice()));
    assert_eq!(accepted.request().bip_353_name().unwrap().to_string(), "₿alice@example.com");
    let hash = accepted.expected_payment().payment_hash();
    let invoice = accepted.invoice(hash).add_path(path(2), &payinfo()).build().unwrap();
    let answer = accepted.answer(invoice.sign(&hop_key.keypair()).unwrap()).unwrap();
    let sent = star.node(SHOP).send(&answer, &route, [11; 32]).unwrap();
    let (at, Inbound::Message { message, .. }) = star.carry(sent) else { panic!() };
    assert_eq!((at, payer.payment_of(&message.arrival)), (WALLET, Some(payment.id())));
    payment.receive(message, NOW).unwrap();
    let State::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((quote.amount(), quote.payment_hash()), (Msat(1_000_000), hash));
}

// NAM-8, NAM-9
#[test]
fn what_a_name_stands_for_goes_out_of_date() {
    let payer = Payer::new([2; 32]);
    let key = id(SHOP);
    let offer = |text: &str| OfferBuilder::new(key).description(text).amount_msat(Msat(9)).build().unwrap();
    let (tea, milk) = (offer("tea"), offer("milk"));
    let until = UnixTime(NOW.0 + 30);
    let resolved = ResolvedName::from_records(&alice(), [format!("bitcoin:?lno={tea}")], until).unwrap();
    let draft = |offer| payer.draft(offer, NOW, CHAINS).unwrap();
    let refused = |error: Error| (error.kind().clone(), error.rule());
    let stale = (ErrorKind::Link(LinkFault::StaleName { at: until }), Rule::Nam8);
    let late = UnixTime(until.0 + 1);

    let named = draft(&tea).resolved(&resolved, until).unwrap();
    assert!(named.reveals().contains(&bolt12::Field::INVREQ_BIP_353_NAME));
    assert!(named.clone().start([6; 32], until, DEADLINE).is_ok());
    assert_eq!(named.clone().start([6; 32], late, DEADLINE).map(drop).map_err(refused), Err(stale.clone()));
    assert_eq!(draft(&tea).resolved(&resolved, late).map(drop).map_err(refused), Err(stale));
    // What somebody typed in has no such time.
    assert!(named.bip_353_name(alice()).start([6; 32], late, DEADLINE).is_ok());
    let other = (ErrorKind::Link(LinkFault::OtherOffer), Rule::Nam9);
    assert_eq!(draft(&milk).resolved(&resolved, NOW).map(drop).map_err(refused), Err(other));
}

// NAM-8
#[cfg(feature = "recurrence")]
#[test]
fn a_subscription_begins_with_what_is_not_out_of_date() {
    use bolt12::{Recurrence, TimeUnit};

    let payer = Payer::new([2; 32]);
    let every = Recurrence::every(1.try_into().unwrap(), TimeUnit::Months).unwrap();
    let offer = OfferBuilder::new(id(SHOP)).description("news").amount_msat(Msat(9)).recurrence(every).build().unwrap();
    let until = UnixTime(NOW.0 + 30);
    let resolved = ResolvedName::from_records(&alice(), [format!("bitcoin:?lno={offer}")], until).unwrap();
    let draft = payer.subscribe(&offer, NOW, CHAINS).unwrap().resolved(&resolved, NOW).unwrap();
    let begun = |now: UnixTime| draft.clone().start([6; 32], now, UnixTime(now.0 + 60)).map(drop);
    assert_eq!(begun(until), Ok(()));
    assert_eq!(begun(UnixTime(until.0 + 1)).unwrap_err().rule(), Rule::Nam8);
}

// DNS-3, DNS-4: what does not count closes that resolver's way, and no other.
#[test]
fn resolvers_are_asked_until_a_proof_is_good() {
    let mut star = Star::new();
    let payer = Payer::new([2; 32]);
    let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
    let good = format!("{DEADLINE}\nbitcoin:?x");
    let unproved = |error: Error| (error.kind().clone(), error.rule());
    let other_name = (ErrorKind::Link(LinkFault::UnprovedName), Rule::Dns4);

    let (from, answer) = star.ask(&mut lookup, NOW, good.as_bytes());
    assert_eq!(from, OTHER);
    // The proof of another name, whatever it is said to be for.
    let bob = DnssecQuery::new(&HumanReadableName::parse("bob@example.com").unwrap()).unwrap();
    let wrong = ReceivedProof { proof: bob.answer(good.as_bytes()).unwrap().into_owned(), ..answer.clone() };
    // Over another path it changes nothing.
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, MessageArrival::path(Some(&[1; 32]))] {
        let answer = ReceivedProof { arrival, ..answer.clone() };
        assert_eq!(payer.lookup_of(&arrival), None);
        let refused = lookup.receive(&answer, NOW, stand_in).map_err(unproved);
        assert_eq!(refused, Err((ErrorKind::WrongArrival, Rule::Dns3)));
    }
    let another = payer.look_up(&alice(), &[id(OTHER)], [1; 32], NOW, DEADLINE).unwrap();
    assert_ne!(another.id(), lookup.id());
    assert_eq!(another.clone().receive(&answer, NOW, stand_in).unwrap_err().kind(), &ErrorKind::WrongArrival);
    assert_eq!(lookup.receive(&wrong, NOW, stand_in).map_err(unproved), Err(other_name.clone()));
    let again = lookup.receive(&answer, NOW, stand_in).unwrap_err();
    assert_eq!((again.kind(), again.rule()), (&ErrorKind::AlreadyAnswered, Rule::Dns3));

    // The next one at once; what it verifies as another name does not count either.
    let (from, answer) = star.ask(&mut lookup, NOW, good.as_bytes());
    assert_eq!(from, RESOLVER);
    let as_bob = |_: &HumanReadableName<'_>, proof: &[u8], now: UnixTime| {
        stand_in(&HumanReadableName::parse("bob@example.com").unwrap(), proof, now)
    };
    assert_eq!(lookup.clone().receive(&answer, NOW, as_bob).map_err(unproved), Err(other_name.clone()));
    let mut good = lookup.clone();
    good.receive(&answer, NOW, stand_in).unwrap();
    assert!(matches!(good.state(), LookupState::Resolved(_)));
    assert_eq!(good.receive(&answer, NOW, stand_in).unwrap_err().kind(), &ErrorKind::AlreadyAnswered);

    // After the last of them it is over, and says why.
    assert_eq!(lookup.receive(&wrong_of(&answer, &bob), NOW, stand_in).map_err(unproved), Err(other_name));
    let LookupState::Ended(Some(why)) = lookup.state() else { panic!("{:?}", lookup.state()) };
    assert_eq!(why.rule(), Rule::Dns4);
    assert_eq!(lookup.poll(NOW), Action::Nothing);
}

fn wrong_of(answer: &ReceivedProof, other: &DnssecQuery<'_>) -> ReceivedProof {
    ReceivedProof { proof: other.answer(b"").unwrap().into_owned(), ..answer.clone() }
}

// DNS-4: where the others are silent, what was wrong with the last answer is why there is none.
#[test]
fn what_was_wrong_is_said_at_the_deadline() {
    let mut star = Star::new();
    let mut lookup = look_up(&Payer::new([2; 32]), &[id(OTHER), id(RESOLVER)]);
    let (_, answer) = star.ask(&mut lookup, NOW, b"");
    let bob = DnssecQuery::new(&HumanReadableName::parse("bob@example.com").unwrap()).unwrap();
    let error = lookup.receive(&wrong_of(&answer, &bob), NOW, stand_in).unwrap_err();
    assert!(matches!(lookup.poll(NOW), Action::Send(_)));
    assert!(matches!(lookup.poll(DEADLINE), Action::Send(_)));
    assert_eq!(lookup.poll(UnixTime(DEADLINE.0 + 1)), Action::Nothing);
    assert_eq!(lookup.state(), LookupState::Ended(Some(&error)));
}

// NAM-4: a good proof of a name that stands for nothing ends it.
#[test]
fn a_name_that_stands_for_nothing_is_not_asked_for_again() {
    let mut star = Star::new();
    let payer = Payer::new([2; 32]);
    for (records, fault) in [
        ("v=spf1", ErrorKind::Link(LinkFault::NoPaymentRecord)),
        ("bitcoin:?x\nbitcoin:?y", ErrorKind::Link(LinkFault::SeveralPaymentRecords)),
    ] {
        let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
        let (_, answer) = star.ask(&mut lookup, NOW, format!("{DEADLINE}\n{records}").as_bytes());
        assert_eq!(lookup.receive(&answer, NOW, stand_in).unwrap_err().kind(), &fault);
        let LookupState::Ended(Some(why)) = lookup.state() else { panic!("{:?}", lookup.state()) };
        assert_eq!(why.kind(), &fault);
    }
    let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
    let (_, answer) = star.ask(&mut lookup, NOW, b"");
    assert_eq!(lookup.receive(&answer, NOW, forged).unwrap_err().kind(), &ErrorKind::InvalidUtf8);
    assert!(matches!(lookup.state(), LookupState::Ended(Some(_))));
}

// DNS-3, EXC-5: silence, and ways that lead nowhere.
#[test]
fn silence_is_asked_again_until_the_deadline() {
    let payer = Payer::new([2; 32]);
    let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
    let (mut now, mut asked) = (NOW, Vec::new());
    loop {
        match lookup.poll(now) {
            Action::Send(outgoing) => asked.push((now, outgoing.destination, outgoing.reply_path_id.unwrap())),
            Action::WaitUntil(at) => {
                assert!(at > now, "{at} {now}");
                now = at;
            }
            Action::Sign | Action::Nothing => break,
        }
    }
    assert_eq!(now, UnixTime(DEADLINE.0 + 1));
    assert_eq!(lookup.state(), LookupState::Ended(None));
    assert!(asked.len() > 4, "{asked:?}");
    assert_ne!(asked[0].1, asked[1].1);
    assert_eq!((&asked[0].1, asked[0].2), (&asked[2].1, asked[2].2));

    // The deadline is the last second.
    let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
    assert!(matches!(lookup.poll(DEADLINE), Action::Send(_)));
    assert_eq!(lookup.state(), LookupState::Asking { attempts: 1 });
    assert_eq!(lookup.poll(UnixTime(DEADLINE.0 + 1)), Action::Nothing);
    assert_eq!(lookup.state(), LookupState::Ended(None));

    let mut lookup = look_up(&payer, &[id(OTHER), id(RESOLVER)]);
    let Action::Send(first) = lookup.poll(NOW) else { panic!() };
    assert!(matches!(lookup.poll(NOW), Action::WaitUntil(_)));
    lookup.unreachable(&first.reply_path_id.unwrap(), NOW);
    let Action::Send(second) = lookup.poll(NOW) else { panic!() };
    assert_ne!(first.destination, second.destination);
    let none = payer.look_up(&alice(), &[], [9; 32], NOW, DEADLINE).unwrap_err();
    assert_eq!(none.kind(), &ErrorKind::Link(LinkFault::NoResolver));
}

// DNS-3, MSG-6: what cannot be answered or read is dropped.
#[test]
fn a_query_without_a_way_back_is_dropped() {
    let resolver = Messenger::new(node(RESOLVER));
    let asked = query().to_bytes();
    let refused = |message: OnionMessageBuilder<'_>| {
        resolver.receive(&message.build([4; 32]).unwrap().message).map(|_| ()).unwrap_err()
    };
    let to = |contents| OnionMessageBuilder::to_node(id(RESOLVER), contents);
    assert_eq!(refused(to(Contents::DnssecQuery(&asked))), Refusal::Unusable);
    let back = BlindedPathBuilder::new(id(WALLET)).path_id([7; 32]).build([3; 32]).unwrap();
    assert_eq!(refused(to(Contents::DnssecQuery(b"\x01a")).reply_path(&back)), Refusal::Unusable);
    assert_eq!(refused(to(Contents::DnssecProof(b"\x01.\x00\x01"))), Refusal::Unusable);
}

// NAM-6, NAM-9, DNS-4: a real proof, over onion messages, until the request is on its way.
#[cfg(feature = "dnssec")]
#[test]
fn a_real_name_is_looked_up() {
    use bolt12::exchange::OffersMessage;

    let line = include_str!("../data/dnssec.tsv").lines().find(|line| line.starts_with("matt@")).unwrap();
    let parts: Vec<&str> = line.split('\t').collect();
    let (now, ttl): (u64, u64) = (parts[1].parse().unwrap(), parts[3].parse().unwrap());
    let (now, proof) = (UnixTime(now), hex::decode(parts[4]).unwrap());
    let mut star = Star::new();
    let payer = Payer::new([2; 32]);
    let name = HumanReadableName::parse(parts[0]).unwrap();
    let resolvers = [id(OTHER), id(RESOLVER)];
    let mut lookup = payer.look_up(&name, &resolvers, [9; 32], now, UnixTime(now.0 + 60)).unwrap();
    // The first one forges.
    let mut bad = proof.clone();
    *bad.last_mut().unwrap() ^= 1;
    let (_, answer) = star.ask(&mut lookup, now, &bad);
    let refused = lookup.receive(&answer, now, ResolvedName::verify).unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::Link(LinkFault::InvalidProof));
    let (_, answer) = star.ask(&mut lookup, now, &proof);
    lookup.receive(&answer, now, ResolvedName::verify).unwrap();
    let LookupState::Resolved(resolved) = lookup.state() else { panic!("{:?}", lookup.state()) };
    assert_eq!(resolved.keep_until(), UnixTime(now.0 + ttl));

    let uri = resolved.uri().unwrap();
    let offer = uri.offer(ChainHash::BITCOIN).unwrap();
    let draft = payer.draft(offer, now, CHAINS).unwrap().amount(Msat(5_000)).resolved(resolved, now).unwrap();
    let mut payment = draft.start([6; 32], now, UnixTime(now.0 + 600)).unwrap();
    let Ok(Action::Send(asked)) = payment.poll(now) else { panic!() };
    let OffersMessage::InvoiceRequest(request) = &asked.message else { panic!() };
    assert_eq!(request.bip_353_name().unwrap().to_string(), "₿matt@mattcorallo.com");
}

proptest! {
    #[test]
    fn what_is_written_is_read(user in "[a-zA-Z0-9_-]{1,60}(\\.[a-z]{1,9})?", domain in "[a-z0-9-]{1,60}\\.?", proof: Vec<u8>) {
        let name = HumanReadableName::new(&user, &domain).unwrap();
        let query = DnssecQuery::new(&name).unwrap();
        let bytes = query.to_bytes();
        prop_assert_eq!(&DnssecQuery::read(&bytes).unwrap(), &query);
        let answer = query.answer(&proof).unwrap().to_bytes();
        let read = DnssecProof::read(&answer).unwrap();
        prop_assert_eq!((read.name(), read.proof()), (query.name(), &*proof));
        prop_assert_eq!(query.proof_in(&read), Some(&*proof));
    }

    #[test]
    fn anything_is_read_as_it_is_or_refused(bytes: Vec<u8>) {
        if let Ok(query) = DnssecQuery::read(&bytes) {
            prop_assert_eq!(query.to_bytes(), &*bytes);
        }
        if let Ok(proof) = DnssecProof::read(&bytes) {
            prop_assert_eq!(proof.to_bytes(), &*bytes);
        }
    }
}

// DNS-1, DNS-2: each of the two messages has its own number, and a log shows which of them came, and not what is in it.
#[test]
fn a_log_shows_what_came_and_not_what_is_in_it() {
    let mut star = Star::new();
    let Action::Send(asked) = look_up(&Payer::new([2; 32]), &[id(RESOLVER)]).poll(NOW) else { panic!("it asks") };
    assert_eq!(asked.message.tlv_type(), 65_536);
    let (_, inbound) = star.send_dns(WALLET, &asked);
    assert_eq!(format!("{inbound:?}"), format!("Query({DNS_NAME:?})"));
    let Inbound::Query(question) = inbound else { panic!("{inbound:?}") };
    let answer = question.answer(b"records").unwrap();
    assert_eq!(answer.message.tlv_type(), 65_538);
    let (_, inbound) = star.send_dns(RESOLVER, &answer);
    let Inbound::Proof(proof) = &inbound else { panic!("{inbound:?}") };
    assert_eq!(format!("{inbound:?}"), format!("Proof({:?})", proof.arrival));
    let route = Route { through: &[id(HUB)], reply_through: &[id(HUB)], ..Route::default() };
    let sent = star.node(WALLET).send_dns(&asked, &route, [8; 32]).unwrap();
    let inbound = star.node(HUB).receive(&OnionMessage::read(sent.message.into_bytes()).unwrap()).unwrap();
    let Inbound::Forward(forward) = &inbound else { panic!("{inbound:?}") };
    assert_eq!(format!("{inbound:?}"), format!("Forward({forward:?})"));
}
