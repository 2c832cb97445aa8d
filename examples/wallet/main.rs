//! A wallet and a shop in one process, with an SQLite database. A second thread kills that process again and again, at
//! any point; it is started again, and in the end each coffee is paid for, once.
//!
//! The database is real, and so is the kill: nothing is cleaned up. Two files survive: the states of wallet and shop,
//! and what a Lightning node would remember, which is a program of its own. Onion messages and that node are stand-ins.
//! Secrets and "randomness" are constants: yours must not be.

#[path = "../stand_in/mod.rs"]
mod stand_in;

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Accepted, Activity, ConversationId, Event, IncomingMessage, ManagerLimits, MaxAmount, OffersManager,
    OutgoingMessage, Payee, Payer, Payment, PaymentId, Refused, State, TakenPayments, Terms,
};
use bolt12::{ChainHash, Error, Features, Msat, Offer, OfferBuilder, PayInfo, Preimage, UnixTime};
use rusqlite::{Connection, OptionalExtension, params};
use stand_in::{deliver, path_to};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// How many coffees are bought.
const COFFEES: u32 = 12;

/// The longest life of a wallet, in milliseconds; with each, a slow machine is given a little more.
const LONGEST_LIFE: u64 = 250;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let done = match std::env::args_os().nth(1) {
        Some(folder) => Shopping::open(Path::new(&folder)).and_then(Shopping::go_on),
        None => kill_and_start(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("wallet: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the wallet again and again, with somebody beside it who kills it, until it has nothing left to do.
fn kill_and_start() -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("bolt12-wallet-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    println!("{COFFEES} coffees are to be bought.\n");
    let mut kills = 0_u64;
    loop {
        let wallet = Command::new(std::env::current_exe()?).arg(&folder).spawn()?;
        let wallet = Arc::new(Mutex::new(wallet));
        let killer = thread::spawn({
            let wallet = Arc::clone(&wallet);
            move || kill_at_some_point(&wallet, LONGEST_LIFE + kills)
        });
        let life = killer.join().map_err(|_| "the killer died")?;
        let status = wallet.lock().map_err(|_| "a lock broke")?.wait()?;
        match status.code() {
            Some(0) => break,
            Some(code) => return Err(format!("the wallet failed with {code}").into()),
            None => println!("  killed after {life} ms"),
        }
        kills += 1;
    }
    let paid = check(&folder)?;
    fs::remove_dir_all(&folder)?;
    println!("\nKilled {kills} times. {paid} coffees are paid for, each of them once.");
    Ok(())
}

fn kill_at_some_point(wallet: &Mutex<Child>, longest: u64) -> u64 {
    let life = RandomState::new().build_hasher().finish() % longest;
    thread::sleep(Duration::from_millis(life));
    if let Ok(mut wallet) = wallet.lock() {
        // If it has ended, that is no use any more.
        let _ = wallet.kill();
    }
    life
}

/// Looks at both files: what the node sent, and what the wallet knows.
fn check(folder: &Path) -> Result<u32, Failure> {
    let shopping = Shopping::open(folder)?;
    let count = |sql: &str| shopping.node.query_row(sql, [], |row| row.get::<_, u32>(0));
    let (sent, twice) =
        (count("SELECT count(*) FROM payments")?, count("SELECT count(*) FROM payments WHERE sent > 1")?);
    let mut paid = 0;
    for id in shopping.manager.ids() {
        paid += u32::from(shopping.manager.status(id, now())?.activity == Activity::Paid);
    }
    match (twice, sent, paid) {
        (0, COFFEES, COFFEES) => Ok(paid),
        _ => Err(format!("{sent} payments were sent, {twice} of them twice, and {paid} are known to be").into()),
    }
}

/// The wallet and the shop, as long as they live.
struct Shopping {
    manager: OffersManager,
    store: Connection,
    node: Connection,
    shop: Payee,
    taken: TakenPayments,
    offer: Offer,
}

impl Shopping {
    /// Opens both files, and loads what was saved.
    fn open(folder: &Path) -> Result<Self, Failure> {
        let open = |name: &str, table: &str| -> Result<Connection, Failure> {
            let file = Connection::open(folder.join(name))?;
            file.execute_batch(&format!("PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS {table}"))?;
            Ok(file)
        };
        let store = open("wallet.db", "states (kind TEXT, id BLOB, state BLOB NOT NULL, PRIMARY KEY (kind, id))")?;
        let node = open("node.db", "payments (hash BLOB PRIMARY KEY, preimage BLOB, sent INTEGER)")?;
        let shop = Payee::new([0x41; 32]);
        let new = shop.new_offer([0x07; 16]);
        let offer = OfferBuilder::new(new.issuer_id()).amount_msat(Msat(3_500_000)).description("a flat white");
        let offer = new.build(offer.add_path(path_to("shop", new.path_id(0))))?;
        let taken =
            store.query_row("SELECT state FROM states WHERE kind = 'taken'", [], |row| row.get(0)).optional()?;
        let taken = taken.map_or(Ok(TakenPayments::new()), |state: Vec<u8>| shop.load_taken(&state))?;
        let manager = OffersManager::new(Payer::new([0x42; 32]), Payee::new([0x43; 32]), ManagerLimits::default());
        Ok(Self { manager, store, node, shop, taken, offer }).and_then(Self::load)
    }

    fn load(mut self) -> Result<Self, Failure> {
        let states = {
            let mut states = self.store.prepare("SELECT id, state FROM states WHERE kind = 'payment'")?;
            let rows = states.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        let loaded = self.manager.load(states, now());
        if let Some((name, error)) = loaded.failed.first() {
            return Err(format!("{name:02x?}: {error}").into());
        }
        // What was begun: the node says what became of it.
        for ask in loaded.ask_node {
            for hash in ask.payment_hashes {
                match (self.known(hash)?, ask.attempt) {
                    (Some(preimage), _) => {
                        println!("  the node has paid for a coffee, and the wallet did not know");
                        self.manager.paid(preimage, now())?;
                    }
                    (None, Some(attempt)) => {
                        println!("  a coffee was about to be paid for, and the node knows nothing of it");
                        self.manager.failed(hash, attempt, now())?;
                    }
                    (None, None) => {}
                }
            }
        }
        Ok(self)
    }

    /// Buys what is not bought yet, and ends when all of it is paid for.
    fn go_on(mut self) -> Result<(), Failure> {
        println!("the wallet starts: {} coffees are begun", self.manager.len());
        for number in 0..COFFEES {
            let draft = self.manager.payer().draft(&self.offer, now(), CHAINS)?;
            let payment = draft.start([number as u8; 32], now(), UnixTime(now().0 + 600))?;
            // What was saved before is there already.
            let _ = self.manager.add_payment(payment, now());
        }
        loop {
            // What to save, what to send, what to tell: in this order.
            if let Some(save) = self.manager.next_save() {
                self.store.execute(
                    "INSERT OR REPLACE INTO states VALUES ('payment', ?1, ?2)",
                    params![save.id.as_bytes(), save.state],
                )?;
                self.manager.saved(save.number);
            } else if let Some(message) = self.manager.next_message() {
                let answer = self.shop_receives(deliver(&message.message()?, "Alice"));
                // What is refused has changed nothing.
                let _ = answer.map(|answer| self.manager.receive(deliver(&answer, "shop"), now()));
            } else if let Some(event) = self.manager.next_event() {
                match event {
                    Event::Quoted(ConversationId::Payment(id)) => {
                        if let Some(hash) = quoted(&self.manager, id)? {
                            // It can have expired meanwhile.
                            let _ = self.manager.begin(id, hash, now());
                        }
                    }
                    Event::Payable(ConversationId::Payment(id)) => self.pay(id)?,
                    Event::Paid(_) => {}
                    event => return Err(format!("this was not expected: {event:?}").into()),
                }
            } else {
                match self.manager.wake_at() {
                    None => return Ok(()),
                    Some(at) if at > now() => thread::sleep(Duration::from_millis(10)),
                    Some(_) => drop(self.manager.poll(now(), 1)),
                }
            }
        }
    }

    /// Has the node pay, which takes its time, and says what it got.
    fn pay(&mut self, id: PaymentId) -> Result<(), Failure> {
        let found = self.manager.payment(id, received_by)?;
        let (hash, amount, path_id) = found.ok_or("what is payable is being paid")?;
        self.node.execute(
            "INSERT INTO payments VALUES (?1, NULL, 1) ON CONFLICT DO UPDATE SET sent = sent + 1",
            [hash.as_byte_array()],
        )?;
        thread::sleep(Duration::from_millis(5));
        let preimage = self.shop_is_paid(hash, amount, &path_id)?;
        self.node.execute("UPDATE payments SET preimage = ?2 WHERE hash = ?1", [hash.as_byte_array(), &preimage.0])?;
        self.manager.paid(preimage, now())?;
        Ok(())
    }

    /// What the node knows of a payment. What is still on its way arrives now.
    fn known(&mut self, hash: sha256::Hash) -> Result<Option<Preimage>, Failure> {
        let query = "SELECT preimage FROM payments WHERE hash = ?1";
        let row = self.node.query_row(query, [hash.as_byte_array()], |row| row.get(0)).optional()?;
        let Some(preimage) = row else { return Ok(None) };
        if let Some(preimage) = preimage {
            return Ok(Some(Preimage(preimage)));
        }
        let arrived = self.manager.ids().find_map(|id| match id {
            ConversationId::Payment(id) => {
                self.manager.payment(id, received_by).ok().flatten().filter(|(paid, ..)| *paid == hash)
            }
            _ => None,
        });
        let (_, amount, path_id) = arrived.ok_or("what is on its way is being paid")?;
        self.shop_is_paid(hash, amount, &path_id).map(Some)
    }

    /// The shop's side of a payment. Its node says again what it holds, so this comes twice if the shop is killed in
    /// it.
    fn shop_is_paid(&mut self, hash: sha256::Hash, amount: Msat, path_id: &[u8]) -> Result<Preimage, Failure> {
        let expected = self.shop.expected_payment(hash, path_id).ok_or("the invoice is the shop's")?;
        let id = hash.as_byte_array(); // what the node calls it
        if !self.taken.has(&expected, id) {
            expected.check(amount, now())?;
            self.taken.take(&expected, id, now())?;
            let state = self.taken.to_bytes(&self.shop);
            self.store.execute("INSERT OR REPLACE INTO states VALUES ('taken', x'', ?1)", [state])?;
        }
        Ok(expected.preimage)
    }

    fn shop_receives(&self, request: IncomingMessage) -> Option<OutgoingMessage> {
        let answer = || -> Result<_, Box<Refused>> {
            let (rate, rate_age, max_rate_age) = (None, Duration::ZERO, Duration::ZERO);
            let terms = Terms { now: now(), chains: CHAINS, rate, rate_age, max_rate_age, max_amount: MaxAmount::Any };
            let accepted = self.shop.receive(request)?.accept(&terms)?;
            Ok(invoice(&accepted)?)
        };
        answer().map_or_else(|refused| refused.into_answer(), Some)
    }
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

/// The payment hash of what can be paid. After a start there may be none any more: it has expired.
fn quoted(manager: &OffersManager, id: PaymentId) -> Result<Option<sha256::Hash>, Failure> {
    Ok(manager.payment(id, |payment| match payment.state() {
        State::Quoted(quote) => Some(quote.payment_hash()),
        _ => None,
    })?)
}

/// What arrives at the end of the path of a payment that is being made.
fn received_by(payment: &Payment) -> Option<(sha256::Hash, Msat, Vec<u8>)> {
    let State::Paying(paying) = payment.state() else { return None };
    let paths = paying.paths();
    let path_id = paths.first()?.0.hops().last()?.encrypted_recipient_data.to_vec();
    Some((paying.payment_hash(), paying.amount(), path_id))
}

fn invoice(accepted: &Accepted) -> Result<OutgoingMessage, Error> {
    let expected = accepted.expected_payment();
    let payinfo = PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 100_000_000,
        features: Features::default(),
    };
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path_to("shop", &expected.path_id), &payinfo);
    accepted.answer(accepted.sign(invoice.build()?)?)
}
