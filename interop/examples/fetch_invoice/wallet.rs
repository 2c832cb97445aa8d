//! A wallet without a node: connects, asks, and waits.

use std::sync::Arc;
use std::time::Duration;

use bolt12::exchange::{
    Claim, ClaimId, ClaimState, Draft, EndReason, Event, Limit, ManagerError, Need, OutgoingMessage, Payment,
    PaymentId, ReceivedRequest, Retry, Save, State,
};
use bolt12::lightning::{Application, Limits, SendError};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{
    BlindedPath, ChainHash, CurrencyCode, Direction, Error, ErrorKind, IntroductionNode, Invoice, Offer, Quantity,
    Rate, Refund, ShortChannelId, UnixTime,
};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::channel::payment_path;
use super::failure::Failure;
use super::options::{Options, Subject};
use super::progress::Progress;
use super::tcp::{Connections, Keys, minor_unit, now};

/// Nothing is paid here, so every chain will do.
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN, ChainHash::SIGNET, ChainHash::TESTNET3, ChainHash::REGTEST];

/// How long to wait for one connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long to listen for an objection to an invoice that was sent for a refund.
const OBJECTION: Duration = Duration::from_secs(5);

/// How many basis points an invoice may be from the rate, if nothing else is said.
const TOLERANCE: u32 = 200;

/// How long to wait before connecting again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often to look whether something happened.
const LOOK: Duration = Duration::from_millis(100);

/// A wallet asks, and is asked nothing.
struct Wallet {
    /// Where a path starts that names a channel.
    introduction: Option<PublicKey>,
}

impl Application for Wallet {
    fn now(&self) -> UnixTime {
        now()
    }

    fn invoice_request(&self, _: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        None
    }

    /// Nothing is paid here, so nothing is kept.
    fn save(&self, _: &Save) -> bool {
        true
    }

    /// Whoever waits looks for itself.
    fn event(&self, _: Event) {}

    fn channel_end(&self, _: ShortChannelId, _: Direction) -> Option<PublicKey> {
        self.introduction
    }
}

/// Whether every path starts at a channel, as those of LDK nodes do. This wallet knows no channels, so the best guess
/// is that they are the peer's. Where a path names its start, it is the better way.
fn starts_at_channels(options: &Options) -> bool {
    let paths = match &options.subject {
        Subject::Offer(offer) => offer.paths(),
        Subject::Refund(refund) => refund.paths(),
    };
    let is_channel = |path: BlindedPath<'_>| matches!(path.introduction_node(), IntroductionNode::Channel { .. });
    paths.is_some_and(|paths| paths.iter().all(is_channel))
}

/// Does what was asked for.
pub(crate) async fn run(options: &Options, progress: &mut Progress) -> Result<Invoice, Failure> {
    let mut seed = options.secret.unwrap_or_default();
    if options.secret.is_none() {
        getrandom::fill(&mut seed).map_err(|error| Failure::new("no_randomness", error.to_string()))?;
    }
    let keys = Keys::new(seed);
    let introduction = starts_at_channels(options).then_some(options.peer);
    let wallet = Connections::new(&keys, Wallet { introduction }, Limits::default());
    let deadline = UnixTime(now().0.saturating_add(options.deadline.as_secs()));
    // What cannot be asked for is refused before anybody is bothered.
    let what = match &options.subject {
        Subject::Offer(offer) => What::Payment(begin(options, offer, &keys, &wallet, deadline)?, ways(offer)),
        Subject::Refund(refund) => What::Claim(claim(options, refund, &keys, &wallet, deadline)?),
    };
    let going = tokio::spawn(wallet.keep_going(false));
    let result = converse(options, &wallet, what, deadline, progress).await;
    going.abort();
    wallet.manager.disconnect_all_peers();
    progress.clear();
    result
}

/// What is waited for.
enum What {
    Payment(PaymentId, u32),
    Claim(ClaimId),
}

