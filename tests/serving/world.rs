//! The world: time, the network, and what must hold after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncState, Destination, IncomingMessage, MessageArrival, OffersMessage,
    OffersMessageKind, OutgoingMessage, PathId, Payer, PaymentId, RecipientProgress, RecipientState, Release,
    ServerStep, ServingKind, State, Storing, Terms,
};
use bolt12::secp256k1::PublicKey;
use bolt12::{IntroductionNode, Offer, Preimage, StaticInvoice, UnixTime};

use super::messages::NOW;
use super::network::Random;
use super::parties::{Buyer, LIFETIME, Phone, SLOTS, Server, client};
use super::serving::{DAY, astray, deliver, fill};
use super::sides::{self, CHAINS, path_with, point};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) servers: u8,
    pub(crate) phones: u8,
    pub(crate) days: u64,
    /// Out of 1000 messages, how many suffer from each fault.
    pub(crate) faults: u16,
    /// Out of 1000 saves, how many fail.
    pub(crate) broken: u16,
    /// Out of 1000 steps, before how many somebody crashes.
    pub(crate) crashes: u16,
    /// Out of 1000 steps, before how many a stranger sends something.
    pub(crate) strangers: u16,
    /// How many ask on each day.
    pub(crate) asks: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) steps: u64,
    pub(crate) asked: u64,
    pub(crate) paid_held: u64,
    pub(crate) paid_itself: u64,
    pub(crate) given_up: u64,
    pub(crate) confirmed: u64,
    pub(crate) renewed: u64,
    pub(crate) followed: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) replayed: u64,
    pub(crate) astray: u64,
    pub(crate) refused: u64,
    pub(crate) failed_saves: u64,
    pub(crate) crashes: u64,
    pub(crate) strangers: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let sums = [
            (&mut self.steps, other.steps),
            (&mut self.asked, other.asked),
            (&mut self.paid_held, other.paid_held),
            (&mut self.paid_itself, other.paid_itself),
            (&mut self.given_up, other.given_up),
            (&mut self.confirmed, other.confirmed),
            (&mut self.renewed, other.renewed),
            (&mut self.followed, other.followed),
            (&mut self.lost, other.lost),
            (&mut self.repeated, other.repeated),
            (&mut self.replayed, other.replayed),
            (&mut self.astray, other.astray),
            (&mut self.refused, other.refused),
            (&mut self.failed_saves, other.failed_saves),
            (&mut self.crashes, other.crashes),
            (&mut self.strangers, other.strangers),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
    }
}

/// What happens next.
enum Event {
    Arrives(u8, Box<IncomingMessage>),
    /// A server's write is done, or has failed.
    Written {
        server: usize,
        storing: Box<Storing>,
        invoice: Vec<u8>,
        works: bool,
    },
    PhoneLooks(usize),
    PhoneWakes(usize),
    PhoneSleeps(usize),
    BuyerLooks(usize),
    SomebodyAsks,
}

pub(crate) struct World {
    setup: Setup,
    now: UnixTime,
    end: UnixTime,
    random: Random,
    events: BTreeMap<(UnixTime, u64), Event>,
    number: u64,
    servers: Vec<Server>,
    phones: Vec<Phone>,
    /// Whose buyers all are.
    payer: Payer,
    buyers: Vec<Buyer>,
    /// Which buyer has which payment.
    payments: BTreeMap<PaymentId, usize>,
    nodes: BTreeMap<PublicKey, u8>,
    /// What was on its way once, and may come again.
    past: Vec<(u8, IncomingMessage)>,
    /// What phones reveal if they are paid themselves.
    preimages: BTreeMap<sha256::Hash, Preimage>,
    /// The offer of each, by what it was shown as, and who showed it.
    offers: Vec<(usize, Offer)>,
    counts: Counts,
}

