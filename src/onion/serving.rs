//! What a payee that is often offline and whoever serves its static invoices tell each other (STA-8, STA-9).
//!
//! The payee asks for [paths](OfferPathsRequest) that lead to whoever serves, and gets [them](OfferPaths). It makes an
//! offer with them and a static invoice for it, and has that [served](ServeStaticInvoice). Whoever serves says when it is
//! stored. Each message but the last goes with a reply path, over which the next comes.
//!
//! These are the messages alone. What either side does with them is in
//! [`StaticInvoiceServer`](crate::exchange::StaticInvoiceServer) and [`AsyncRecipient`](crate::exchange::AsyncRecipient).

use alloc::vec::Vec;

use super::data::read_known;
use crate::async_payments::{Fixed, OFFER_PATHS_FIELDS, OFFER_PATHS_REQUEST_FIELDS, SERVE_STATIC_INVOICE_FIELDS};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, BlindedPaths, Points, Spec, Value, path};
use crate::tlv::{TlvStream, Writer, bigsize};
use crate::units::UnixTime;

/// What a payee asks whoever serves its static invoices: paths for an offer (`offer_paths_request`).
///
/// ```
/// use bolt12::onion::OfferPathsRequest;
///
/// let request = OfferPathsRequest { invoice_slot: 3 };
/// assert_eq!(OfferPathsRequest::read(&request.to_bytes())?, request);
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferPathsRequest {
    /// The place of the static invoice among those that are served for this payee: a later one takes the place of an
    /// earlier one with the same number.
    pub invoice_slot: u16,
}

impl OfferPathsRequest {
    /// Reads a request, with or without a length in front of it.
    ///
    /// # Errors
    ///
    /// `Missing` without a slot (STA-9), `UnknownEvenField`, `InvalidLength`, and TLV-1 to TLV-3.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let tlvs = read(bytes, OFFER_PATHS_REQUEST_FIELDS)?;
        let Fixed(slot) = value(&tlvs, Field::SERVED_SLOT)?;
        Ok(Self { invoice_slot: u16::from_be_bytes(slot) })
    }

    /// The bytes, with their length in front of them, as LDK writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(&[], 8);
        writer.bytes(Field::SERVED_SLOT.number(), &self.invoice_slot.to_be_bytes());
        with_length(writer.finish())
    }
}

/// What whoever serves answers: paths that lead to it, for an offer of the payee's (`offer_paths`).
#[derive(Clone, Debug)]
pub struct OfferPaths {
    tlvs: TlvStream,
}

impl OfferPaths {
    /// Paths, preferred ones first, and how long they lead anywhere: without a limit if nothing is said.
    ///
    /// # Errors
    ///
    /// `NoEntries` without a path (D8), `TooLong` (D7).
    pub fn new<'a>(
        paths: impl IntoIterator<Item = BlindedPath<'a>>,
        paths_absolute_expiry: Option<UnixTime>,
    ) -> Result<Self, Error> {
        let paths: Vec<_> = paths.into_iter().collect();
        let mut writer = Writer::new(&[], paths.iter().map(|path| path.as_bytes().len()).sum());
        writer.concat(Field::SERVED_OFFER_PATHS.number(), paths.iter().map(BlindedPath::as_bytes));
        if let Some(expiry) = paths_absolute_expiry {
            writer.bytes(Field::SERVED_PATHS_EXPIRY.number(), &expiry.0.to_be_bytes());
        }
        Self::check(read_known(writer.finish(), &[OFFER_PATHS_FIELDS], Rule::Tlv4)?)
    }

    /// Reads an answer, with or without a length in front of it.
    ///
    /// # Errors
    ///
    /// `Missing` without paths (STA-9), `NoEntries` (D8), `InvalidPoint`, and what else is refused in paths;
    /// `UnknownEvenField`, `InvalidLength`, and TLV-1 to TLV-3.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Self::check(read(bytes, OFFER_PATHS_FIELDS)?)
    }

    fn check(tlvs: TlvStream) -> Result<Self, Error> {
        check_points(&tlvs, Field::SERVED_OFFER_PATHS)?;
        Ok(Self { tlvs })
    }

    /// The paths for the offer, preferred ones first.
    pub fn paths(&self) -> BlindedPaths<'_> {
        BlindedPaths::checked(self.tlvs.value(Field::SERVED_OFFER_PATHS.number()).unwrap_or_default())
    }

    /// The last second at which requests over the paths are answered.
    pub fn paths_absolute_expiry(&self) -> Option<UnixTime> {
        let Fixed(seconds) = value(&self.tlvs, Field::SERVED_PATHS_EXPIRY).ok()?;
        Some(UnixTime(u64::from_be_bytes(seconds)))
    }

    /// The bytes, with their length in front of them, as LDK writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        with_length(self.tlvs.as_bytes().to_vec())
    }
}

