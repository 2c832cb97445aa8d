//! A manager with a store that does what it is told, and a shop.
#![allow(dead_code, reason = "not every feature needs all of it")]

use std::collections::BTreeMap;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Attempt, Claim, ConversationId, Event, IncomingMessage, ManagerLimits, OffersManager, OutgoingMessage,
    Payee, Payer, Payment, PaymentId, Retry, Save, State, Terms,
};
use bolt12::{Msat, Offer, PayInfo, Preimage, Refund, UnixTime};

use super::messages::{NOW, path, payinfo};
use super::sides::{self, CHAINS, deliver, own_offer, path_with};

pub(crate) const SECRET: [u8; 32] = [2; 32];
pub(crate) const DEADLINE: UnixTime = UnixTime(NOW.0 + 600);

pub(crate) fn payer() -> Payer {
    Payer::new(SECRET)
}

/// The first attempt at paying something.
pub(crate) const FIRST: Attempt = Attempt(1);

/// Somebody else.
pub(crate) fn shop() -> Payee {
    Payee::new([1; 32])
}

pub(crate) fn later(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

pub(crate) fn tea(paths: u8) -> Offer {
    own_offer(&shop(), paths, |offer| offer.description("tea").amount_msat(Msat(9_000)))
}

/// A payment of its own for each number.
pub(crate) fn payment(number: u64) -> Payment {
    payment_for(&tea(2), number)
}

pub(crate) fn payment_for(offer: &Offer, number: u64) -> Payment {
    let mut entropy = [0; 32];
    entropy[..8].copy_from_slice(&number.to_be_bytes());
    payer().draft(offer, NOW, CHAINS).unwrap().start(entropy, NOW, DEADLINE).unwrap()
}

/// A refund of this number, to be claimed for ten minutes.
pub(crate) fn refund(number: u8, now: UnixTime) -> (Payment, Refund) {
    let new = payer().new_refund([number; 32]);
    let refund = new.builder("a cup", Msat(5_000)).add_path(path_with(0x60, new.path_id(0)));
    let payment = new.publish(refund.absolute_expiry(UnixTime(now.0 + 600)), now).unwrap();
    let refund = payment.refund().unwrap().clone();
    (payment, refund)
}

/// The claim of somebody, and what it will reveal.
pub(crate) fn claim(refund: &Refund, who: u8, now: UnixTime) -> (IncomingMessage, Preimage) {
    claim_over(refund, who, now, &payinfo())
}

/// The same over a path that costs this.
pub(crate) fn claim_over(
    refund: &Refund,
    who: u8,
    now: UnixTime,
    payinfo: &PayInfo<'_>,
) -> (IncomingMessage, Preimage) {
    let (mut claim, preimage) = new_claim(&Payee::new([0x80 + who; 32]), refund, now, payinfo);
    let Action::Send(sent) = claim.poll(now).unwrap() else { panic!() };
    (deliver(&sent, 0x60), preimage)
}

pub(crate) fn new_claim(payee: &Payee, refund: &Refund, now: UnixTime, payinfo: &PayInfo<'_>) -> (Claim, Preimage) {
    let accepted = payee.claim(refund, now, CHAINS).unwrap();
    let expected = accepted.expected_payment();
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), payinfo).build().unwrap();
    (accepted.sign(invoice, UnixTime(now.0 + 600), Retry::default()).unwrap(), expected.preimage)
}

/// The shop's answer to a request, and what it will reveal.
pub(crate) fn answer(asked: &OutgoingMessage, now: UnixTime) -> (IncomingMessage, Preimage) {
    answer_over(asked, now, &payinfo())
}

/// The same over a path that costs this.
pub(crate) fn answer_over(
    asked: &OutgoingMessage,
    now: UnixTime,
    payinfo: &PayInfo<'_>,
) -> (IncomingMessage, Preimage) {
    let received = shop().receive(deliver(asked, 0x70)).unwrap();
    let accepted = received.accept(&terms(now)).unwrap();
    let expected = accepted.expected_payment();
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), payinfo);
    let invoice = accepted.sign(invoice.build().unwrap()).unwrap();
    (deliver(&accepted.answer(invoice).unwrap(), 0x60), expected.preimage)
}