/// Over how many paths an offer can be asked for.
fn ways(offer: &Offer) -> u32 {
    offer.paths().map_or(1, |paths| u32::try_from(paths.count()).unwrap_or(u32::MAX))
}

/// Begins the payment, or says which options are missing.
fn begin(
    options: &Options,
    offer: &Offer,
    keys: &Keys,
    wallet: &Connections<Wallet>,
    deadline: UnixTime,
) -> Result<PaymentId, Failure> {
    let refused = |error: Error| Failure::of(&error);
    let payer = keys.payer();
    let mut draft = payer.draft(offer, now(), CHAINS).map_err(refused)?;
    if let Some(amount) = options.amount {
        draft = draft.amount(amount);
    }
    if let Some(quantity) = options.quantity {
        draft = draft.quantity(quantity);
    }
    if let Some(note) = &options.note {
        draft = draft.payer_note(note);
    }
    if let (Some(price), Some(currency)) = (&options.rate, offer.currency()) {
        draft = draft.rate(rate(currency, price)?);
        draft = draft.limit(Limit::Tolerance { basis_points: options.tolerance_basis_points.unwrap_or(TOLERANCE) });
    }
    if let Some(max) = options.max {
        draft = draft.limit(Limit::AtMost(max));
    }
    check_needs(&draft)?;
    let payment = draft.retry(Retry::default()).start(keys.random(), now(), deadline);
    let payment = payment.map_err(|error| match (error.kind(), &options.note) {
        (ErrorKind::TooLong { len, max }, Some(_)) => {
            Failure::misuse(format!("--note is too long: it has {len} bytes, and the limit is {max}"))
        }
        _ => Failure::of(&error),
    })?;
    wallet.desk.update(|manager, now| manager.add_payment(payment, now)).map_err(|error| broken(&error))
}

fn rate(currency: CurrencyCode, price: &str) -> Result<Rate, Failure> {
    let unknown = || Failure::misuse(format!("the decimals of {currency} are not known: use --max"));
    let decimals = minor_unit(currency.as_str()).ok_or_else(unknown)?;
    Rate::per_bitcoin(currency, price, decimals).map_err(|error| Failure::misuse(format!("--rate: {error}")))
}

fn check_needs(draft: &Draft) -> Result<(), Failure> {
    let missing: Vec<String> = draft
        .needs()
        .iter()
        .map(|need| match need {
            Need::Quantity(Quantity::AtMost(max)) => format!("--quantity, from 1 to {max}"),
            Need::Quantity(_) => "--quantity: how many?".to_owned(),
            Need::Amount => "--amount: the offer has no price".to_owned(),
            Need::Limit(currency) => {
                format!("give --max or --rate: the price is in {currency}, so a limit in bitcoin is needed")
            }
            Need::Rate(currency) => format!("--rate: what a bitcoin costs in {currency}"),
            _ => "something that this program does not know".to_owned(),
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::misuse(format!("missing: {}", missing.join("; ")))) }
}

/// Makes the invoice that asks to be paid a refund, over the peer's channel with this node.
fn claim(
    options: &Options,
    refund: &Refund,
    keys: &Keys,
    wallet: &Connections<Wallet>,
    deadline: UnixTime,
) -> Result<ClaimId, Failure> {
    let refused = |error: Error| Failure::of(&error);
    let issuer = keys.issuer();
    let accepted = issuer.claim(refund, now(), CHAINS).map_err(refused)?;
    let expected = accepted.expected_payment();
    let through = options.channel.map(|channel| (options.peer, channel));
    let path = payment_path(keys.node.public_key(), expected.path_id.0.clone(), through, keys.random());
    let (path, payinfo) = path.map_err(refused)?;
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build().map_err(refused)?;
    let claim = accepted.sign(invoice, deadline, Retry::default()).map_err(refused)?;
    wallet.desk.update(|manager, now| manager.add_claim(claim, now)).map_err(|error| broken(&error))
}

