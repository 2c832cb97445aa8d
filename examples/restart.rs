//! Pulls the plug of a wallet at every step, and at every two steps, and shows that the coffee is paid for once.
//!
//! A wallet saves each change before it acts on it. When it starts, it asks its node about every payment that it had
//! begun. So it does not matter when it is killed. This is all of such a wallet, and a test bench that kills it.
//!
//! The disk survives, and so does the node, which is a program of its own. The node is a stand-in, and so are onion
//! messages, in a file next to this one. Secrets, "randomness" and the clock are constants. Yours must not be.

#[path = "stand_in/mod.rs"]
mod stand_in;

use std::collections::BTreeMap;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Accepted, Activity, ConversationId, Event, IncomingMessage, ManagerLimits, OffersManager, OutgoingMessage, Payee,
    Payer, Paying, PaymentId, Refused, State, Terms,
};
use bolt12::{ChainHash, Error, Msat, Offer, OfferBuilder, PayInfo, Preimage, UnixTime};
use stand_in::{deliver, path_to};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut undisturbed = World::new()?;
    let mut plug = Plug::default();
    undisturbed.run(&mut plug)?;
    let steps = plug.pulled_before;
    println!("Buying a coffee takes {} steps. The wallet is killed once before each of them:\n", steps.len());

    for (kill, step) in steps.iter().enumerate() {
        let mut world = World::new()?;
        world.run_until(kill)?;
        let found = world.look()?;
        world.run(&mut Plug::default())?;
        world.check()?;
        println!("{:2}. about to {step:<28} on disk: {found}", kill + 1);
    }

    let mut worlds = 0;
    for first in 0..steps.len() {
        // The second run gets at most as far as an undisturbed one.
        for second in 0..=steps.len() {
            let mut world = World::new()?;
            world.run_until(first)?;
            world.run_until(second)?;
            world.run(&mut Plug::default())?;
            world.check()?;
            worlds += 1;
        }
    }
    println!(
        "\nThe coffee was paid for once each time, and also in {worlds} runs that were killed twice, at any two steps."
    );
    Ok(())
}

/// Everything that survives when the wallet is killed.
struct World {
    now: UnixTime,
    disk: BTreeMap<ConversationId, Vec<u8>>,
    node: Node,
    shop: Payee,
    offer: Offer,
    starts: u8,
}

/// Why the wallet stops.
enum Stop {
    Killed,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Pulls the plug.
#[derive(Default)]
struct Plug {
    /// After how many steps, or never.
    after: Option<usize>,
    /// The steps that were taken.
    pulled_before: Vec<&'static str>,
}

impl Plug {
    /// The wallet is about to take this step. It may be killed first.
    fn before(&mut self, step: &'static str) -> Result<(), Stop> {
        if self.after == Some(self.pulled_before.len()) {
            return Err(Stop::Killed);
        }
        self.pulled_before.push(step);
        Ok(())
    }
}

impl World {
    fn new() -> Result<Self, Error> {
        let shop = Payee::new([0x41; 32]);
        let new = shop.new_offer([0x07; 16]);
        let offer = OfferBuilder::new(new.issuer_id()).amount_msat(Msat(3_500_000)).description("a flat white");
        let offer = new.build(offer.add_path(path_to("shop", new.path_id(0))))?;
        let now = UnixTime(1_800_000_000);
        Ok(Self { now, disk: BTreeMap::new(), node: Node::default(), shop, offer, starts: 0 })
    }

    fn run_until(&mut self, step: usize) -> Result<(), Failure> {
        self.run(&mut Plug { after: Some(step), ..Plug::default() })
    }