pub(crate) fn terms(now: UnixTime) -> Terms<'static> {
    sides::terms(now, None)
}

/// A manager, and its store.
pub(crate) struct Wallet {
    pub(crate) manager: OffersManager,
    pub(crate) disk: BTreeMap<ConversationId, Vec<u8>>,
    /// How many saves there were.
    pub(crate) saves: u64,
}

impl Wallet {
    pub(crate) fn new() -> Self {
        Self::with(ManagerLimits::default())
    }

    pub(crate) fn with(limits: ManagerLimits) -> Self {
        let manager = OffersManager::new(payer(), Payee::new(SECRET), limits);
        Self { manager, disk: BTreeMap::new(), saves: 0 }
    }

    /// Off, and on again.
    pub(crate) fn restart(&mut self, now: UnixTime) {
        let disk = core::mem::take(&mut self.disk);
        *self = Self { saves: self.saves, ..Self::new() };
        let loaded = self.manager.load(disk.clone(), now);
        assert_eq!((loaded.count, loaded.failed), (disk.len(), vec![]));
        self.disk = disk;
    }

    pub(crate) fn write(&mut self, save: Save) {
        self.saves += 1;
        match save.state {
            Some(state) => {
                let before = self.disk.insert(save.id, state.clone());
                assert_ne!(before, Some(state), "nothing changed");
            }
            None => drop(self.disk.remove(&save.id).expect("a state to delete")),
        }
    }

    /// Saves all there is to save.
    pub(crate) fn save(&mut self) {
        while let Some(save) = self.manager.next_save() {
            let number = save.number;
            self.write(save);
            assert!(self.manager.saved(number) && !self.manager.saved(number));
        }
    }

    /// Does all that is due, and saves it.
    pub(crate) fn go_on(&mut self, now: UnixTime) {
        let mut rounds = 0;
        loop {
            let more = self.manager.poll(now, 10);
            assert_eq!(more, self.manager.wake_at().is_some_and(|at| at <= now), "it is done, or said to be due");
            self.save();
            rounds += 1;
            assert!(rounds < 10_000, "it spins");
            if !more && self.manager.wake_at().is_none_or(|at| at > now) {
                return;
            }
        }
    }

    pub(crate) fn sent(&mut self) -> Vec<OutgoingMessage> {
        core::iter::from_fn(|| self.manager.next_message()).map(|message| message.message().unwrap()).collect()
    }

    pub(crate) fn told(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.manager.next_event()).collect()
    }

    /// Adds a payment, and sends its request.
    #[track_caller]
    pub(crate) fn ask(&mut self, payment: Payment, now: UnixTime) -> (PaymentId, OutgoingMessage) {
        let id = self.manager.add_payment(payment, now).unwrap();
        self.save();
        self.go_on(now);
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1);
        (id, sent.remove(0))
    }

    /// The same, with a quote.
    #[track_caller]
    pub(crate) fn quote(&mut self, payment: Payment, now: UnixTime) -> (PaymentId, sha256::Hash, Preimage) {
        let (id, asked) = self.ask(payment, now);
        let (answer, preimage) = answer(&asked, now);
        self.manager.receive(answer, now).unwrap();
        self.save();
        assert_eq!(self.told(), [Event::Quoted(id.into())]);
        (id, preimage.payment_hash(), preimage)
    }

    /// The same, begun to be paid.
    #[track_caller]
    pub(crate) fn begin(&mut self, payment: Payment, now: UnixTime) -> (PaymentId, sha256::Hash, Preimage) {
        let (id, hash, preimage) = self.quote(payment, now);
        self.manager.begin(id, hash, now).unwrap();
        self.save();
        assert_eq!(self.told(), [Event::Payable(id.into())]);
        assert!(self.manager.payment(id, |payment| matches!(payment.state(), State::Paying(_))).unwrap());
        (id, hash, preimage)
    }
}
