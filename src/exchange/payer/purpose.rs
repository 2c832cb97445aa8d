//! What a payment is for, and what is sent and expected because of it.

use alloc::boxed::Box;
use alloc::string::String;

use bitcoin::constants::ChainHash;
use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::ids::PaymentId;
use crate::exchange::limits::{MAX_REQUEST_LEN, check_len, max_note_len};
use crate::exchange::message::{Destination, MessageArrival};
use crate::exchange::payer::choices::Choices;
use crate::exchange::payer::claims::PublishedRefund;
use crate::exchange::payer::keys::Payer;
use crate::exchange::recurring::Series;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::secret::{Nonce, Seal, Token};
use crate::field::BlindedPath;
use crate::invoice::{Invoice, SentTo};
use crate::invoice_request::InvoiceRequest;
use crate::offer::{Offer, UsableOffer};
use crate::signed::Unsigned;
use crate::tlv::TlvStream;
use crate::units::{Msat, UnixTime};

/// What a payment is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    Offer(Box<OfferPurpose>),
    Refund(Box<PublishedRefund>),
}

/// An offer, and what is said in requests for it.
#[derive(Clone, Debug)]
pub(crate) struct OfferPurpose {
    pub(crate) offer: Offer,
    pub(crate) chain: ChainHash,
    pub(crate) choices: Choices,
    /// The subscription that the payment belongs to. Most belong to none.
    pub(crate) series: Option<Box<Series>>,
}

impl Purpose {
    /// The offer, unless this is a refund.
    pub(crate) fn offer(&self) -> Option<&OfferPurpose> {
        match self {
            Self::Offer(offer) => Some(offer),
            Self::Refund(_) => None,
        }
    }

