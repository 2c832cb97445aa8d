//! An issuer without a node: what it sells, and how it answers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bolt12::exchange::{
    Accepted, ConversationId, Event, MaxAmount, Messenger, OutgoingMessage, Payee, Payment, Quote, ReceivedRequest,
    Refused, Save, Terms,
};
use bolt12::lightning::{Application, Desk, Limits};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{ChainHash, Error, Invoice, InvoiceError, Msat, Offer, OfferBuilder, Rate, Refund, UnixTime};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::channel::{Channel, payment_path};
use super::options::{Options, Way};
use super::tcp::{Connections, Keys, now};

/// How many connections there are at most, whether they have shaken hands or not.
const CONNECTIONS: usize = 256;

/// And from one address.
const FROM_ONE_ADDRESS: usize = 16;

/// How many lines are printed at most between two rests, so that a flood of messages is no flood of lines.
const LINES: u32 = 50;

/// How long a rest is away.
const REST: Duration = Duration::from_secs(5);

/// How much more than the price is taken.
const TIMES_PRICE: u64 = 5;

/// What is printed, line by line.
pub(crate) type Print = Box<dyn Fn(&str) + Send + Sync>;

pub(crate) struct Shop {
    keys: Keys,
    through: Option<(PublicKey, Channel)>,
    rates: Vec<Rate>,
    requests: AtomicUsize,
    lines: AtomicU32,
    unprinted: AtomicU32,
    print: Print,
    claimed: Mutex<Vec<String>>,
    desk: OnceLock<Weak<Desk<Shop>>>,
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

    fn invoice(&self, accepted: &Accepted, signing_key: Option<&Keypair>) -> Result<Invoice, Error> {
        let expected = accepted.expected_payment();
        let node_id = self.keys.node.public_key();
        let (path, payinfo) = payment_path(node_id, expected.path_id.0.clone(), self.through, self.keys.random())?;
        let unsigned = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build()?;
        let is_own = |key: &&Keypair| key.public_key() == accepted.node_id();
        match [Some(&self.keys.node), signing_key].into_iter().flatten().find(is_own) {
            Some(key) => unsigned.sign(key),
            None => accepted.sign(unsigned),
        }
    }
}

impl Application for Shop {
    fn now(&self) -> UnixTime {
        now()
    }

