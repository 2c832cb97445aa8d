//! What a payment shows of itself.

use alloc::borrow::ToOwned;
use alloc::format;

use bitcoin::hashes::sha256;
use secp256k1::{Keypair, PublicKey};

use super::payer::Payer;
use super::state::{Reader, Writer, invalid};
use crate::error::{Error, Field};
use crate::invoice::{Invoice, PayableInvoice};
use crate::invoice_error::InvoiceError;
use crate::payer_proof::{PayerProofBuilder, Preimage};
use crate::units::{Msat, UnixTime};

/// Where a payment stands.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// No invoice has come yet.
    Asking {
        /// How many requests were sent for the present try.
        attempts: u32,
    },
    /// There is an invoice that may be paid: [begin](super::Payment::begin), or
    /// [decline](super::Payment::decline).
    Quoted(Quote<'a>),
    /// Being paid, perhaps: this is what a payment needs. After a crash, ask the node first what became of this
    /// payment hash.
    Paying(PayableInvoice<'a>),
    /// Paid.
    Paid(Receipt<'a>),
    /// Over, and nothing was paid, unless a payment that [failed](super::Payment::begun) turns out not to have.
    Ended(&'a End),
}

/// Why a payment ended without being made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// No invoice came in time, or what came was not paid in time.
    Deadline,
    /// The issuer refused: show the [text](InvoiceError::error), of which both ends are kept, at most 1 KiB, and do not
    /// act on it.
    Refused(InvoiceError),
    /// The invoice was above the limit.
    TooExpensive {
        /// What it asked for.
        amount: Msat,
    },
    /// One quote after the other expired before it was paid.
    QuoteExpired,
    /// Whoever owns the money did not want to.
    Declined,
    /// What had to be said cannot be sent, whatever the way.
    Unsendable,
    /// The offer expired before it was asked for, or before another invoice was.
    OfferExpired,
}

/// A sentence for a person.
impl core::fmt::Display for End {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Deadline => "it took too long: no invoice was paid in time",
            Self::Refused(told) => match told.error() {
                Some(text) => return write!(f, "the answer was: {text}"),
                None => "the answer was no, for no reason that was given",
            },
            Self::TooExpensive { amount } => {
                return write!(f, "the invoice asked for {amount}, which is more than was allowed");
            }
            Self::QuoteExpired => "every invoice expired before it was paid, or had when it came: is the clock right?",
            Self::Declined => "whoever owns the money did not want to pay",
            Self::Unsendable => "what had to be said could not be sent",
            Self::OfferExpired => "the offer has expired",
        })
    }
}

/// How much of an error's text is kept.
const MAX_TEXT_LEN: usize = 1024;

/// What stands for what was left out.
const GAP: &str = "…";

impl End {
    /// Keeps of an error what is shown, since whoever sent it says how long it is.
    pub(super) fn refused(told: InvoiceError) -> Self {
        if told.as_bytes().len() <= MAX_TEXT_LEN {
            return Self::Refused(told);
        }
        let text = told.error().map_or("", |error| error.as_raw());
        // Both ends: some put the request in front of the reason, whole.
        let half = MAX_TEXT_LEN.saturating_sub(GAP.len()) / 2;
        let until = (0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let from = text.len().saturating_sub(half);
        let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let short = match (text.get(..until), text.get(from..)) {
            (Some(start), Some(end)) if text.len() > MAX_TEXT_LEN => format!("{start}{GAP}{end}"),
            _ => text.to_owned(),
        };
        let short = InvoiceError::new(if short.is_empty() { GAP } else { &short });
        let short = short.map(|short| match told.erroneous_field() {
            Some(field) => short.clone().about(field, None).unwrap_or(short),
            None => short,
        });
        Self::Refused(short.unwrap_or(told))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.array([match self {
            Self::Deadline => 0,
            Self::Refused(_) => 1,
            Self::TooExpensive { .. } => 2,
            Self::QuoteExpired => 3,
            Self::Declined => 4,
            Self::Unsendable => 5,
            Self::OfferExpired => 6,
        }]);
        match self {
            Self::Refused(told) => out.bytes(told.as_bytes()),
            Self::TooExpensive { amount } => out.number(amount.0),
            _ => {}
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        match reader.byte()? {
            0 => Ok(Self::Deadline),
            1 => InvoiceError::try_from(reader.bytes()?).map(Self::Refused),
            2 => Ok(Self::TooExpensive { amount: Msat(reader.number()?) }),
            3 => Ok(Self::QuoteExpired),
            4 => Ok(Self::Declined),
            5 => Ok(Self::Unsendable),
            6 => Ok(Self::OfferExpired),
            _ => Err(invalid()),
        }
    }
}

/// What an invoice that was checked asks for, to be shown to whoever decides.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    invoice: &'a Invoice,
    estimate: Option<Msat>,
}

impl<'a> Quote<'a> {
    pub(super) fn new(invoice: &'a Invoice, estimate: Option<Msat>) -> Self {
        Self { invoice, estimate }
    }

