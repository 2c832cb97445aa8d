//! What is asked, and what came of it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bolt12::exchange::{
    Action, Claim, Draft, IncomingMessage, Limit, NameLookup, Need, OutgoingDnsMessage, OutgoingMessage, PathId, Payee,
    Payer, Payment, ReceivedProof, Retry,
};
use bolt12::onion::HopKey;
use bolt12::peers::SendError;
use bolt12::{ChainHash, CurrencyCode, Error, ErrorKind, Offer, Quantity, Rate, Refund, ResolvedName, UnixTime};

use super::channel::payment_path;
use super::failure::Failure;
use super::net::{Application, Keys, lock, now, random};
use super::options::{Options, Subject};

/// Nothing is paid here, so every chain will do.
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN, ChainHash::SIGNET, ChainHash::TESTNET3, ChainHash::REGTEST];

/// How many basis points an invoice may be from the rate, if nothing else is said.
const TOLERANCE: u32 = 200;

/// What is waited for.
pub(crate) enum What {
    Payment(Box<Payment>),
    Claim(Box<Claim>),
    /// What a name stands for, and then the payment.
    Name(Box<NameLookup>),
}

/// A wallet asks, and is asked nothing.
pub(crate) struct Wallet {
    payer: Payer,
    payee: Payee,
    what: Mutex<What>,
}

impl Wallet {
    /// Begins, or says which options are missing. What cannot be asked for is refused before anybody is bothered.
    pub(crate) fn new(options: &Options, keys: &Keys, deadline: UnixTime) -> Result<Self, Failure> {
        let (payer, payee) = (keys.payer(), keys.issuer());
        let what = match &options.subject {
            Subject::Offer(offer) => What::Payment(Box::new(begin(options, offer, &payer, deadline)?)),
            Subject::Refund(refund) => What::Claim(Box::new(claim(options, refund, keys, &payee, deadline)?)),
            Subject::Name(name) => {
                let lookup = payer.look_up(name, &options.resolvers, random(), now(), deadline);
                What::Name(Box::new(lookup.map_err(|error| Failure::of(&error))?))
            }
        };
        Ok(Self { payer, payee, what: Mutex::new(what) })
    }

    pub(crate) fn look(&self) -> MutexGuard<'_, What> {
        lock(&self.what)
    }

    /// What to send now.
    pub(crate) fn poll(&self) -> Result<Option<OutgoingMessage>, Failure> {
        let action = match &mut *self.look() {
            What::Payment(payment) => payment.poll(now()),
            What::Claim(claim) => claim.poll(now()),
            What::Name(_) => return Ok(None),
        };
        match action.map_err(|error| Failure::of(&error))? {
            Action::Send(outgoing) => Ok(Some(*outgoing)),
            _ => Ok(None),
        }
    }

    /// Whom to ask for the name now, if there is one.
    pub(crate) fn poll_name(&self) -> Option<OutgoingDnsMessage> {
        match &mut *self.look() {
            What::Name(lookup) => match lookup.poll(now()) {
                Action::Send(outgoing) => Some(*outgoing),
                _ => None,
            },
            _ => None,
        }
    }

    /// The name is looked up: from now on its offer is what is asked for (URI-3, URI-5, NAM-8, NAM-9).
    pub(crate) fn resolved(
        &self,
        options: &mut Options,
        resolved: ResolvedName,
        deadline: UnixTime,
    ) -> Result<(), Failure> {
        let refused = |error: Error| Failure::of(&error);
        let uri = resolved.uri().map_err(refused)?;
        let offers = CHAINS.iter().map(|chain| uri.offer(*chain));
        let offer = offers.reduce(|found, next| found.or(next)).expect("a chain").map_err(refused)?.clone();
        if options.amount.is_none() {
            options.amount = uri.amount_for(&offer).map_err(refused)?;
        }
        options.resolved = Some(resolved);
        let payment = begin(options, &offer, &self.payer, deadline)?;
        options.link = Some(Box::new(uri));
        options.subject = Subject::Offer(Box::new(offer));
        *self.look() = What::Payment(Box::new(payment));
        Ok(())
    }

    /// What was to be sent cannot get there: the next way is tried.
    pub(crate) fn unreachable(&self, path_id: Option<&PathId>) {
        let Some(path_id) = path_id else { return };
        match &mut *self.look() {
            What::Payment(payment) => payment.unreachable(path_id, now()),
            What::Claim(claim) => claim.unreachable(path_id, now()),
            What::Name(lookup) => lookup.unreachable(path_id, now()),
        }
    }
}

impl Application for Wallet {
    fn receive(&self, message: IncomingMessage, _: &HopKey) -> Option<OutgoingMessage> {
        match &mut *self.look() {
            What::Payment(payment) if self.payer.payment_of(&message.arrival) == Some(payment.id()) => {
                payment.receive(message, now()).err()?.answer().cloned()
            }
            What::Claim(claim) if self.payee.claim_of(&message.arrival) == Some(claim.id()) => {
                claim.receive(message, now()).err()?.answer().cloned()
            }
            _ => None,
        }
    }

    fn not_sent(&self, _: &SendError) {}

    fn proof(&self, proof: &ReceivedProof) {
        if let What::Name(lookup) = &mut *self.look() {
            // What does not count is said at the end.
            let _ = lookup.receive(proof, now(), ResolvedName::verify);
        }
    }
}

fn begin(options: &Options, offer: &Offer, payer: &Payer, deadline: UnixTime) -> Result<Payment, Failure> {
    let refused = |error: Error| Failure::of(&error);
    let mut draft = payer.draft(offer, now(), CHAINS).map_err(refused)?;
    if let Some(name) = &options.resolved {
        draft = draft.resolved(name, now()).map_err(refused)?;
    }
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
    let payment = draft.retry(Retry::default()).start(random(), now(), deadline);
    payment.map_err(|error| match (error.kind(), &options.note) {
        (ErrorKind::TooLong { len, max }, Some(_)) => {
            Failure::misuse(format!("--note is too long: it has {len} bytes, and the limit is {max}"))
        }
        _ => Failure::of(&error),
    })
}

fn rate(currency: CurrencyCode, price: &str) -> Result<Rate, Failure> {
    Rate::per_bitcoin(currency, price).map_err(|error| match error.kind() {
        ErrorKind::UnknownMinorUnit(_) => {
            Failure::misuse(format!("the decimals of {currency} are not known: use --max"))
        }
        _ => Failure::misuse(format!("--rate: {error}")),
    })
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
fn claim(options: &Options, refund: &Refund, keys: &Keys, payee: &Payee, deadline: UnixTime) -> Result<Claim, Failure> {
    let refused = |error: Error| Failure::of(&error);
    let accepted = payee.claim(refund, now(), CHAINS).map_err(refused)?;
    let expected = accepted.expected_payment();
    let peer = options.peers.first().map(|(id, _)| *id);
    let through = peer.zip(options.channel);
    let path = payment_path(keys.node.public_key(), expected.path_id.0.clone(), through, random());
    let (path, payinfo) = path.map_err(refused)?;
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build().map_err(refused)?;
    accepted.sign(invoice, deadline, Retry::default()).map_err(refused)
}

/// How long it is waited altogether, in words.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} seconds", time.as_secs())
}