    /// Runs the wallet until the coffee is paid for or the plug is pulled.
    fn run(&mut self, plug: &mut Plug) -> Result<(), Failure> {
        match self.wallet(plug) {
            Ok(()) | Err(Stop::Killed) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// The wallet: what it does at the start, and then until the coffee is paid for.
    fn wallet(&mut self, plug: &mut Plug) -> Result<(), Stop> {
        self.starts += 1;
        let mut manager = manager();

        // First load what was saved, and ask the node about every payment that had begun.
        let loaded = manager.load(self.disk.clone(), self.now);
        for ask in loaded.ask_node {
            for hash in ask.payment_hashes {
                match (self.node.payments.get(&hash), ask.attempt) {
                    (Some(preimage), _) => drop(manager.paid(*preimage, self.now)?),
                    // It was killed after saving that it would pay, and before paying.
                    (None, Some(attempt)) => drop(manager.failed(hash, attempt, self.now)?),
                    (None, None) => {}
                }
            }
        }
        if loaded.count == 0 {
            // Nothing was saved, so nothing was sent either.
            let draft = manager.payer().draft(&self.offer, self.now, CHAINS)?;
            let deadline = UnixTime(self.now.0 + 600);
            let payment = draft.start([self.starts; 32], self.now, deadline)?;
            manager.add_payment(payment, self.now)?;
        }

        loop {
            // What to save, what to send, what to tell the user: in this order.
            if let Some(save) = manager.next_save() {
                plug.before("save")?;
                match save.state {
                    Some(state) => self.disk.insert(save.id, state),
                    None => self.disk.remove(&save.id),
                };
                plug.before("confirm that it was saved")?;
                manager.saved(save.number);
            } else if let Some(message) = manager.next_message() {
                plug.before("send a request")?;
                let answer = self.shop_receives(deliver(&message.message()?, "Alice"));
                plug.before("receive the answer")?;
                // A refused message changes nothing.
                let _ = answer.map(|answer| manager.receive(deliver(&answer, "shop"), self.now));
            } else if let Some(event) = manager.next_event() {
                match event {
                    Event::Quoted(ConversationId::Payment(id)) => {
                        plug.before("begin, since Alice agrees")?;
                        if let Some(hash) = quoted(&manager, id)? {
                            manager.begin(id, hash, self.now)?;
                        }
                    }
                    Event::Payable(ConversationId::Payment(id)) => {
                        plug.before("have the node pay")?;
                        let (node, shop) = (&mut self.node, &self.shop);
                        manager.payment(id, |payment| match payment.state() {
                            State::Paying(paying) => node.pay(&paying, shop),
                            _ => None,
                        })?;
                        plug.before("ask what the node did")?;
                        for preimage in self.node.payments.values() {
                            manager.paid(*preimage, self.now)?;
                        }
                    }
                    Event::Paid(_) => return Ok(()),
                    event => return Err(format!("unexpected: {event:?}").into()),
                }
            } else if let Some(at) = manager.wake_at() {
                // There is nothing else to do until then.
                self.now = self.now.max(at);
                manager.poll(self.now, 1);
            } else {
                // It was paid, and Alice was told, before it was killed.
                return Ok(());
            }
        }
    }

    /// What the wallet finds on disk.
    fn look(&self) -> Result<String, Failure> {
        let mut manager = manager();
        let _ = manager.load(self.disk.clone(), self.now);
        let Some(id) = manager.ids().next() else { return Ok("nothing: it starts afresh".into()) };
        Ok(manager.status(id, self.now)?.activity.to_string())
    }

    /// Whatever happened, the coffee was paid for exactly once.
    fn check(&self) -> Result<(), Failure> {
        let mut manager = manager();
        let loaded = manager.load(self.disk.clone(), self.now);
        let is_paid = manager.ids().all(|id| match manager.status(id, self.now) {
            Ok(status) => status.activity == Activity::Paid,
            Err(_) => false,
        });
        match (loaded.count, self.node.sent, is_paid) {
            (1, 1, true) => Ok(()),
            (count, sent, _) => Err(format!("{count} payments on disk, and {sent} sent").into()),
        }
    }

    fn shop_receives(&self, request: IncomingMessage) -> Option<OutgoingMessage> {
        let answer = || -> Result<_, Box<Refused>> {
            let accepted = self.shop.receive(request)?.accept(&Terms::new(self.now, CHAINS))?;
            Ok(invoice(&accepted)?)
        };
        answer().map_or_else(|refused| refused.into_answer(), Some)
    }
}

fn manager() -> OffersManager {
    OffersManager::new(Payer::new([0x42; 32]), Payee::new([0x43; 32]), ManagerLimits::default())
}

/// The payment hash of the quote. After a restart there may be none, because it has expired.
fn quoted(manager: &OffersManager, id: PaymentId) -> Result<Option<sha256::Hash>, Failure> {
    Ok(manager.payment(id, |payment| match payment.state() {
        State::Quoted(quote) => Some(quote.payment_hash()),
        _ => None,
    })?)
}

fn invoice(accepted: &Accepted) -> Result<OutgoingMessage, Error> {
    let expected = accepted.expected_payment();
    let payinfo = PayInfo::new(1_000, 100, 144, 1, 100_000_000);
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path_to("shop", &expected.path_id), &payinfo);
    accepted.answer(accepted.sign(invoice.build()?)?)
}

/// Stands in for a Lightning node. It remembers what it was told to pay, and every payment succeeds at once.
#[derive(Default)]
struct Node {
    payments: BTreeMap<sha256::Hash, Preimage>,
    sent: u32,
}

impl Node {
    fn pay(&mut self, paying: &Paying<'_>, shop: &Payee) -> Option<()> {
        self.sent += 1;
        let paths = paying.paths();
        let path_id = paths.first()?.0.hops().last()?.encrypted_recipient_data;
        let expected = shop.expected_payment(paying.payment_hash(), path_id)?;
        self.payments.insert(paying.payment_hash(), expected.preimage);
        Some(())
    }
}
