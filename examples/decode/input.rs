//! What is handed in, a text or `hex:KIND:…`, and what it turns out to be.

use std::fmt;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    BitcoinUri, BlindedPaths, Bolt12, ChainHash, Disclosure, Error, ErrorKind, Fallbacks, Features, Field, Invoice,
    InvoiceError, InvoiceFields, InvoiceRequest, KnownFeatures, MessageKind, Msat, MultiPart, Offer, OfferAmount,
    OfferFields, Pasted, PayInfos, PayerProof, Refund, RequestFields, TlvRecord, TlvStream, UnixTime,
    printed_txt_records,
};
#[cfg(feature = "async_payments")]
use bolt12::{StaticInvoice, StaticInvoiceFields};

use super::remains::{self, Remains};

/// The kinds of messages that can be named after `hex:`.
const KINDS: &[MessageKind] = &[
    MessageKind::Offer,
    MessageKind::InvoiceRequest,
    MessageKind::Invoice,
    MessageKind::InvoiceError,
    MessageKind::PayerProof,
    #[cfg(feature = "async_payments")]
    MessageKind::StaticInvoice,
];

/// The fields that only a proof has.
const PROOF_TYPES: [u64; 6] = [241, 1001, 1002, 1003, 1004, 1005];

/// What was read: a message, and the link that it came in.
pub(crate) struct Input {
    /// The message.
    pub(crate) message: Message,
    /// The link.
    pub(crate) link: Option<Box<BitcoinUri>>,
}

/// A message that was read.
pub(crate) enum Message {
    /// An offer.
    Offer(Box<Offer>),
    /// A request that answers an offer.
    Request(Box<InvoiceRequest>),
    /// A request that answers none.
    Refund(Box<Refund>),
    /// An invoice.
    Invoice(Box<Invoice>),
    /// A proof that an invoice was paid.
    Proof(Box<PayerProof>),
    /// An invoice error.
    Error(InvoiceError),
    /// An invoice that somebody else hands out.
    #[cfg(feature = "async_payments")]
    StaticInvoice(Box<StaticInvoice>),
}

/// A string that was not.
pub(crate) struct Refused {
    /// The string as it was given.
    pub(crate) text: String,
    /// What it was meant to be, as far as that can be told.
    pub(crate) kind: Option<MessageKind>,
    /// Where in the string the fault is, in characters counted from 1.
    pub(crate) column: Option<usize>,
    /// What is wrong.
    pub(crate) fault: Fault,
    /// The link, if that is well formed.
    pub(crate) link: Option<Box<BitcoinUri>>,
    /// The fields that could be read before the fault, and behind it as far as they hold together.
    pub(crate) remains: Remains,
    /// Where the DNS holds what a name stands for.
    pub(crate) dns_name: Option<String>,
}

/// What is wrong with a string.
pub(crate) enum Fault {
    /// The library refused it.
    Message(Box<Error>),
    /// `hex:` and no kind of message.
    NoKind,
    /// `hex:offer:` and something other than hexadecimal digits.
    NotHex,
    /// An odd number of hexadecimal digits.
    HalfByte,
    /// A kind of message that the library learned to read after this was written.
    NotShown,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Message(Box::new(error))
    }
}

impl Fault {
    /// The library's error, if it is one.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Self::Message(error) => Some(error),
            _ => None,
        }
    }

    /// A stable identifier, for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Message(error) => error.kind().code(),
            Self::NoKind => "unknown_kind",
            Self::NotHex | Self::HalfByte => "invalid_hex",
            Self::NotShown => "not_shown",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(error) => error.fmt(f),
            Self::NoKind => f.write_str(
                "after hex: stands a kind of message and another colon: \
                 offer, invoice_request, invoice, invoice_error, payer_proof or static_invoice",
            ),
            Self::NotHex => f.write_str("a message in hexadecimal holds only the digits 0 to 9 and a to f"),
            Self::HalfByte => f.write_str("the hexadecimal digits do not come in pairs: one is missing or too many"),
            Self::NotShown => f.write_str("this kind of message cannot be shown"),
        }
    }
}

/// Reads a string of any kind.
pub(crate) fn read(text: &str) -> Result<Input, Refused> {
    let trimmed = text.trim();
    if let Some(rest) = trimmed.strip_prefix("hex:") {
        let skipped = text.chars().take_while(|c| c.is_whitespace()).count() + "hex:".len();
        return read_hex(text, skipped, rest).map(|message| Input { message, link: None });
    }
    // What a tool of the DNS printed, which may be several strings.
    match printed_txt_records(text) {
        Ok(uri) if trimmed.starts_with('"') && !trimmed.contains(&*uri) => read_pasted(&uri),
        _ => read_pasted(text),
    }
}