    /// What is to be paid. It is within the limit.
    pub fn amount(&self) -> Msat {
        self.invoice.amount()
    }

    /// The least that the nodes on the way ask for on top, among the paths that can be used: the fee is set by
    /// whoever made the path, and the [limit](super::Limit) does not cover it. A payer limits fees when it pays, with
    /// those of its own route.
    pub fn fee(&self) -> Option<Msat> {
        PayableInvoice::again(self.invoice).paths().filter_map(|(_, payinfo)| payinfo.fee(self.amount())).min()
    }

    /// The invoice, to be shown. What is needed to pay it is in [`State::Paying`].
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// What the payer expected (OFR-10): its own amount, or the price, at its own rate.
    pub fn estimate(&self) -> Option<Msat> {
        self.estimate
    }

    /// How much the amount differs from the estimate, in hundredths of a per cent of it, rounded towards zero:
    /// above zero if it is dearer. Whoever sees a large difference should be asked (OFR-10).
    pub fn difference_basis_points(&self) -> Option<i64> {
        let estimate = i128::from(self.estimate?.0);
        let difference = i128::from(self.amount().0).checked_sub(estimate)?.checked_mul(10_000)?;
        i64::try_from(difference.checked_div(estimate)?).ok()
    }

    /// The last second at which it may be paid.
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The key that signed the invoice. For a refund, confirm in another way that it is the right one (IVR-9).
    pub fn node_id(&self) -> PublicKey {
        self.invoice.node_id()
    }

    /// The hash under which it would be paid.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.invoice.payment_hash()
    }
}

/// What was paid, and what proves it.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    payer: &'a Payer,
    invoice: &'a Invoice,
    preimage: Preimage,
}

impl<'a> Receipt<'a> {
    pub(super) fn new(payer: &'a Payer, invoice: &'a Invoice, preimage: Preimage) -> Self {
        Self { payer, invoice, preimage }
    }

    /// The invoice that was paid.
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// What the payment revealed.
    pub fn preimage(&self) -> Preimage {
        self.preimage
    }

    /// Begins a proof of the payment: a [receipt](PayerProofBuilder::receipt) that also shows the offer's price and
    /// metadata, beside which `invreq_chain` and `offer_chains` could be hidden, so that it shows on which chain was
    /// paid. Sign it with [`keypair`](Self::keypair).
    pub fn proof(&self) -> PayerProofBuilder<'a> {
        let fields = [Field::OFFER_METADATA, Field::OFFER_CURRENCY, Field::OFFER_AMOUNT];
        let fields = fields.into_iter().filter(|field| self.invoice.tlvs().contains(field.number()));
        fields.fold(PayerProofBuilder::receipt(self.invoice, self.preimage), PayerProofBuilder::reveal)
    }

    /// The key that asked for the invoice, and signs proofs that it was paid (EXC-3). It is found again in what the
    /// payer paid; nothing if that is not its own, which happens only to a state that was tampered with.
    pub fn keypair(&self) -> Option<Keypair> {
        self.payer.keypair(self.invoice.request())
    }
}