const SERVERS: u8 = 0x61;
const PHONES: u8 = 0x71;
const BUYERS: u8 = 0x81;

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let servers: Vec<_> = (0..setup.servers).map(|number| Server::new(SERVERS + number)).collect();
        let phones: Vec<_> = (0..setup.phones)
            .map(|number| {
                let server = usize::from(number % setup.servers);
                Phone::new(PHONES + number, server, &servers[server])
            })
            .collect();
        let nodes = (SERVERS..=BUYERS).map(|node| (point(node), node)).collect();
        let (buyers, past, offers) = Default::default();
        let mut world = Self {
            setup,
            now: NOW,
            end: UnixTime(NOW.0 + setup.days * DAY),
            random: Random::new(setup.seed),
            events: BTreeMap::new(),
            number: 0,
            servers,
            phones,
            payer: Payer::new([BUYERS; 32]),
            buyers,
            payments: BTreeMap::new(),
            nodes,
            past,
            preimages: BTreeMap::new(),
            offers,
            counts: Counts::default(),
        };
        for phone in 0..world.phones.len() {
            world.after(0, Event::PhoneLooks(phone));
            world.after(3_600, Event::PhoneSleeps(phone));
        }
        for ask in 0..setup.days * setup.asks {
            world.after(3_600 + ask * DAY / setup.asks, Event::SomebodyAsks);
        }
        world
    }

    fn after(&mut self, seconds: u64, event: Event) {
        self.number += 1;
        // Whoever looks again need not look another time.
        match &event {
            Event::PhoneLooks(phone) => self.phones[*phone].looks = self.number,
            Event::BuyerLooks(buyer) => self.buyers[*buyer].looks = self.number,
            _ => {}
        }
        self.events.insert((UnixTime(self.now.0 + seconds), self.number), event);
    }

    pub(crate) fn run(mut self) -> Counts {
        while let Some(((at, number), event)) = self.events.pop_first() {
            self.now = self.now.max(at);
            self.counts.steps += 1;
            assert!(self.counts.steps < 1_000_000, "it never ends");
            if self.now < self.end {
                self.mischief();
            }
            match event {
                Event::Arrives(node, message) => self.arrives(node, *message),
                Event::Written { server, storing, invoice, works } => self.written(server, *storing, invoice, works),
                Event::PhoneLooks(phone) => {
                    if self.phones[phone].is_awake && self.phones[phone].looks == number {
                        self.phone_looks(phone);
                    }
                }
                Event::PhoneWakes(phone) => {
                    self.phones[phone].is_awake = true;
                    self.after(0, Event::PhoneLooks(phone));
                    // As long as the longest delay between two notices that a payment is held.
                    let awake = 5_400 + self.random.below(3_600);
                    // In the end everybody stays awake until everything is over.
                    if self.now < self.end {
                        self.after(awake, Event::PhoneSleeps(phone));
                    }
                }
                Event::PhoneSleeps(phone) => {
                    self.phones[phone].is_awake = false;
                    let asleep = 3_600 + self.random.below(14 * 3_600);
                    self.after(asleep, Event::PhoneWakes(phone));
                }
                Event::BuyerLooks(buyer) => {
                    if self.buyers[buyer].looks == number {
                        self.buyer_looks(buyer);
                    }
                }
                Event::SomebodyAsks => self.somebody_asks(),
            }
            self.check();
            // Buyers have three days at most, phones renew for ever.
            if self.now > UnixTime(self.end.0 + 5 * DAY) {
                break;
            }
        }
        assert!(self.buyers.iter().all(|buyer| buyer.is_over), "every payment ends");
        for phone in &self.phones {
            let states: Vec<_> = phone.recipient.states(self.now).collect();
            let is_served = |state: &RecipientState<'_>| {
                state.offer().and_then(|offer| offer.until()).is_some_and(|until| until >= self.now)
            };
            assert!(states.iter().any(|(_, state)| is_served(state)), "in the end it is served: {states:?}");
        }
        self.counts
    }

    /// What must hold at any time.
    fn check(&self) {
        for server in &self.servers {
            // STA-8: bounded, whoever sends what.
            assert!(server.storage.len() <= self.phones.len() * usize::from(SLOTS));
            assert!(server.storage.values().all(|record| record.len() < 10_000));
        }
        for phone in &self.phones {
            assert!(phone.recipient.states(self.now).count() <= usize::from(SLOTS));
        }
    }

    /// Somebody crashes, or a stranger does something.
    fn mischief(&mut self) {
        if self.random.chance(self.setup.crashes) {
            self.counts.crashes += 1;
            let phones = self.phones.len();
            match self.random.index(phones + self.servers.len()) {
                phone if phone < phones => self.restart(phone),
                server => self.servers[server - phones].restart(),
            }
        }
        if self.random.chance(self.setup.strangers) {
            self.stranger();
        }
    }

    /// A phone begins again from its disk: what it has shown is there.
    fn restart(&mut self, phone: usize) {
        self.phones[phone].reload();
        let phone = &self.phones[phone];
        let ids: BTreeSet<_> =
            phone.recipient.states(self.now).filter_map(|(_, state)| Some(state.offer()?.offer().id())).collect();
        for (id, expiry) in &phone.shown {
            assert!(ids.contains(id) || self.now.0 > *expiry, "EXC-15: an offer was shown that is not saved");
        }
    }

    /// Anything, over any path that was ever used, at anybody.
    fn stranger(&mut self) {
        self.counts.strangers += 1;
        let kinds = [
            OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
            OffersMessageKind::Serving(ServingKind::OfferPaths),
            OffersMessageKind::Serving(ServingKind::ServeStaticInvoice),
            OffersMessageKind::Serving(ServingKind::StaticInvoicePersisted),
            OffersMessageKind::InvoiceRequest,
            OffersMessageKind::HeldHtlcAvailable,
            OffersMessageKind::ReleaseHeldHtlc,
        ];
        let kind = kinds[self.random.index(kinds.len())];
        let seen = |random: &mut Random, past: &[(u8, IncomingMessage)]| {
            (!past.is_empty()).then(|| past[random.index(past.len())].clone())
        };
        let (bytes, node) = match seen(&mut self.random, &self.past) {
            Some((node, message)) if self.random.chance(800) => (message.bytes, node),
            _ => (self.random.bytes::<40>().to_vec(), SERVERS),
        };
        // Strangers do not know path ids: those of somebody else's paths they cannot use for what they please.
        let arrival = match self.random.below(3) {
            0 => MessageArrival::Path(PathId(self.random.bytes())),
            1 => MessageArrival::Direct,
            _ => MessageArrival::OtherPath,
        };
        let reply_path = Some(path_with(BUYERS, PathId(self.random.bytes())));
        self.arrives(node, IncomingMessage { kind, bytes, arrival, reply_path });
    }

    /// Sends a message, as the network does it.
    fn send(&mut self, from: u8, outgoing: &OutgoingMessage) {
        let Destination::Path(path) = &outgoing.destination else { panic!("everybody has paths") };
        let IntroductionNode::NodeId(start) = path.introduction_node() else { panic!() };
        let Some(node) = self.nodes.get(&start.public_key().unwrap()).copied() else { return };
        let mut message = deliver(outgoing, from);
        let faults = if self.now < self.end { self.setup.faults } else { 0 };
        if self.random.chance(faults) {
            self.counts.lost += 1;
            return;
        }
        if self.random.chance(faults) {
            self.counts.astray += 1;
            // Somebody else sends it over another path, and wants the answer. What says all by being there says it over its
            // path, so over another one it would be the word of whoever was given that.
            let says_all = matches!(message.bytes[..], [0]);
            message = match self.past.len() {
                len if len > 0 && !says_all => IncomingMessage {
                    arrival: self.past[self.random.index(len)].1.arrival,
                    reply_path: Some(path_with(BUYERS, PathId(self.random.bytes()))),
                    ..message
                },
                _ => astray(message, self.random.index(256)),
            };
        }
        if self.random.chance(faults) && !self.past.is_empty() {
            self.counts.replayed += 1;
            let (to, old) = self.past[self.random.index(self.past.len())].clone();
            let later = self.random.below(7_200);
            self.after(later, Event::Arrives(to, Box::new(old)));
        }
        let times = if self.random.chance(faults) { 2 } else { 1 };
        self.counts.repeated += times - 1;
        for _ in 0..times {
            let delay = if self.random.chance(faults) { self.random.below(600) } else { self.random.below(3) };
            self.after(delay, Event::Arrives(node, Box::new(message.clone())));
        }
        self.past.push((node, message));
        if self.past.len() > 300 {
            let gone = self.random.index(300);
            self.past.swap_remove(gone);
        }
    }

    fn arrives(&mut self, node: u8, message: IncomingMessage) {
        match node {
            BUYERS.. => self.at_buyer(message),
            PHONES.. => self.at_phone(usize::from(node - PHONES), message),
            _ => self.at_server(usize::from(node - SERVERS), message),
        }
    }

    fn at_server(&mut self, number: usize, message: IncomingMessage) {
        let (kind, arrival) = (message.kind, message.arrival);
        let server = &self.servers[number];
        let node = server.node;
        match server.server.receive(message, self.now) {
            Ok(ServerStep::PathsAsked(asked)) => {
                assert!(asked.slot().number < SLOTS);
                let paths = [path_with(node, asked.path_id()), path_with(node, asked.path_id())];
                let answer = asked.answer(paths).unwrap();
                self.send(node, &answer);
            }
            Ok(ServerStep::Serve(to_serve)) => {
                let slot = to_serve.slot();
                // One after the other, as in a transaction.
                if server.writing.contains(&slot) {
                    return;
                }
                let invoice = to_serve.invoice().as_bytes().to_vec();
                match to_serve.compare(server.storage.get(&slot).map(|record| &record[..])) {
                    Ok(storing) => {
                        self.servers[number].writing.insert(slot);
                        let works = !self.random.chance(self.setup.broken);
                        let seconds = self.random.below(3);
                        let storing = Box::new(storing);
                        self.after(seconds, Event::Written { server: number, storing, invoice, works });
                    }
                    Err(_) => self.counts.refused += 1,
                }
            }
            Ok(ServerStep::Request(request)) => {
                let slot = request.slot();
                let is_over_its_path = matches!(arrival, MessageArrival::Path(_));
                assert!(kind == OffersMessageKind::InvoiceRequest && is_over_its_path);
                match request.answer(server.storage.get(&slot).map(|record| &record[..]), self.now) {
                    Ok(served) => {
                        if let Some(answer) = &served.answer {
                            let OffersMessage::StaticInvoice(invoice) = &answer.message else { panic!() };
                            // STA-8: one that was stored in this slot; STA-3: that can be paid.
                            assert!(server.ever.contains(&(slot, invoice.as_bytes().to_vec())));
                            assert!(self.now <= invoice.expires_at());
                            let OffersMessage::Forwarded(forwarded) = &served.forward.message else { panic!() };
                            assert_eq!(invoice.offer().id(), forwarded.request().offer().id());
                        }
                        self.send(node, &served.forward);
                        if let Some(answer) = &served.answer {
                            self.send(node, answer);
                        }
                    }
                    Err(refused) => {
                        self.counts.refused += 1;
                        if let Some(answer) = refused.into_answer() {
                            self.send(node, &answer);
                        }
                    }
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(refused) => {
                self.counts.refused += 1;
                assert!(refused.answer().is_none());
            }
        }
    }

    fn written(&mut self, number: usize, storing: Storing, invoice: Vec<u8>, works: bool) {
        let slot = storing.slot();
        let server = &mut self.servers[number];
        // It crashed meanwhile: nobody knows whether it was written, and nothing is said.
        let was_waiting = server.writing.remove(&slot);
        if !works {
            self.counts.failed_saves += 1;
            return;
        }
        if let Some(record) = storing.record() {
            // STA-8: what comes late or again takes no slot back.
            let created_at = StaticInvoice::try_from(&invoice[..]).unwrap().created_at();
            let before = server.newest.insert(slot, created_at);
            assert!(before.is_none_or(|before| before <= created_at));
            server.storage.insert(slot, record.to_vec());
            server.ever.insert((slot, invoice.clone()));
        }
        if was_waiting {
            // STA-8: only what is stored is confirmed.
            assert!(server.ever.contains(&(slot, invoice)));
            let node = server.node;
            self.send(node, &storing.stored());
        }
    }

    /// Saves a phone's state; if that fails, it is what it was.
    fn save(&mut self, phone: usize) -> bool {
        let works = !self.random.chance(if self.now < self.end { self.setup.broken } else { 0 });
        let phone = &mut self.phones[phone];
        if works {
            phone.disk = phone.recipient.to_bytes();
        } else {
            self.counts.failed_saves += 1;
            phone.reload();
        }
        works
    }

    /// Does what there is to do, and comes back when there is more.
    fn phone_looks(&mut self, number: usize) {
        loop {
            let now = self.now;
            // The first time, after a save that failed, and when everything has expired.
            if self.phones[number].recipient.states(now).next().is_none() {
                let opened = self.phones[number].recipient.open(now);
                assert_eq!(opened, Ok(0));
            }
            let action = self.phones[number].recipient.poll(now);
            let sends = &mut self.phones[number].sends;
            *sends = if sends.0 == now.0 { (now.0, sends.1 + 1) } else { (now.0, 0) };
            assert!(sends.1 < 64, "it spins");
            if !self.save(number) {
                return self.after(5, Event::PhoneLooks(number));
            }
            match action {
                Action::Send(message) => {
                    let node = self.phones[number].node;
                    self.send(node, &message);
                }
                Action::WaitUntil(at) => {
                    if self.do_what_is_needed(number) {
                        continue;
                    }
                    assert!(at > now);
                    return self.after(at.0 - now.0, Event::PhoneLooks(number));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Makes offers and static invoices; returns whether there is something to send.
    fn do_what_is_needed(&mut self, number: usize) -> bool {
        let (now, mut has_news) = (self.now, false);
        for slot in 0..SLOTS {
            let phone = &mut self.phones[number];
            match phone.recipient.state(slot, now) {
                Some(RecipientState::NeedsOffer { follows, .. }) => {
                    self.counts.followed += u64::from(follows.is_some())
                }
                Some(RecipientState::NeedsInvoice(offer)) => self.counts.renewed += u64::from(offer.until().is_some()),
                _ => continue,
            }
            has_news = true;
            fill(&mut phone.recipient, slot, phone.node, now).unwrap();
        }
        has_news && self.save(number)
    }

    fn at_phone(&mut self, number: usize, message: IncomingMessage) {
        let phone = &mut self.phones[number];
        if !phone.is_awake {
            return;
        }
        let node = phone.node;
        if message.kind == OffersMessageKind::InvoiceRequest {
            let accepted = phone.payee.receive(message).and_then(|it| it.accept(&Terms::new(self.now, CHAINS)));
            match accepted {
                Ok(accepted) => {
                    let (preimage, invoice) = sides::invoice(&accepted);
                    self.preimages.insert(preimage.payment_hash(), preimage);
                    let answer = accepted.answer(invoice).unwrap();
                    self.send(node, &answer);
                }
                Err(_) => self.counts.refused += 1,
            }
            return;
        }
        let before = phone.recipient.to_bytes();
        match phone.recipient.receive(message, self.now) {
            Ok(RecipientProgress::Held(release)) => {
                assert_eq!(before, self.phones[number].recipient.to_bytes());
                self.send(node, &release);
            }
            Ok(RecipientProgress::Stored(slot)) => {
                self.counts.confirmed += 1;
                let served = phone.recipient.state(slot, self.now).unwrap().offer().unwrap();
                let (offer, until) = (served.offer().clone(), served.until().unwrap());
                // STA-8, EXC-15: whatever is confirmed, was stored.
                let server = &self.servers[phone.server];
                let is_stored = |bytes: &[u8]| {
                    let invoice = StaticInvoice::try_from(bytes).unwrap();
                    invoice.offer().id() == Some(offer.id()) && invoice.expires_at() == until
                };
                let mut ever = server.ever.iter().filter(|(it, _)| it.client == client(node) && it.number == slot);
                assert!(ever.any(|(_, bytes)| is_stored(bytes)));
                if self.save(number) && !self.phones[number].shown.contains_key(&offer.id()) {
                    let expiry = offer.absolute_expiry().unwrap();
                    assert!(expiry.0 <= self.now.0 + LIFETIME);
                    self.phones[number].shown.insert(offer.id(), expiry.0);
                    self.offers.push((number, offer));
                }
                self.after(0, Event::PhoneLooks(number));
            }
            Ok(_) => {
                self.save(number);
                self.after(0, Event::PhoneLooks(number));
            }
            Err(refused) => {
                self.counts.refused += 1;
                assert!(refused.answer().is_none());
                assert_eq!(before, self.phones[number].recipient.to_bytes(), "what is refused changes nothing");
            }
        }
    }

    fn somebody_asks(&mut self) {
        // People pay what was shown lately.
        self.offers.retain(|(_, offer)| offer.absolute_expiry().is_none_or(|at| self.now.0 + 3_600 < at.0));
        if self.offers.is_empty() {
            return;
        }
        let (phone, offer) = self.offers[self.random.index(self.offers.len())].clone();
        let draft = self.payer.draft(&offer, self.now, CHAINS).unwrap();
        let payment = draft.start(self.random.bytes(), self.now, UnixTime(self.now.0 + 3_600)).unwrap();
        let payment = AsyncPayment::new(payment).unwrap();
        self.counts.asked += 1;
        self.payments.insert(payment.id(), self.buyers.len());
        self.buyers.push(Buyer { payment, phone, is_over: false, released: false, looks: 0 });
        self.after(0, Event::BuyerLooks(self.buyers.len() - 1));
    }

    fn buyer_looks(&mut self, number: usize) {
        if self.buyers[number].is_over {
            return;
        }
        for _ in 0..32 {
            let now = self.now;
            let buyer = &mut self.buyers[number];
            let action = buyer.payment.poll(now).unwrap();
            match buyer.payment.state() {
                AsyncState::AsUsual(State::Quoted(quote)) => {
                    let hash = quote.payment_hash();
                    let preimage = self.preimages[&hash];
                    buyer.payment.begin(hash, now, None).unwrap();
                    buyer.payment.paid(preimage).unwrap();
                    self.counts.paid_itself += 1;
                    buyer.is_over = true;
                    return;
                }
                AsyncState::AsUsual(State::Ended(_)) => {
                    self.counts.given_up += 1;
                    buyer.is_over = true;
                    return;
                }
                AsyncState::Quoted(quote) => {
                    // STA-4, STA-8: of whom was asked.
                    let offers = self.phones[buyer.phone].shown.keys();
                    assert!(offers.into_iter().any(|id| Some(*id) == quote.invoice().offer().id()));
                    assert!(quote.expires_at() >= now);
                    // Some think about it; meanwhile the payee may answer itself.
                    if self.random.chance(500) {
                        let randomness = self.random.bytes();
                        buyer.payment.begin_held(randomness, now, UnixTime(now.0 + 3 * DAY), None).unwrap();
                        continue;
                    }
                    return self.after(30, Event::BuyerLooks(number));
                }
                AsyncState::Paying(paying) => match paying.release() {
                    Release::Release => {
                        assert!(buyer.released);
                        let preimage = paying.preimage();
                        buyer.payment.paid(preimage).unwrap();
                        self.counts.paid_held += 1;
                        buyer.is_over = true;
                        return;
                    }
                    Release::GiveUp => {
                        self.counts.given_up += 1;
                        buyer.is_over = true;
                        return;
                    }
                    Release::Hold => {}
                },
                _ => {}
            }
            match action {
                Action::Send(message) => self.send(BUYERS, &message),
                Action::WaitUntil(at) => {
                    return self.after(at.0.saturating_sub(now.0).max(1), Event::BuyerLooks(number));
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("a payer spins");
    }

    fn at_buyer(&mut self, message: IncomingMessage) {
        let now = self.now;
        let payment = self.payer.async_payment_of(&message.arrival);
        let Some(number) = payment.and_then(|id| self.payments.get(&id).copied()) else {
            self.counts.refused += 1;
            return;
        };
        match self.buyers[number].payment.receive(message, now) {
            Ok(progress) => {
                self.buyers[number].released |= progress == AsyncProgress::Released;
                self.after(0, Event::BuyerLooks(number));
            }
            Err(_) => self.counts.refused += 1,
        }
    }
}