fn read_pasted(text: &str) -> Result<Input, Refused> {
    let (link, dns_name) = match Pasted::read(text) {
        Ok(Pasted::Uri(uri)) => (Some(uri), None),
        Ok(Pasted::Name(name)) => (None, Some(name.dns_name().to_string())),
        _ => (None, None),
    };
    // Of a link this is its offer; of a name, that it has to be looked up.
    let message = match Pasted::read(text) {
        Err(error) => Err(error),
        Ok(_) => text.parse::<Bolt12>(),
    };
    match message.map_err(Fault::from).and_then(known) {
        Ok(message) => Ok(Input { message, link }),
        Err(fault) => {
            let is_bolt12 = !matches!(fault.error().map(Error::kind), Some(ErrorKind::NotBolt12(_)));
            let kind = if is_bolt12 { meant(text.trim()) } else { None };
            let column = fault.error().and_then(Error::column);
            let remains = remains::of_text(text);
            Err(Refused { text: text.to_owned(), kind, column, fault, link, remains, dns_name })
        }
    }
}

/// Reads `KIND:DIGITS`, in front of which so many characters were skipped.
fn read_hex(text: &str, skipped: usize, rest: &str) -> Result<Message, Refused> {
    let refused = |kind, column, fault, remains| Refused {
        text: text.to_owned(),
        kind,
        column,
        fault,
        link: None,
        remains,
        dns_name: None,
    };
    let named = rest.split_once(':').and_then(|(name, digits)| {
        let kind = *KINDS.iter().find(|kind| kind.name() == name)?;
        Some((kind, digits))
    });
    let Some((kind, digits)) = named else {
        return Err(refused(None, Some(skipped + 1), Fault::NoKind, Vec::new()));
    };
    let first = skipped + kind.name().len() + 2;
    let bytes = hex::decode(digits).map_err(|error| match error {
        hex::FromHexError::InvalidHexCharacter { index, .. } => {
            refused(Some(kind), Some(first + index), Fault::NotHex, Vec::new())
        }
        _ => refused(Some(kind), None, Fault::HalfByte, Vec::new()),
    })?;
    let message = match kind {
        MessageKind::InvoiceError => InvoiceError::try_from(&*bytes).map(Message::Error).map_err(Fault::from),
        #[cfg(feature = "async_payments")]
        MessageKind::StaticInvoice => StaticInvoice::try_from(&*bytes)
            .map(|invoice| Message::StaticInvoice(Box::new(invoice)))
            .map_err(Fault::from),
        _ => Bolt12::read(kind, bytes.clone(), const { &KnownFeatures::DEFAULT }).map_err(Fault::from).and_then(known),
    };
    message.map_err(|fault| {
        let offset = fault.error().and_then(Error::offset);
        // A fault at the end is shown at the last digit.
        let column = offset.map(|offset| first + (2 * offset).min(digits.len().saturating_sub(1)));
        refused(Some(kind), column, fault, remains::of_bytes(&bytes))
    })
}

/// The kinds of messages that this program shows.
fn known(message: Bolt12) -> Result<Message, Fault> {
    match message {
        Bolt12::Offer(offer) => Ok(Message::Offer(offer)),
        Bolt12::InvoiceRequest(request) => Ok(Message::Request(request)),
        Bolt12::Refund(refund) => Ok(Message::Refund(refund)),
        Bolt12::Invoice(invoice) => Ok(Message::Invoice(invoice)),
        Bolt12::PayerProof(proof) => Ok(Message::Proof(proof)),
        _ => Err(Fault::NotShown),
    }
}

