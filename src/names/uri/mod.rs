//! `bitcoin:` URIs (BIP 321): what can be paid, in one link.

mod read;
mod write;

pub use write::BitcoinUriBuilder;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use bitcoin::address::NetworkUnchecked;
use bitcoin::constants::ChainHash;

use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::{OfferAmount, Text};
use crate::offer::Offer;
use crate::units::Msat;

/// A `bitcoin:` URI (BIP 321): an on-chain address, and other ways to pay the same.
///
/// `Display` writes it with nothing left out, and `{:#}` in upper case as far as that changes nothing, for QR codes
/// (URI-9). [`BitcoinUriBuilder`] makes one.
///
/// ```
/// use bolt12::{BitcoinUri, ChainHash, Msat};
///
/// let link = "bitcoin:?amount=0.0005&label=Caf%C3%A9&lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
/// let uri: BitcoinUri = link.parse()?;
/// let offer = uri.offer(ChainHash::BITCOIN)?;
/// assert_eq!(uri.amount_for(offer)?, Some(Msat(50_000_000)));
/// assert_eq!(uri.label().unwrap().to_string(), "Café");
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitcoinUri {
    address: Option<bitcoin::Address<NetworkUnchecked>>,
    amount: Option<Msat>,
    label: Option<String>,
    message: Option<String>,
    pop: Option<ProofOfPayment>,
    instructions: Vec<Instruction>,
    ignored: Vec<(String, String)>,
}

/// One way to pay what a [`BitcoinUri`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instruction {
    /// An offer: `lno=`, or `lightning=` with an offer in it (URI-8).
    Offer(Box<Offer>),
    /// An offer that cannot be read. It does not spoil the others (URI-3).
    UnreadableOffer {
        /// What stands there.
        text: String,
        /// Why it cannot be read, with the column in the whole URI.
        error: Box<Error>,
    },
    /// `lightning=`: a BOLT 11 invoice, as a rule. It is not read here.
    Lightning(String),
    /// `sp=`: a silent payment address (BIP 352). It is not read here.
    SilentPayment(String),
    /// `pay=`: a private payment address (BIP 351). It is not read here.
    PrivatePayment(String),
    /// An on-chain address under the key of its kind, such as `bc=bc1…`. It is not read here.
    Address {
        /// The key, in lower case: the letters that the address begins with.
        key: String,
        /// The address.
        address: String,
    },
}

/// `pop=`: a URI to open after paying, with something that proves the payment (URI-7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOfPayment {
    uri: String,
    is_required: bool,
}

impl ProofOfPayment {
    /// The URI to which the proof is appended. It is a stranger's: open it only if it [may be
    /// opened](Self::may_be_opened).
    pub fn uri(&self) -> Text<'_> {
        Text::new(&self.uri)
    }

    /// Whether the payment must not begin if the URI will not be opened after it (`req-pop`).
    pub const fn is_required(&self) -> bool {
        self.is_required
    }

    /// Whether its scheme can be that of an application on the same device, and of nothing else (URI-7): no standard
    /// of the web gives it a meaning, so no browser acts on it, and it belongs to no operating system.
    ///
    /// Which applications there are, only the device knows: show its user what is going to be opened.
    pub fn may_be_opened(&self) -> bool {
        let Some((scheme, _)) = self.uri.split_once(':') else { return false };
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let starts = |prefix: &&str| scheme.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(is_letter)
            && !RESERVED_PREFIXES.iter().any(starts)
            && !OPENED_ELSEWHERE.iter().flat_map(|list| *list).any(|other| scheme.eq_ignore_ascii_case(other))
    }
}

/// What schemes begin with that web applications, extensions of browsers, and Windows have to themselves.
const RESERVED_PREFIXES: [&str; 3] = ["web+", "ext+", "ms-"];

/// Schemes that are not those of one application.
const OPENED_ELSEWHERE: [&[&str]; 4] = [
    // The special schemes of the URL standard, and those that a browser fetches or shows.
    &["http", "https", "ws", "wss", "ftp", "file", "about", "blob", "data", "javascript", "view-source", "filesystem"],
    // The safelisted schemes of the HTML standard, which any page may ask to handle.
    &[
        "bitcoin",
        "geo",
        "im",
        "irc",
        "ircs",
        "magnet",
        "mailto",
        "matrix",
        "mms",
        "news",
        "nntp",
        "openpgp4fpr",
        "sftp",
        "sip",
        "sms",
        "smsto",
        "ssh",
        "tel",
        "urn",
        "webcal",
        "wtai",
        "xmpp",
    ],
    // What else reaches out, or names any application at all.
    &["vbscript", "telnet", "smb", "search-ms", "intent", "content", "android-app"],
    // Another payment.
    &["lightning", "lnurlp", "lnurlw", "lnurlc", "keyauth"],
];