/// What a payee has served: a static invoice, and where requests for it are forwarded to (`serve_static_invoice`).
#[derive(Clone, Debug)]
pub struct ServeStaticInvoice {
    tlvs: TlvStream,
}

impl ServeStaticInvoice {
    /// A static invoice, as its bytes stand, and a path to the payee. That starts at whoever serves, or at one of its
    /// peers.
    ///
    /// # Errors
    ///
    /// `TooLong` (D7).
    pub fn new(static_invoice: &[u8], forward_invoice_request_path: &BlindedPath<'_>) -> Result<Self, Error> {
        let path = forward_invoice_request_path.as_bytes();
        let mut writer = Writer::new(&[], static_invoice.len().saturating_add(path.len()));
        writer.bytes(Field::SERVED_STATIC_INVOICE.number(), static_invoice);
        writer.bytes(Field::SERVED_FORWARD_PATH.number(), path);
        Self::check(read_known(writer.finish(), &[SERVE_STATIC_INVOICE_FIELDS], Rule::Tlv4)?)
    }

    /// Reads a message, with or without a length in front of it. The static invoice is left to
    /// [`StaticInvoice`](crate::StaticInvoice) to read.
    ///
    /// # Errors
    ///
    /// `Missing` without a static invoice or a path (STA-8), `Unexpected` for several paths, `InvalidPoint`, and what else
    /// is refused in a path; `UnknownEvenField`, and TLV-1 to TLV-3.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Self::check(read(bytes, SERVE_STATIC_INVOICE_FIELDS)?)
    }

    fn check(tlvs: TlvStream) -> Result<Self, Error> {
        if !tlvs.contains(Field::SERVED_STATIC_INVOICE.number()) {
            return Err(Error::missing(Field::SERVED_STATIC_INVOICE, Rule::Sta8));
        }
        let field = Field::SERVED_FORWARD_PATH;
        let record = tlvs.get(field.number()).ok_or(Error::missing(field, Rule::Sta8))?;
        if BlindedPaths::checked(record.value()).iter().nth(1).is_some() {
            return Err(Error::of(field, ErrorKind::Unexpected, Rule::Sta8).at(record.value_offset()));
        }
        check_points(&tlvs, field)?;
        Ok(Self { tlvs })
    }

    /// The bytes of the static invoice, unread.
    pub fn static_invoice(&self) -> &[u8] {
        self.tlvs.value(Field::SERVED_STATIC_INVOICE.number()).unwrap_or_default()
    }

    /// The path to the payee, for requests that come for its offer. There is one.
    pub fn forward_invoice_request_path(&self) -> Option<BlindedPath<'_>> {
        BlindedPaths::checked(self.tlvs.value(Field::SERVED_FORWARD_PATH.number())?).iter().next()
    }

    /// The bytes, with their length in front of them, as LDK writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        with_length(self.tlvs.as_bytes().to_vec())
    }
}

/// Reads records, with or without their length in front of them. Every one of these messages begins with type 0, which is
/// no length of theirs.
fn read(bytes: &[u8], table: &'static [Spec]) -> Result<TlvStream, Error> {
    let rest = match bigsize::read(bytes, 0) {
        Ok((len @ 1.., start)) => bytes.get(start..).filter(|rest| u64::try_from(rest.len()) == Ok(len)),
        _ => None,
    };
    read_known(rest.unwrap_or(bytes).to_vec(), &[table], Rule::Tlv4)
}

fn with_length(records: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(records.len().saturating_add(3));
    bigsize::write(&mut bytes, records.len() as u64);
    bytes.extend_from_slice(&records);
    bytes
}

/// A value that has to be there.
fn value<'a, T: Value<'a>>(tlvs: &'a TlvStream, field: Field) -> Result<T, Error> {
    T::decode(tlvs.value(field.number()).ok_or(Error::missing(field, Rule::Sta9))?)
}

/// TLV-7
fn check_points(tlvs: &TlvStream, field: Field) -> Result<(), Error> {
    let record = tlvs.get(field.number()).ok_or(Error::missing(field, Rule::Sta9))?;
    path::check_points(record.value(), &mut Points::default())
        .map_err(|error| error.in_field(field).within(record.value_offset()))
}
