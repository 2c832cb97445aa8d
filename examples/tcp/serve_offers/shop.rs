//! An issuer without a node: what it sells, and how it answers.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bolt12::exchange::{
    Accepted, IncomingMessage, MaxAmount, Messenger, OffersMessageKind, OutgoingMessage, Payee, Payment,
    ReceivedRequest, Refused, Terms,
};
use bolt12::onion::HopKey;
use bolt12::peers::SendError;
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{ChainHash, Error, Invoice, InvoiceError, Msat, Offer, OfferBuilder, Rate, Refund};

use super::channel::{Channel, payment_path};
use super::door;
use super::net::{Application, Keys, Net, lock, now, random};
use super::options::{Options, Way};

/// How many lines are printed at most between two rests, so that a flood of messages is no flood of lines.
const LINES: u32 = 50;

/// How long a rest is away.
const REST: Duration = Duration::from_secs(5);

/// How often to look whether something that had to wait can be opened.
const LOOK: Duration = Duration::from_millis(100);

/// How much more than the price is taken.
const TIMES_PRICE: u64 = 5;

/// What is printed, line by line.
pub(crate) type Print = Box<dyn Fn(&str) + Send + Sync>;

pub(crate) struct Shop {
    keys: Keys,
    issuer: Payee,
    /// What may come back: claims of the refund.
    refund: Option<Mutex<Payment>>,
    through: Option<(PublicKey, Channel)>,
    rates: Vec<Rate>,
    requests: AtomicUsize,
    lines: AtomicU32,
    unprinted: AtomicU32,
    print: Print,
    claimed: Mutex<Vec<String>>,
}

impl Shop {
    fn say(&self, line: &str) {
        if self.lines.fetch_add(1, Ordering::Relaxed) < LINES {
            (self.print)(line);
        } else {
            self.unprinted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rest(&self) {
        self.lines.store(0, Ordering::Relaxed);
        match self.unprinted.swap(0, Ordering::Relaxed) {
            0 => {}
            more => (self.print)(&format!("… and {more} lines more")),
        }
    }

    fn invoice(&self, accepted: &Accepted, hop_key: &HopKey) -> Result<Invoice, Error> {
        let expected = accepted.expected_payment();
        let node_id = self.keys.node.public_key();
        let (path, payinfo) = payment_path(node_id, expected.path_id.0.clone(), self.through, random())?;
        let unsigned = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build()?;
        let is_own = |key: &Keypair| key.public_key() == accepted.node_id();
        match [self.keys.node, hop_key.keypair()].into_iter().find(is_own) {
            Some(key) => unsigned.sign(&key),
            None => accepted.sign(unsigned),
        }
    }
}

impl Application for Shop {
    fn receive(&self, message: IncomingMessage, hop_key: &HopKey) -> Option<OutgoingMessage> {
        if message.kind == OffersMessageKind::InvoiceRequest {
            return match self.issuer.receive(message) {
                Ok(request) => self.answer(request, hop_key),
                Err(refused) => self.refuse(&refused),
            };
        }
        let mut refund = lock(self.refund.as_ref()?);
        if self.keys.payer().payment_of(&message.arrival) != Some(refund.id()) {
            return None;
        }
        match refund.receive(message, now()) {
            Ok(_) => self.show_claims(&refund),
            Err(refused) => return self.refuse(&refused),
        }
        None
    }

    fn not_sent(&self, why: &SendError) {
        self.say(&format!("not sent: {why}"));
    }
}

impl Shop {
    fn answer(&self, request: ReceivedRequest, hop_key: &HopKey) -> Option<OutgoingMessage> {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let rate = self.rates.get(count % self.rates.len().max(1)).copied();
        if let Some(note) = request.request().payer_note() {
            self.say(&format!("a note: {note}"));
        }
        let max_amount = MaxAmount::TimesPrice(TIMES_PRICE);
        let terms = Terms { rate, max_amount, ..Terms::new(now(), &[ChainHash::BITCOIN]) };
        let accepted = match request.accept(&terms) {
            Ok(accepted) => accepted,
            Err(refused) => return self.refuse(&refused),
        };
        match self.invoice(&accepted, hop_key).and_then(|invoice| accepted.answer(invoice)) {
            Ok(answer) => {
                self.say(&format!("answered a request with an invoice for {}", accepted.amount()));
                Some(answer)
            }
            Err(error) => {
                self.say(&format!("made no invoice: {error:#}"));
                let why = InvoiceError::new("there is no invoice now, try again later").ok()?;
                accepted.refuse(why)
            }
        }
    }

    fn show_claims(&self, payment: &Payment) {
        // Several can claim a refund, and none blocks another.
        for quote in payment.quotes() {
            let line = format!("the refund is claimed: {} for {}", quote.amount(), quote.node_id());
            let mut claimed = self.claimed.lock().unwrap();
            if !claimed.contains(&line) {
                self.say(&line);
                claimed.push(line);
            }
        }
    }

    /// What is said to whoever asked, if anything is.
    fn refuse(&self, refused: &Refused) -> Option<OutgoingMessage> {
        let told = if refused.answer().is_some() { ", and told so" } else { "" };
        self.say(&format!("refused{told}: {:#}", refused.error()));
        refused.answer().cloned()
    }
}

/// A shop that is open, until it is dropped.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    pub(crate) node_id: PublicKey,
    pub(crate) offer: Offer,
    pub(crate) refund: Option<Refund>,
    /// The same, for those who claim none without a signature (D1).
    pub(crate) signed_refund: Option<Refund>,
    net: Arc<Net<Shop>>,
    is_closed: Arc<AtomicBool>,
}

impl Open {
    /// What `fetch_invoice --peer` wants.
    pub(crate) fn peer(&self) -> String {
        format!("{}@{}", self.node_id, self.address)
    }

