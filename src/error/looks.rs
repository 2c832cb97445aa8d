//! What a text is: a kind of message, or something else altogether.

use core::fmt;

/// The kinds of BOLT 12 messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// An offer, `lno1…`.
    Offer,
    /// An invoice request or refund, `lnr1…`.
    InvoiceRequest,
    /// An invoice, `lni1…`.
    Invoice,
    /// A payer proof, `lnp1…`.
    PayerProof,
    /// An invoice error, which has no text form.
    InvoiceError,
    /// A static invoice, which has no text form.
    #[cfg(feature = "async_payments")]
    StaticInvoice,
}

impl MessageKind {
    /// The human-readable prefix of the text form, for example `lno`; invoice errors and static invoices have none.
    pub const fn prefix(self) -> Option<&'static str> {
        match self {
            Self::Offer => Some("lno"),
            Self::InvoiceRequest => Some("lnr"),
            Self::Invoice => Some("lni"),
            Self::PayerProof => Some("lnp"),
            Self::InvoiceError => None,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => None,
        }
    }

    /// The specification's name, for example `invoice_request`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::InvoiceRequest => "invoice_request",
            Self::Invoice => "invoice",
            Self::PayerProof => "payer_proof",
            Self::InvoiceError => "invoice_error",
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => "static_invoice",
        }
    }

    const fn article(self) -> &'static str {
        match self {
            Self::Offer => "an offer",
            Self::InvoiceRequest => "an invoice request",
            Self::Invoice => "an invoice",
            Self::PayerProof => "a payer proof",
            Self::InvoiceError => "an invoice error",
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => "a static invoice",
        }
    }
}

/// For example "an offer".
impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.article())
    }
}

/// What a text that is not BOLT 12 looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LooksLike {
    /// A BOLT 11 invoice for bitcoin (`lnbc…`).
    Bolt11,
    /// A BOLT 11 invoice for a test network (`lntb…`, `lntbs…`, `lnbcrt…`).
    Bolt11Test,
    /// A Lightning node id: a public key in hexadecimal.
    NodeId,
    /// A Lightning node's address: id, `@`, host.
    NodeAddress,
    /// An on-chain bitcoin address.
    OnchainAddress,
    /// A silent payment address (BIP 352).
    SilentPayment,
    /// An LNURL (`lnurl…`, `lnurlp://…`).
    Lnurl,
    /// `user@domain`: a Lightning address or BIP 353 name that has to be looked up.
    HumanReadableName,
    /// A `bitcoin:` or `lightning:` URI.
    Uri,
    /// A web address.
    WebAddress,
    /// A recovery phrase or extended key, which nobody should paste anywhere.
    Secret,
    /// Nothing that this crate knows.
    Unknown,
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bolt11 => "a BOLT 11 invoice",
            Self::Bolt11Test => "a BOLT 11 invoice for a test network",
            Self::NodeId => "the id of a Lightning node",
            Self::NodeAddress => "the address of a Lightning node",
            Self::OnchainAddress => "an on-chain bitcoin address",
            Self::SilentPayment => "a silent payment address",
            Self::Lnurl => "an LNURL",
            Self::HumanReadableName => "a name that has to be looked up first",
            Self::Uri => "a payment link",
            Self::WebAddress => "a web address",
            Self::Secret => "a secret key or recovery phrase",
            Self::Unknown => "something else",
        })
    }
}
