//! The merchant's side: makes offers, recognises them when they come back, and keeps nothing (EXC-2).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use secp256k1::{Keypair, PublicKey};
use zeroize::Zeroizing;

use super::received::{ReceivedRequest, Refused};
use super::secret::{MacKey, Nonce, Seal, offer_records};
use super::via::{Incoming, PathId, Via};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, BlindedPaths, KnownFeatures, Value};
use crate::invoice_request::{InvoiceRequest, RequestArrival};
use crate::offer::{Offer, OfferBuilder};
use crate::signed::Unverified;
use crate::tlv::TlvStream;

/// Whoever makes offers and answers requests for them. Needs a secret, and no storage, unless it sells subscriptions: see
/// `ReceivedRequest::accept_recurring`, with the feature `recurrence`.
///
/// All that follows from one secret is the same everywhere: any number of replicas that have it recognise each
/// other's offers, sign with the same keys and answer alike (EXC-2). Whoever learns the secret can sign invoices for
/// these offers.
///
/// ```
/// # use bolt12::{BlindedPath, Error, Msat, Offer, OfferBuilder};
/// use bolt12::exchange::{Issuer, PathId};
///
/// # fn make_offer(make_path: impl Fn(PathId) -> BlindedPath<'static>) -> Result<Offer, Error> {
/// let issuer = Issuer::new([0x42; 32]); // a secret of your own
/// let new = issuer.new_offer([7; 16]); // fresh randomness
/// let path = make_path(new.path_id(0)); // a blinded path to your node that holds this path id
/// let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000)).add_path(path);
/// let offer = new.build(offer)?;
/// assert!(issuer.is_own(&offer));
/// # Ok(offer)
/// # }
/// ```
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Issuer {
    keys: Arc<Keys>,
    known: &'static KnownFeatures,
}

/// One key for each purpose.
#[derive(Debug)]
struct Keys {
    offers: MacKey,
    offer_paths: MacKey,
    offer_keys: MacKey,
    preimages: MacKey,
    refund_keys: MacKey,
    payment_ids: MacKey,
    claims: MacKey,
    states: MacKey,
}