/// What the first letters of a refused text say it is, a link around it and continuations left out.
fn meant(text: &str) -> Option<MessageKind> {
    let letters: String =
        text.chars().filter(|c| *c != '+' && !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    let letters = match letters.strip_prefix("bitcoin:") {
        Some(link) => link.split_once("lno=").map_or(link, |(_, value)| value),
        None => letters.strip_prefix("lightning:").unwrap_or(&letters).trim_start_matches('/'),
    };
    KINDS.iter().copied().find(|kind| {
        let rest = kind.prefix().and_then(|prefix| letters.strip_prefix(prefix));
        rest.is_some_and(|rest| rest.starts_with('1'))
    })
}

/// What Core Lightning and decoders on npm call the id of an offer: the SHA-256 of its records.
pub(crate) fn offer_id(offer: &OfferFields) -> String {
    let records: Vec<u8> = offer.records().flat_map(|record| record.as_bytes().to_vec()).collect();
    sha256::Hash::hash(&records).to_string()
}

/// The suggested value as it stands there, also one that is no value of its field (ERW-2).
pub(crate) fn suggested_value(error: &InvoiceError) -> Option<Vec<u8>> {
    let tlvs = TlvStream::read(error.as_bytes().to_vec()).ok()?;
    tlvs.get(Field::SUGGESTED_VALUE.number()).map(|record| record.value().to_vec())
}

/// The views of a message's fields: an offer has the first, a request two, an invoice all. A proof has all,
/// and each field may be hidden.
pub(crate) struct Views<'a> {
    /// The fields of the offer.
    pub(crate) offer: &'a OfferFields,
    /// The fields of the request.
    pub(crate) request: Option<&'a RequestFields>,
    /// The fields of the invoice.
    pub(crate) invoice: Option<&'a InvoiceFields>,
    /// The fields of the static invoice.
    #[cfg(feature = "async_payments")]
    pub(crate) static_invoice: Option<&'a StaticInvoiceFields>,
    /// The proof that discloses them.
    pub(crate) proof: Option<&'a PayerProof>,
    /// All records.
    tlvs: &'a TlvStream,
}

impl Message {
    /// What kind of message it is; a refund is an invoice request.
    pub(crate) fn kind(&self) -> MessageKind {
        match self {
            Self::Offer(_) => MessageKind::Offer,
            Self::Request(_) | Self::Refund(_) => MessageKind::InvoiceRequest,
            Self::Invoice(_) => MessageKind::Invoice,
            Self::Proof(_) => MessageKind::PayerProof,
            Self::Error(_) => MessageKind::InvoiceError,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(_) => MessageKind::StaticInvoice,
        }
    }

    /// The views of the fields, which an invoice error has not.
    pub(crate) fn views(&self) -> Option<Views<'_>> {
        let offer = |offer, tlvs| Views {
            offer,
            request: None,
            invoice: None,
            #[cfg(feature = "async_payments")]
            static_invoice: None,
            proof: None,
            tlvs,
        };
        let request = |request, tlvs| Views { request: Some(request), ..offer(RequestFields::offer(request), tlvs) };
        let invoice =
            |invoice, tlvs| Views { invoice: Some(invoice), ..request(InvoiceFields::request(invoice), tlvs) };
        Some(match self {
            Self::Offer(fields) => offer(fields, fields.tlvs()),
            Self::Request(fields) => request(fields, fields.tlvs()),
            Self::Refund(fields) => request(fields, fields.tlvs()),
            Self::Invoice(fields) => invoice(fields, fields.tlvs()),
            Self::Proof(proof) => Views { proof: Some(proof), ..invoice(proof, proof.tlvs()) },
            Self::Error(_) => return None,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(fields) => {
                Views { static_invoice: Some(fields), ..offer(fields.offer(), fields.tlvs()) }
            }
        })
    }
}

/// What invoices of both kinds say. A static one has neither an amount nor a payment hash.
pub(crate) struct Terms<'a> {
    pub(crate) paths: Option<BlindedPaths<'a>>,
    pub(crate) blindedpay: Option<PayInfos<'a>>,
    pub(crate) created_at: Option<UnixTime>,
    pub(crate) relative_expiry: Duration,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) payment_hash: Option<sha256::Hash>,
    pub(crate) amount: Option<Msat>,
    pub(crate) chain: ChainHash,
    pub(crate) fallbacks: Option<Fallbacks<'a>>,
    pub(crate) features: Option<Features<'a>>,
    pub(crate) multi_part: MultiPart,
    pub(crate) node_id: Option<PublicKey>,
}

impl<'a> From<&'a InvoiceFields> for Terms<'a> {
    fn from(invoice: &'a InvoiceFields) -> Self {
        Self {
            paths: invoice.paths(),
            blindedpay: invoice.blindedpay(),
            created_at: invoice.created_at(),
            relative_expiry: invoice.relative_expiry(),
            expires_at: invoice.expires_at(),
            payment_hash: invoice.payment_hash(),
            amount: invoice.amount(),
            chain: invoice.request().chain(),
            fallbacks: invoice.fallbacks(),
            features: invoice.features(),
            multi_part: invoice.multi_part(),
            node_id: invoice.node_id(),
        }
    }
}