    /// The invoices that claim a refund.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &Invoice> + Clone {
        let claims = match self {
            Self::Offer(_) => &[][..],
            Self::Refund(refund) => &refund.claims,
        };
        claims.iter().map(|claim| &claim.invoice)
    }

    pub(crate) fn chain(&self) -> ChainHash {
        match self {
            Self::Offer(offer) => offer.chain,
            Self::Refund(refund) => refund.refund.chain(),
        }
    }

    /// What a path id stands for that was made for this.
    pub(crate) fn token(&self, payer: &Payer, arrival: &MessageArrival) -> Option<Token> {
        let MessageArrival::Path(path_id) = arrival else { return None };
        match self {
            Self::Offer(_) => payer.reply(path_id),
            Self::Refund(_) => payer.refund_path(path_id),
        }
    }

    /// The nonce of the request that a path id is for, or of the refund.
    fn nonce(&self, payer: &Payer, token: Token) -> Nonce {
        match self {
            Self::Offer(offer) => offer.nonce(payer, token),
            Self::Refund(_) => payer.refund_nonce(PaymentId(token.id)),
        }
    }

    /// IVR-8, by the MAC in the metadata: anyone who does not have the payer's secret cannot change what it covers.
    pub(crate) fn check_own(&self, payer: &Payer, tlvs: &TlvStream, token: Token) -> Result<(), Error> {
        let is_own = payer.seal(tlvs).is_some_and(|seal| seal.nonce == self.nonce(payer, token));
        let is_due = match self {
            // All requests of a subscription have one nonce.
            Self::Offer(offer) => offer.series.as_ref().is_none_or(|series| series.is_asked_for(tlvs)),
            Self::Refund(_) => true,
        };
        if is_own && is_due { Ok(()) } else { Err(Error::of(Field::INVREQ_METADATA, ErrorKind::Differs, Rule::Ivr8)) }
    }

    /// Everything that an invoice has to obey beside having come the right way and repeating its request. What it may
    /// cost is for the budget to say.
    pub(crate) fn check(&self, invoice: &Invoice, token: Token, now: UnixTime) -> Result<(), Error> {
        match self {
            Self::Offer(offer) => {
                if let Some(series) = &offer.series {
                    series.check(invoice, now)?;
                }
                let sent_to = offer.sent_to(token.position)?;
                invoice.check_own_answer(sent_to, now, &[offer.chain], Msat::MAX_MONEY).map(drop)
            }
            Self::Refund(refund) => refund.check(invoice, now),
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Self::Offer(offer) => {
                out.array([if offer.series.is_some() { SERIES } else { OFFER }]);
                out.bytes(offer.offer.as_bytes());
                out.array(offer.chain.to_bytes());
                offer.choices.write(out);
                if let Some(series) = &offer.series {
                    series.write(out);
                }
            }
            Self::Refund(refund) => {
                out.array([REFUND]);
                refund.write(out);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        match reader.byte()? {
            REFUND => Ok(Self::Refund(Box::new(PublishedRefund::read(reader, payer)?))),
            kind @ (OFFER | SERIES) => {
                let offer = Offer::read(reader.bytes()?.to_vec(), payer.known())?;
                let (chain, choices) = (ChainHash::from(reader.array()?), Choices::read(reader)?);
                let series = if kind == SERIES { Some(Box::new(Series::read(reader, &offer)?)) } else { None };
                Ok(Self::Offer(Box::new(OfferPurpose { offer, chain, choices, series })))
            }
            _ => Err(invalid()),
        }
    }
}

/// What a saved payment is for.
const REFUND: u8 = 0;

const OFFER: u8 = 1;

const SERIES: u8 = 2;

impl OfferPurpose {
    pub(crate) fn nonce(&self, payer: &Payer, token: Token) -> Nonce {
        let of_all = self.series.as_deref().and_then(Series::nonce);
        // One signature is enough: what is signed elsewhere is the same over every way.
        let position = if self.choices.signer.is_some() { 0 } else { token.position };
        of_all.unwrap_or_else(|| payer.nonce(Token { position, ..token }, self.chain, self.choices.amount))
    }

    /// The request that a token is for. It is the same every time, so that sending it twice is a repetition (EXC-5,
    /// RQR-5).
    pub(crate) fn request(
        &self,
        payer: &Payer,
        token: Token,
        signature: Option<&schnorr::Signature>,
    ) -> Result<InvoiceRequest, Error> {
        match signature {
            Some(signature) => self.to_sign(payer, token)?.complete(signature),
            None => {
                let keypair = payer.request_keypair(&self.nonce(payer, token));
                self.unsigned(payer, token, keypair.public_key())?.sign(&keypair)
            }
        }
    }

    /// The same for anyone who signs it elsewhere.
    pub(crate) fn to_sign(&self, payer: &Payer, token: Token) -> Result<Unsigned<InvoiceRequest>, Error> {
        let payer_id = match &self.choices.signer {
            Some(signer) => **signer,
            None => payer.request_keypair(&self.nonce(payer, token)).public_key(),
        };
        self.unsigned(payer, token, payer_id)
    }

    fn unsigned(&self, payer: &Payer, token: Token, payer_id: PublicKey) -> Result<Unsigned<InvoiceRequest>, Error> {
        let nonce = self.nonce(payer, token);
        let offer = UsableOffer::again(&self.offer, self.chain);
        let metadata = Seal { nonce, tag: [0; 16] }.to_bytes();
        let mut request = self.choices.request(offer, payer_id, metadata);
        if let Some(series) = &self.series {
            request = series.ask(request);
        }
        let mac = |records: [&[u8]; 2]| payer.request_tag(&nonce, records);
        request.build_sealed(payer.name_key(), mac)
    }

    /// Checks that a request can be made, so that whatever cannot be asked for is refused at once.
    pub(crate) fn check(&self, payer: &Payer) -> Result<(), Error> {
        let len = self.choices.payer_note.len();
        // What is too long for any message is still a note that is too long.
        if len > MAX_REQUEST_LEN {
            let max = self.max_note_len(payer)?;
            return Err(Error::of(Field::INVREQ_PAYER_NOTE, ErrorKind::TooLong { len, max }, Rule::Exc1));
        }
        check_len(self.sample(payer)?.tlvs())
    }

    /// The most bytes that fit into the note of the request.
    pub(crate) fn max_note_len(&self, payer: &Payer) -> Result<usize, Error> {
        let without = Self { choices: Choices { payer_note: String::new(), ..self.choices.clone() }, ..self.clone() };
        let request = without.sample(payer)?;
        check_len(request.tlvs())?;
        Ok(max_note_len(request.tlvs()).unwrap_or(0))
    }

    /// A request as long as all of them, whoever signs those.
    fn sample(&self, payer: &Payer) -> Result<InvoiceRequest, Error> {
        self.request(payer, Token { id: [0; 14], generation: 0, position: 0 }, None)
    }

    /// Whether nothing can be asked for any more. An offer may expire while an answer is on its way.
    pub(crate) fn has_expired(&self, now: UnixTime) -> bool {
        let goes_on = self.series.as_ref().is_some_and(|series| series.goes_on());
        !goes_on && self.offer.check_expiry(now).is_err()
    }

    /// The paths of the offer (OFR-11). More than a path id can count are not needed.
    fn paths(&self) -> impl Iterator<Item = BlindedPath<'_>> {
        self.offer.paths().into_iter().flatten().take(u8::MAX.into())
    }

    /// How many ways there are to the issuer.
    pub(crate) fn ways(&self) -> u8 {
        u8::try_from(self.paths().count()).unwrap_or(u8::MAX).max(1)
    }

    /// OFR-11
    pub(crate) fn destination(&self, position: u8) -> Result<Destination, Error> {
        let path = self.paths().nth(position.into()).map(|path| Destination::Path(path.into_owned()));
        let destination = path.or_else(|| self.offer.issuer_id().map(Destination::Node));
        destination.ok_or(Error::missing(Field::OFFER_ISSUER_ID, Rule::Ofr7))
    }

    pub(crate) fn sent_to(&self, position: u8) -> Result<SentTo, Error> {
        match self.destination(position)? {
            Destination::Path(path) => Ok(SentTo::Path(path.last_blinded_node_id())),
            Destination::Node(_) => Ok(SentTo::IssuerId),
        }
    }
}