    /// Ends all connections.
    pub(crate) fn close(&self) {
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            // The thread that listens looks up.
            let _ = std::net::TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        }
        self.net.close();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens a shop.
pub(crate) fn open(options: &Options, print: Print) -> Result<Open, String> {
    let keys = Keys::new(options.secret.unwrap_or_else(random))?;
    let (node, node_id, issuer) = (keys.node, keys.node.public_key(), keys.issuer());
    let offer = make_offer(options, &keys, &issuer).map_err(|error| error.to_string())?;
    let refund = options.refund.map(|amount| make_refund(amount, &keys)).transpose();
    let refund = refund.map_err(|error| error.to_string())?;

    let listener = TcpListener::bind(&options.listen);
    let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let unsigned = refund.as_ref().and_then(|payment| payment.refund().cloned());
    let signed = refund.as_ref().and_then(Payment::signed_refund);
    let shop = Shop {
        keys,
        issuer,
        refund: refund.map(Mutex::new),
        through: options.through,
        rates: options.rates.clone(),
        requests: AtomicUsize::new(0),
        lines: AtomicU32::new(0),
        unprinted: AtomicU32::new(0),
        print,
        claimed: Mutex::default(),
    };
    let net = Net::new(node, shop);
    let is_closed = Arc::new(AtomicBool::new(false));
    let (accepting, closed) = (Arc::clone(&net), Arc::clone(&is_closed));
    let named = options.through.map(|(peer, _)| peer);
    thread::spawn(move || door::open(&listener, &accepting, named, &closed));
    let (resting, closed) = (Arc::clone(&net), Arc::clone(&is_closed));
    thread::spawn(move || rest(&resting, &closed));
    Ok(Open { address, node_id, offer, refund: unsigned, signed_refund: signed, net, is_closed })
}

fn make_offer(options: &Options, keys: &Keys, issuer: &Payee) -> Result<Offer, Error> {
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&random()[..16]);
    let new = issuer.new_offer(nonce);
    let path = || Messenger::new(keys.node).path(&[], new.path_id(0)).dummy_hops(1).build(random());
    let mut offer = match options.way {
        Way::Node => OfferBuilder::new(keys.node.public_key()),
        Way::Path => OfferBuilder::new(new.issuer_id()).add_path(path()?),
        Way::PathAlone => OfferBuilder::with_paths([path()?]),
    };
    offer = offer.description(&options.description);
    if let Some(price) = options.price {
        offer = offer.amount(price);
    }
    if let Some(max) = options.max_quantity {
        offer = offer.quantity_max(bolt12::Quantity::AtMost(max));
    }
    new.build(offer)
}

fn make_refund(amount: Msat, keys: &Keys) -> Result<Payment, Error> {
    let new = keys.payer().new_refund(random());
    let path = Messenger::new(keys.node).path(&[], new.path_id(0)).build(random())?;
    let refund = new.builder("something that broke", amount).add_path(path);
    new.publish(refund, now())
}

/// Lets time pass.
fn rest(net: &Arc<Net<Shop>>, closed: &AtomicBool) {
    let (mut since, mut dropped) = (Instant::now(), 0);
    while !closed.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
        net.turn();
        if since.elapsed() >= REST {
            since = Instant::now();
            net.application.rest();
            let counts = net.counts();
            if counts.dropped() > dropped {
                dropped = counts.dropped();
                net.application.say(&format!("dropped messages so far: {counts}"));
            }
        }
    }
}