#[cfg(feature = "async_payments")]
impl<'a> From<&'a StaticInvoiceFields> for Terms<'a> {
    fn from(invoice: &'a StaticInvoiceFields) -> Self {
        Self {
            paths: invoice.paths(),
            blindedpay: invoice.blindedpay(),
            created_at: invoice.created_at(),
            relative_expiry: invoice.relative_expiry(),
            expires_at: invoice.expires_at(),
            payment_hash: None,
            amount: None,
            chain: invoice.chain(),
            fallbacks: invoice.fallbacks(),
            features: invoice.features(),
            multi_part: invoice.multi_part(),
            node_id: invoice.node_id(),
        }
    }
}

impl<'a> Views<'a> {
    /// What the invoice says, of whichever kind it is.
    pub(crate) fn terms(&self) -> Option<Terms<'a>> {
        #[cfg(feature = "async_payments")]
        if let Some(invoice) = self.static_invoice {
            return Some(invoice.into());
        }
        self.invoice.map(Terms::from)
    }

    /// The paths over which a payee is told that a payment is held for it.
    #[cfg(feature = "async_payments")]
    pub(crate) fn message_paths(&self) -> Option<BlindedPaths<'a>> {
        self.static_invoice?.message_paths()
    }

    /// Whether there is an offer, and not only the fields of one that describe a refund. A proof may not tell.
    pub(crate) fn has_offer(&self) -> Option<bool> {
        let Some(proof) = self.proof else {
            return Some(self.offer.issuer_id().is_some() || self.offer.paths().is_some());
        };
        match [Field::OFFER_ISSUER_ID, Field::OFFER_PATHS].map(|field| proof.disclosure(field)) {
            [Disclosure::Disclosed | Disclosure::Hidden, _] | [_, Disclosure::Disclosed | Disclosure::Hidden] => {
                Some(true)
            }
            [Disclosure::Absent, Disclosure::Absent] => Some(false),
            _ => None,
        }
    }

    /// Whether all of an offer is there: a proof may hide some of it, and says only between which fields.
    pub(crate) fn has_whole_offer(&self) -> bool {
        // A hidden field has the number of its marker or a greater one, below that of the next field that is shown.
        let shown = self.tlvs.records().map(|record| record.number());
        let shown: Vec<u64> = shown.filter(|number| !(240..1_000_000_000).contains(number)).collect();
        let may_be_of_offer = |marker: u64| {
            let next = shown.iter().copied().find(|number| *number > marker).unwrap_or(u64::MAX);
            marker < 80 || marker < 2_000_000_000 && next > 1_000_000_000
        };
        self.has_offer() == Some(true) && self.proof.is_none_or(|proof| !proof.omitted_tlvs().any(may_be_of_offer))
    }

    /// Whether the chain is known: everywhere but in a proof that may hide it.
    pub(crate) fn knows_chain(&self) -> bool {
        self.proof.is_none_or(|proof| proof.chain().is_some())
    }

    /// The price of one item, if its unit is known: a proof may hide the currency.
    pub(crate) fn price(&self) -> Option<OfferAmount> {
        match self.proof {
            Some(proof) => proof.offer_amount(),
            None => self.offer.amount(),
        }
    }

    /// The price of one item, if its unit is not known.
    pub(crate) fn price_without_unit(&self) -> Option<u64> {
        let digits = self.value(Field::OFFER_AMOUNT).filter(|_| self.price().is_none())?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }

    /// Whether to say how long an invoice can be paid: two hours if it does not say, which a proof may hide.
    pub(crate) fn shows_expiry(&self) -> bool {
        self.proof.is_none() || self.value(Field::INVOICE_RELATIVE_EXPIRY).is_some()
    }

    /// A field's bytes, where the views fill in what is absent, or leave it out.
    pub(crate) fn value(&self, field: Field) -> Option<&'a [u8]> {
        self.tlvs.get(field.number()).map(|record| record.value())
    }

    /// All fields that have no name, in ascending order; signatures other than the known ones
    /// included.
    pub(crate) fn unknown(&self) -> Vec<TlvRecord<'a>> {
        let mut unknown: Vec<_> = self.offer.unknown().collect();
        unknown.extend(self.request.into_iter().flat_map(RequestFields::unknown));
        unknown.extend(self.invoice.into_iter().flat_map(InvoiceFields::unknown));
        #[cfg(feature = "async_payments")]
        unknown.extend(self.static_invoice.into_iter().flat_map(StaticInvoiceFields::unknown));
        let known = |number| number == 240 || self.proof.is_some() && PROOF_TYPES.contains(&number);
        let between = self.tlvs.records().filter(|record| (240..1_000_000_000).contains(&record.number()));
        unknown.extend(between.filter(|record| !known(record.number())));
        unknown.sort_by_key(TlvRecord::number);
        unknown
    }
}