/// Connects, as often as it takes, and waits for the end.
async fn converse(
    options: &Options,
    wallet: &Connections<Wallet>,
    what: What,
    deadline: UnixTime,
    progress: &mut Progress,
) -> Result<Invoice, Failure> {
    let mut connection: Option<JoinHandle<()>> = None;
    let mut was_connected = false;
    let mut sent = Sent::default();
    loop {
        if connection.as_ref().is_none_or(JoinHandle::is_finished) {
            // Who hangs up at once is not to be called a hundred times in a second.
            if connection.take().is_some() {
                tokio::time::sleep(AGAIN).await;
            }
            progress.say(if was_connected {
                format!("the connection is lost, connecting to {} again", options.address)
            } else {
                format!("connecting to {}", options.address)
            });
            match connect(options, wallet, deadline, progress).await {
                Ok(new) => (connection, was_connected) = (Some(new), true),
                // Who was there once may come back.
                Err(_) if was_connected && now() <= deadline => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
                Err(failure) => return Err(failure),
            }
        }
        for outgoing in wallet.desk.poll().send {
            match wallet.peers.send(&outgoing) {
                Ok(_) => sent.count += 1,
                Err(SendError::Message(error)) => return Err(Failure::of(&error)),
                Err(error) => {
                    sent.failed += 1;
                    sent.why = error.to_string();
                    wallet.desk.unreachable(&outgoing);
                }
            }
        }
        wallet.manager.process_events();
        if let Some(result) = look(wallet, &what, &mut sent, options, progress) {
            return result;
        }
        progress.turn();
        tokio::time::sleep(LOOK).await;
    }
}

/// What became of what was sent.
#[derive(Default)]
struct Sent {
    count: u32,
    failed: u32,
    why: String,
    waited: Duration,
}

/// Whether it is over, and what is happening.
fn look(
    wallet: &Connections<Wallet>,
    what: &What,
    sent: &mut Sent,
    options: &Options,
    progress: &mut Progress,
) -> Option<Result<Invoice, Failure>> {
    match *what {
        What::Payment(id, ways) => {
            begin_to_pay(wallet, id);
            let look = |payment: &Payment| match payment.state() {
                State::Asking { attempts } => {
                    if sent.count == 0 && sent.failed >= ways {
                        let text = format!("no path of the offer can be reached through this peer: {}", sent.why);
                        return Some(Err(Failure::new("unreachable", text)));
                    }
                    let path = attempts.saturating_sub(1) % ways + 1;
                    let again = if attempts > ways { ", retrying" } else { "" };
                    progress.say(format!("asking over path {path} of {ways}{again} (attempt {attempts})"));
                    None
                }
                State::Paying(payable) => Some(Ok(payable.invoice().clone())),
                State::NeedsApproval { objection, .. } => {
                    progress.say(format!("not paid: {objection}"));
                    None
                }
                State::Ended(end) => Some(Err(ended(end, options))),
                State::Quoted(_) | State::Paid(_) => None,
            };
            wallet.desk.look(|manager| manager.payment(id, look)).ok()?
        }
        What::Claim(id) => {
            let look = |claim: &Claim| match claim.state() {
                ClaimState::Sending if sent.count == 0 && sent.failed > 0 => {
                    Some(Err(Failure::new("unreachable", format!("the refund cannot be reached: {}", sent.why))))
                }
                ClaimState::Sending if sent.waited > OBJECTION => Some(Ok(claim.invoice().clone())),
                ClaimState::Sending => {
                    progress.say("the invoice is sent, listening whether somebody objects");
                    sent.waited += LOOK;
                    None
                }
                // Silence is all there is to hear.
                ClaimState::Ended(EndReason::Deadline) if sent.count > 0 => Some(Ok(claim.invoice().clone())),
                ClaimState::Ended(EndReason::Deadline) => {
                    let text = format!("the invoice could not be sent in {} seconds", options.deadline.as_secs());
                    Some(Err(Failure::new("deadline", text)))
                }
                ClaimState::Ended(end) => Some(Err(ended(end, options))),
                _ => Some(Ok(claim.invoice().clone())),
            };
            wallet.desk.look(|manager| manager.claim(id, look)).ok()?
        }
    }
}