    fn invoice_request(&self, request: ReceivedRequest, signing_key: Option<&Keypair>) -> Option<OutgoingMessage> {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let rate = self.rates.get(count % self.rates.len().max(1)).copied();
        if let Some(note) = request.request().payer_note() {
            self.say(&format!("a note: {note}"));
        }
        let max_amount = MaxAmount::TimesPrice(TIMES_PRICE);
        let terms = Terms { rate, max_amount, ..Terms::new(now(), &[ChainHash::BITCOIN]) };
        let accepted = match request.accept(&terms) {
            Ok(accepted) => accepted,
            Err(refused) => {
                self.refused(&refused);
                return refused.answer().cloned();
            }
        };
        match self.invoice(&accepted, signing_key).and_then(|invoice| accepted.answer(invoice)) {
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

    /// It is open for as long as it runs.
    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, event: Event) {
        let (Event::Quoted(id) | Event::NeedsApproval { id, .. }) = event else { return };
        let (Some(desk), ConversationId::Payment(id)) = (self.desk.get().and_then(Weak::upgrade), id) else { return };
        // Several can claim a refund, and none blocks another.
        let claims = desk.look(|manager| {
            manager.payment(id, |payment| {
                let line =
                    |quote: Quote<'_>| format!("the refund is claimed: {} for {}", quote.amount(), quote.node_id());
                payment.quotes().map(line).collect::<Vec<_>>()
            })
        });
        let mut claimed = self.claimed.lock().unwrap();
        for line in claims.unwrap_or_default() {
            if !claimed.contains(&line) {
                self.say(&line);
                claimed.push(line);
            }
        }
    }

    fn refused(&self, refused: &Refused) {
        let told = if refused.answer().is_some() { ", and told so" } else { "" };
        self.say(&format!("refused{told}: {:#}", refused.error()));
    }

    fn not_sent(&self, _: &OutgoingMessage, why: &dyn std::error::Error) {
        self.say(&format!("not sent: {why}"));
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
    pub(crate) connections: Arc<Connections<Shop>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Open {
    /// What `fetch_invoice --peer` wants.
    pub(crate) fn peer(&self) -> String {
        format!("{}@{}", self.node_id, self.address)
    }

    /// Ends all connections.
    pub(crate) fn close(&self) {
        self.connections.manager.disconnect_all_peers();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens a shop.
pub(crate) async fn open(options: &Options, print: Print) -> Result<Open, String> {
    let seed = match options.secret {
        Some(secret) => secret,
        None => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
            seed
        }
    };
    let keys = Keys::new(seed);
    let node_id = keys.node.public_key();
    let issuer = keys.issuer();
    let offer = make_offer(options, &keys, &issuer).map_err(|error| error.to_string())?;
    let refund = options.refund.map(|amount| make_refund(amount, &keys)).transpose();
    let refund = refund.map_err(|error| error.to_string())?;

    let listener = TcpListener::bind(&options.listen).await;
    let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let connections_keys = Keys::new(seed);
    let shop = Shop {
        keys,
        through: options.through,
        rates: options.rates.clone(),
        requests: AtomicUsize::new(0),
        lines: AtomicU32::new(0),
        unprinted: AtomicU32::new(0),
        print,
        claimed: Mutex::default(),
        desk: OnceLock::new(),
    };
    let connections = Arc::new(Connections::new(&connections_keys, shop, Limits::default()));
    let _ = connections.desk.application().desk.set(Arc::downgrade(&connections.desk));
    let unsigned = refund.as_ref().and_then(|payment| payment.refund().cloned());
    let signed = refund.as_ref().and_then(Payment::signed_refund);
    if let Some(payment) = refund {
        let added = connections.desk.update(|manager, now| manager.add_payment(payment, now));
        added.map_err(|error| error.to_string())?;
    }
    let tasks = vec![
        tokio::spawn(connections.keep_going(true)),
        tokio::spawn(accept(listener, Arc::clone(&connections))),
        tokio::spawn(rest(Arc::clone(&connections))),
    ];
    Ok(Open { address, node_id, offer, refund: unsigned, signed_refund: signed, connections, tasks })
}

fn make_offer(options: &Options, keys: &Keys, issuer: &Payee) -> Result<Offer, Error> {
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&keys.random()[..16]);
    let new = issuer.new_offer(nonce);
    let path = || Messenger::new(keys.node).path(&[], new.path_id(0)).dummy_hops(1).build(keys.random());
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
    let new = keys.payer().new_refund(keys.random());
    let path = Messenger::new(keys.node).path(&[], new.path_id(0)).build(keys.random())?;
    let refund = new.builder("something that broke", amount).add_path(path);
    new.publish(refund, now())
}

/// Lets peers in, as many as there is room for. Those who do not shake hands are sent away after some seconds.
async fn accept(listener: TcpListener, connections: Arc<Connections<Shop>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut addresses: HashMap<IpAddr, Arc<Semaphore>> = HashMap::new();
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Too many open files, for example: later there may be fewer.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        // Whoever has no connection needs no counter.
        addresses.retain(|_, room| room.available_permits() < FROM_ONE_ADDRESS);
        let address = addresses.entry(address.ip()).or_insert_with(|| Arc::new(Semaphore::new(FROM_ONE_ADDRESS)));
        let (Ok(stream), Ok(permit), Ok(address)) =
            (stream.into_std(), Arc::clone(&room).try_acquire_owned(), Arc::clone(address).try_acquire_owned())
        else {
            continue;
        };
        let connection = lightning_net_tokio::setup_inbound(Arc::clone(&connections.manager), stream);
        tokio::spawn(async move {
            connection.await;
            drop((permit, address));
        });
    }
}

async fn rest(connections: Arc<Connections<Shop>>) {
    loop {
        tokio::time::sleep(REST).await;
        connections.desk.application().rest();
    }
}