impl Issuer {
    /// The issuer whose secret this is. The secret must be unpredictable and serve nothing else.
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let key = |purpose| MacKey::derive(&secret, purpose);
        let keys = Keys {
            offers: key("issuer offer"),
            offer_paths: key("issuer offer path"),
            offer_keys: key("issuer offer key"),
            preimages: key("issuer preimage"),
            refund_keys: key("issuer refund key"),
            payment_ids: key("issuer payment"),
            claims: key("issuer claim"),
            states: key("issuer state"),
        };
        Self { keys: Arc::new(keys), known: KnownFeatures::default_ref() }
    }

    /// Names the compulsory features that the application knows.
    #[must_use]
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    pub(super) fn known(&self) -> &'static KnownFeatures {
        self.known
    }

    pub(super) fn states(&self) -> &MacKey {
        &self.keys.states
    }

    pub(super) fn payment_ids(&self) -> &MacKey {
        &self.keys.payment_ids
    }

    pub(super) fn preimages(&self) -> &MacKey {
        &self.keys.preimages
    }

    pub(super) fn claims(&self) -> &MacKey {
        &self.keys.claims
    }

    /// Begins an offer. The nonce must be new: it makes the offer's key and path ids its own, so that nobody can
    /// tell that two offers come from one issuer.
    pub fn new_offer(&self, nonce: [u8; 16]) -> NewOffer<'_> {
        NewOffer { issuer: self, nonce }
    }

    /// Whether this issuer made the offer, and nobody changed it. Costs a MAC.
    pub fn is_own(&self, offer: &Offer) -> bool {
        self.seal(offer.tlvs()).is_some()
    }

    /// Authenticates a request: that its offer is ours and untouched (RQR-6), that it came the way it had to
    /// (RQR-7), and only then its form and its signature (EXC-1).
    ///
    /// What it may cost, and whether it is on time, is decided when it is [accepted](ReceivedRequest::accept).
    ///
    /// # Errors
    ///
    /// A refusal, with the answer to send unless silence is better. One that [is cheap](Refused::is_cheap) cost no
    /// curve operation: a flood of those can only come from somebody who does not answer an offer of ours.
    pub fn receive(&self, incoming: Incoming) -> Result<ReceivedRequest, Box<Refused>> {
        let Incoming { bytes, via, reply_path } = incoming;
        // MSG-3
        let Some(reply_path) = reply_path else {
            return Err(Refused::silent(Error::new(ErrorKind::NoReplyPath, Rule::Msg3)));
        };
        let tlvs = read(bytes)?;
        // Hashing what nobody made costs more than it may, if it is long enough.
        let seal = if offer_len(&tlvs) > MAX_OFFER_LEN { None } else { self.seal(&tlvs) };
        let Some(seal) = seal else {
            // No field is named: what differs is nobody's business who probes for offers.
            return Err(Refused::silent(Error::new(ErrorKind::Differs, Rule::Rqr6)));
        };
        let Some(arrival) = self.arrival(&tlvs, &seal.nonce, via) else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Rqr7)));
        };
        self.verify(tlvs, arrival, reply_path, Some(seal.nonce))
    }

    /// The same for an offer that was made without this issuer, and is known for example from a database, where
    /// [`OfferId::in_message`](crate::OfferId::in_message) finds it. How the request came is then for the caller to
    /// say.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive).
    pub fn receive_for(
        &self,
        offer: &Offer,
        bytes: Vec<u8>,
        arrival: RequestArrival,
        reply_path: BlindedPath<'static>,
    ) -> Result<ReceivedRequest, Box<Refused>> {
        // The length of that offer is the caller's choice.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        if !crate::offer::same_records(&tlvs, offer.tlvs()) {
            return Err(Refused::silent(Error::new(ErrorKind::Differs, Rule::Rqr6)));
        }
        offer.check_arrival(arrival).map_err(Refused::silent)?;
        self.verify(tlvs, arrival, reply_path, None)
    }

    /// The form and the signature of a request that came the right way for an own offer.
    fn verify(
        &self,
        tlvs: TlvStream,
        arrival: RequestArrival,
        reply_path: BlindedPath<'static>,
        nonce: Option<Nonce>,
    ) -> Result<ReceivedRequest, Box<Refused>> {
        let paths = tlvs.value(Field::INVREQ_PATHS.number()).map_or(0, <[u8]>::len);
        if paths > MAX_REQUEST_PATHS_LEN {
            let kind = ErrorKind::TooLong { len: paths, max: MAX_REQUEST_PATHS_LEN };
            return Err(Refused::with_answer(Error::of(Field::INVREQ_PATHS, kind, Rule::Exc1), reply_path));
        }
        if let Err(error) = check_len(&tlvs) {
            return Err(Refused::with_answer(error, reply_path));
        }
        // IVW-3
        let signer = match arrival {
            RequestArrival::OfferPath(last) if !tlvs.contains(Field::OFFER_ISSUER_ID.number()) => Some(last),
            _ => None,
        };
        let unverified = Unverified::<InvoiceRequest>::of(tlvs, self.known);
        match unverified.and_then(|unverified| unverified.verify_with(signer)) {
            Ok(request) => Ok(ReceivedRequest::new(self, request, arrival, reply_path, nonce)),
            Err(error) => Err(Refused::with_answer(error, reply_path)),
        }
    }

    /// The metadata of an offer, wherever it stands, if it is ours and all the rest is as it was.
    fn seal(&self, tlvs: &TlvStream) -> Option<Seal> {
        let seal = Seal::read(tlvs.value(4)?)?;
        let [first, middle, last] = offer_records(tlvs);
        self.keys.offers.verifies(&[&seal.nonce, first, middle, last], &seal.tag).then_some(seal)
    }

    /// RQR-7: over one of the offer's paths if it has some, else directly.
    fn arrival(&self, tlvs: &TlvStream, nonce: &Nonce, via: Via) -> Option<RequestArrival> {
        let paths = tlvs.value(16).map(BlindedPaths::decode);
        match (paths, via) {
            (None, Via::Direct) => Some(RequestArrival::Direct),
            (Some(Ok(paths)), Via::Path(path_id)) => {
                let mut paths = paths.iter().enumerate();
                let made = |at: usize| u8::try_from(at).map(|at| [at]);
                let is_over =
                    |at: usize, key: &MacKey| made(at).is_ok_and(|at| key.verifies_whole(&[nonce, &at], &path_id.0));
                let (_, path) = paths.find(|(at, _)| is_over(*at, &self.keys.offer_paths))?;
                Some(RequestArrival::OfferPath(path.last_blinded_node_id()))
            }
            _ => None,
        }
    }

    /// The key pair of an offer that this issuer began with the nonce.
    pub(super) fn offer_keypair(&self, nonce: &Nonce) -> Keypair {
        self.keys.offer_keys.keypair(&[nonce])
    }

    /// The key pair that claims a refund.
    pub(super) fn refund_keypair(&self, refund: &[u8]) -> Keypair {
        self.keys.refund_keys.keypair(&[refund])
    }
}