/// Nobody has to be asked: what is too dear is no quote.
fn begin_to_pay(wallet: &Connections<Wallet>, id: PaymentId) {
    let quoted = |payment: &Payment| match payment.state() {
        State::Quoted(quote) => Some(quote.payment_hash()),
        _ => None,
    };
    if let Ok(Some(hash)) = wallet.desk.look(|manager| manager.payment(id, quoted)) {
        // If that is refused, another quote is asked for.
        let _ = wallet.desk.update(|manager, now| manager.begin(id, hash, now));
    }
}

fn broken(error: &ManagerError) -> Failure {
    Failure::new("ended", error.to_string())
}

fn ended(end: &EndReason, options: &Options) -> Failure {
    match end {
        // The text is a stranger's: it is shown with everything escaped that could deceive.
        EndReason::Refused(told) => {
            let text = told.error().map_or("it does not say why".to_owned(), |text| text.to_string());
            let field = told.erroneous_field().and_then(|field| field.name());
            let field = field.map_or(String::new(), |field| format!(" (about {field})"));
            Failure::new("refused", format!("the issuer refused: {text}{field}"))
        }
        EndReason::Deadline => {
            let (seconds, peer) = (options.deadline.as_secs(), options.peer);
            let start = match starts_at_channels(options) {
                true => format!("the offer's path starts at a channel, and that is none of {peer}"),
                false => {
                    format!(
                        "{peer} is not connected to the node where the offer's path starts, and dropped the request"
                    )
                }
            };
            let text = format!("no invoice came in {seconds} seconds: either nobody is there, or {start}");
            Failure::new("deadline", text)
        }
        EndReason::TooExpensive { .. } | EndReason::OffPrice { .. } => Failure::new("too_expensive", end.to_string()),
        EndReason::QuoteExpired => Failure::new("expired", "every invoice had expired when it came"),
        _ => Failure::new("ended", end.to_string()),
    }
}

/// Connects, shakes hands, and makes sure that the peer passes onion messages on.
async fn connect(
    options: &Options,
    wallet: &Connections<Wallet>,
    deadline: UnixTime,
    progress: &mut Progress,
) -> Result<JoinHandle<()>, Failure> {
    let patience = || Duration::from_secs(deadline.0.saturating_sub(now().0)).clamp(LOOK, CONNECTING);
    let cannot = |why: &dyn core::fmt::Display| {
        Failure::new("cannot_connect", format!("cannot connect to {}: {why}", options.address))
    };
    let stream = match timeout(patience(), TcpStream::connect(&options.address)).await {
        Err(_) => return Err(cannot(&"it does not answer")),
        Ok(Err(error)) => return Err(cannot(&error)),
        Ok(Ok(stream)) => stream.into_std().map_err(|error| cannot(&error))?,
    };
    progress.say(format!("shaking hands with {}", options.peer));
    let manager = Arc::clone(&wallet.manager);
    let connection = tokio::spawn(lightning_net_tokio::setup_outbound(manager, options.peer, stream));
    let shaken = async {
        loop {
            if let Some(knows) = wallet.knows_onion_messages(&options.peer) {
                return Some(knows);
            }
            if connection.is_finished() {
                return None;
            }
            progress.turn();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match timeout(patience(), shaken).await {
        Ok(Some(true)) => Ok(connection),
        Ok(Some(false)) => {
            let text = format!("{} does not know onion messages: ask another node", options.peer);
            Err(Failure::new("no_onion_messages", text))
        }
        Ok(None) => match wallet.log.last_with("requires features unknown") {
            Some(why) => Err(cannot(&why)),
            None => {
                let text = format!(
                    "{} ended the connection while shaking hands: most likely its node id is not {}, or it is full",
                    options.address, options.peer
                );
                Err(Failure::new("wrong_node_id", text))
            }
        },
        Err(_) => Err(cannot(&"it does not shake hands")),
    }
}