impl BitcoinUri {
    const EMPTY: Self = Self {
        address: None,
        amount: None,
        label: None,
        message: None,
        pop: None,
        instructions: Vec::new(),
        ignored: Vec::new(),
    };

    /// The on-chain address in the URI's path. Its checksum is right; that it is of the right network, the caller
    /// finds out.
    pub const fn address(&self) -> Option<&bitcoin::Address<NetworkUnchecked>> {
        self.address.as_ref()
    }

    /// `amount=`: what to pay, over whichever way; [`amount_for`](Self::amount_for) says what it means for an offer.
    pub const fn amount(&self) -> Option<Msat> {
        self.amount
    }

    /// What to pay for an offer of this URI: the URI's amount, where the offer has no price (URI-5).
    ///
    /// `None` if the URI has no amount, or the offer has a price: that counts, also where the URI asks for more. A
    /// price in a currency is not compared.
    ///
    /// # Errors
    ///
    /// [`BelowPrice`](LinkFault::BelowPrice) for an amount of the URI below the offer's price: one of them is wrong,
    /// and a person has to know.
    pub fn amount_for(&self, offer: &Offer) -> Result<Option<Msat>, Error> {
        match (self.amount, offer.amount()) {
            (Some(amount), Some(OfferAmount::Bitcoin(min))) if amount < min => {
                Err(Error::new(ErrorKind::Link(LinkFault::BelowPrice { min }), Rule::Uri5))
            }
            (amount, None) => Ok(amount),
            _ => Ok(None),
        }
    }

    /// `label=`: whom the payment is to, in the words of the author of the URI.
    pub fn label(&self) -> Option<Text<'_>> {
        self.label.as_deref().map(Text::new)
    }

    /// `message=`: what it is for, in the words of the author of the URI.
    pub fn message(&self) -> Option<Text<'_>> {
        self.message.as_deref().map(Text::new)
    }

    /// `pop=`: what to open after paying.
    pub const fn proof_of_payment(&self) -> Option<&ProofOfPayment> {
        self.pop.as_ref()
    }

    /// All ways to pay beside the address in the path, in order (URI-3).
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Keys that mean nothing here, in lower case, with their values, in order (URI-6).
    pub fn ignored(&self) -> impl Iterator<Item = (Text<'_>, Text<'_>)> {
        self.ignored.iter().map(|(key, value)| (Text::new(key), Text::new(value)))
    }

    /// The offers that could be read, in order, whatever chain they are for.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.instructions.iter().filter_map(|instruction| match instruction {
            Instruction::Offer(offer) => Some(&**offer),
            _ => None,
        })
    }

    /// The first offer that can be paid on a chain (URI-3), by a caller that opens nothing after paying.
    ///
    /// # Errors
    ///
    /// As for [`offer_and_pop`](Self::offer_and_pop), and [`ProofOfPayment`](LinkFault::ProofOfPayment) for any
    /// `req-pop` (URI-7).
    pub fn offer(&self, chain: ChainHash) -> Result<&Offer, Error> {
        match &self.pop {
            Some(pop) if pop.is_required => Err(Error::new(ErrorKind::Link(LinkFault::ProofOfPayment), Rule::Uri7)),
            _ => self.offer_on(chain),
        }
    }

    /// The first offer that can be paid on a chain (URI-3), and the URI that the caller opens after paying. What it
    /// tells there is between the caller and the author of the URI: for offers no proof is defined yet (URI-7).
    ///
    /// # Errors
    ///
    /// [`ProofOfPayment`](LinkFault::ProofOfPayment) for a `req-pop` that [must not be
    /// opened](ProofOfPayment::may_be_opened); [`NoOffer`](LinkFault::NoOffer); what is wrong with the first one if
    /// none can be read; `UnsupportedChain` if none is for the chain.
    pub fn offer_and_pop(&self, chain: ChainHash) -> Result<(&Offer, Option<&ProofOfPayment>), Error> {
        let pop = self.pop.as_ref();
        if pop.is_some_and(|pop| pop.is_required && !pop.may_be_opened()) {
            return Err(Error::new(ErrorKind::Link(LinkFault::ProofOfPayment), Rule::Uri7));
        }
        let offer = self.offer_on(chain)?;
        Ok((offer, pop.filter(|pop| pop.may_be_opened())))
    }

    fn offer_on(&self, chain: ChainHash) -> Result<&Offer, Error> {
        if let Some(offer) = self.offers().find(|offer| offer.supports_chain(chain)) {
            return Ok(offer);
        }
        let unreadable = self.instructions.iter().find_map(|instruction| match instruction {
            Instruction::UnreadableOffer { error, .. } => Some(&**error),
            _ => None,
        });
        Err(match (self.offers().next(), unreadable) {
            (Some(_), _) => Error::new(ErrorKind::UnsupportedChain, Rule::Uri3),
            (None, Some(error)) => error.clone(),
            (None, None) => Error::new(ErrorKind::Link(LinkFault::NoOffer), Rule::Uri3),
        })
    }
}