/// The most bytes that an offer of an [`Issuer`] can have: enough for a dozen paths, and too few to make it hash for
/// long what it did not make (EXC-1).
pub const MAX_OFFER_LEN: usize = 4096;

/// The most bytes that a request can add to its offer: an [`Issuer`] takes no more, and a payer's
/// [`Draft`](super::Draft) sends no more.
pub const MAX_REQUEST_LEN: usize = 4096;

/// The most bytes of paths in a request, which no payer of an offer needs: each point in them costs a curve operation.
const MAX_REQUEST_PATHS_LEN: usize = 512;

/// Refuses a request that adds too much to its offer, in the bytes of the note: the payer can change nothing else.
pub(super) fn check_len(tlvs: &TlvStream) -> Result<(), Error> {
    let added = tlvs.as_bytes().len().saturating_sub(offer_len(tlvs));
    let excess = added.saturating_sub(MAX_REQUEST_LEN);
    if excess == 0 {
        return Ok(());
    }
    let note = tlvs.value(Field::INVREQ_PAYER_NOTE.number()).map_or(0, <[u8]>::len);
    Err(match note.checked_sub(excess) {
        Some(max) => Error::of(Field::INVREQ_PAYER_NOTE, ErrorKind::TooLong { len: note, max }, Rule::Exc1),
        None => Error::new(ErrorKind::TooLong { len: added, max: MAX_REQUEST_LEN }, Rule::Exc1),
    })
}

/// The records of a request. One that is longer than any that is answered is not even taken apart.
fn read(bytes: Vec<u8>) -> Result<TlvStream, Box<Refused>> {
    let max = MAX_OFFER_LEN.saturating_add(MAX_REQUEST_LEN);
    if bytes.len() > max {
        return Err(Refused::silent(Error::new(ErrorKind::TooLong { len: bytes.len(), max }, Rule::Exc1)));
    }
    TlvStream::read(bytes).map_err(Refused::silent)
}

/// How long the offer in a message is.
fn offer_len(tlvs: &TlvStream) -> usize {
    offer_records(tlvs).iter().map(|records| records.len()).sum()
}

/// An offer in the making: what has to be known before its paths and fields are.
#[derive(Clone, Copy, Debug)]
pub struct NewOffer<'a> {
    issuer: &'a Issuer,
    nonce: Nonce,
}

impl NewOffer<'_> {
    /// A key for this offer alone, for the [`OfferBuilder::new`] of an offer with paths. Invoices are signed with it
    /// without further ado ([`Accepted::sign`](super::Accepted::sign)). Another key can be used as well; its holder
    /// then signs. An offer without paths needs the id of the node to which requests go.
    pub fn issuer_id(&self) -> PublicKey {
        self.issuer.offer_keypair(&self.nonce).public_key()
    }

    /// The path id of the offer's path at this position, counted from 0: each path has its own, in the order in
    /// which they are added to the offer. The position tells later over which path a request came, and so which key
    /// signs for an offer without an issuer id.
    ///
    /// What is inside a path only its last node sees, so nothing here can notice a path that holds another id, or none:
    /// requests over it are refused without a word. Ask for the offer once before you print it.
    pub fn path_id(&self, position: u8) -> PathId {
        PathId(self.issuer.keys.offer_paths.mac(&[&self.nonce, &[position]]))
    }

    /// Finishes the offer: its metadata authenticate all other fields. Key and path ids in it are to be those of this
    /// beginning, not of another.
    ///
    /// # Errors
    ///
    /// `Missing` for an offer without a path whose issuer id is the [key made for it](Self::issuer_id): that is no
    /// node's, so nothing would lead to the issuer (OFR-11). `TooLong` above [`MAX_OFFER_LEN`]. Otherwise as for
    /// [`OfferBuilder::build`].
    pub fn build(self, offer: OfferBuilder) -> Result<Offer, Error> {
        let offer = offer.knowing(self.issuer.known);
        let mut seal = Seal { nonce: self.nonce, tag: [0; 16] };
        let unsealed = offer.clone().metadata(seal.to_bytes()).build()?;
        let len = offer_len(unsealed.tlvs());
        if len > MAX_OFFER_LEN {
            return Err(Error::new(ErrorKind::TooLong { len, max: MAX_OFFER_LEN }, Rule::Exc1));
        }
        if unsealed.paths().is_none() && unsealed.issuer_id() == Some(self.issuer_id()) {
            return Err(Error::missing(Field::OFFER_PATHS, Rule::Ofr11));
        }
        let [first, middle, last] = offer_records(unsealed.tlvs());
        seal.tag = self.issuer.keys.offers.short(&[&seal.nonce, first, middle, last]);
        offer.metadata(seal.to_bytes()).build()
    }
}
