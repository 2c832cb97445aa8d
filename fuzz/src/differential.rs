//! Target `differential`: this crate and the crate `lightning` take and refuse the same bytes.

use bolt12::{Error, ErrorKind, Field, Invoice, InvoiceRequest, Msat, Offer, Refund, Rule, StaticInvoice, TlvStream};
use lightning::offers::invoice::Bolt12Invoice as LdkInvoice;
use lightning::offers::invoice_request::InvoiceRequest as LdkInvoiceRequest;
use lightning::offers::offer::Offer as LdkOffer;
use lightning::offers::parse::{Bolt12ParseError, Bolt12SemanticError};
use lightning::offers::refund::Refund as LdkRefund;
use lightning::offers::static_invoice::StaticInvoice as LdkStaticInvoice;
use lightning::util::ser::Writeable;

use crate::checks::periods;

/// The types of the fields that say who pays.
const CONTACT_TYPES: [u64; 4] = [2_000_001_729, 2_000_001_731, 2_000_001_733, 2_000_001_735];

/// The bytes as each kind of message.
pub fn check(data: &[u8]) {
    compare(data, Offer::try_from(data), LdkOffer::try_from(data.to_vec()));
    compare(data, InvoiceRequest::try_from(data), LdkInvoiceRequest::try_from(data.to_vec()));
    compare(data, Refund::try_from(data), LdkRefund::try_from(data.to_vec()));
    compare(data, Invoice::try_from(data), LdkInvoice::try_from(data.to_vec()));
    compare(data, StaticInvoice::try_from(data), LdkStaticInvoice::try_from(data.to_vec()));
}

fn compare<T: Message, U: Writeable + std::fmt::Debug>(
    data: &[u8],
    ours: Result<T, Error>,
    theirs: Result<U, Bolt12ParseError>,
) {
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours.as_ref(), theirs.encode(), "what was read is what is written"),
        (Err(_), Err(_)) => {}
        (Err(error), Ok(theirs)) => assert!(only_we_refuse(error), "only we refuse, {error:#}: {theirs:?}"),
        (Ok(ours), Err(error)) => {
            assert!(only_they_refuse(error, ours), "only they refuse, {error:?}: {}", hex(data));
        }
    }
}

/// What we refuse and they take, and why.
fn only_we_refuse(error: &Error) -> bool {
    // They do not know about recurrence, and leave odd fields unread.
    if error.field().is_some_and(|field| periods::TYPES.contains(&field.number())) || error.rule() == Rule::Rec2 {
        return cfg!(feature = "recurrence");
    }
    // They do not know about contacts either.
    if error.field().is_some_and(|field| CONTACT_TYPES.contains(&field.number())) {
        return cfg!(feature = "contacts");
    }
    match (error.rule(), error.kind()) {
        // They leave compulsory features to whoever uses the message.
        (Rule::Ofr2 | Rule::Rqr2 | Rule::Ivr3, ErrorKind::UnknownFeature(_)) => true,
        (Rule::Ivr7, ErrorKind::NoUsablePath) => true,
        // They take empty lists.
        (Rule::Ofr3 | Rule::D8, ErrorKind::NoEntries) => true,
        _ => false,
    }
}

/// What they refuse and we take, and why.
fn only_they_refuse(error: &Bolt12ParseError, message: &impl Message) -> bool {
    let has = |field: Field| message.fields().contains(field.number());
    let number = |field: Field| {
        let value = message.fields().get(field.number()).map(|record| record.value());
        value.map(|value| value.iter().fold(0, |number, digit| number << 8 | u128::from(*digit)))
    };
    let is_refund = !has(Field::OFFER_ISSUER_ID) && !has(Field::OFFER_PATHS);
    let error = match error {
        // D1: they refuse signed refunds.
        Bolt12ParseError::Decode(_) if message.is_refund() && !message.fields().range(&(240..=1000)).is_empty() => {
            return true;
        }
        // TLV-4: they do not know about recurrence.
        Bolt12ParseError::Decode(_) if periods::TYPES.into_iter().any(|number| has(Field::numbered(number))) => {
            return cfg!(feature = "recurrence");
        }
        // RQR-14: they want a host name, with a limit for the length of each label.
        Bolt12ParseError::Decode(_) => return has(Field::INVREQ_BIP_353_NAME),
        Bolt12ParseError::InvalidSemantics(error) => error,
        _ => return false,
    };
    match error {
        Bolt12SemanticError::InvalidAmount => {
            let price = number(Field::OFFER_AMOUNT).unwrap_or(0) * number(Field::INVREQ_QUANTITY).unwrap_or(1);
            let amount = number(Field::INVREQ_AMOUNT);
            // D3: an amount that nobody has parses.
            price.max(amount.unwrap_or(0)) > Msat::MAX_MONEY.0.into()
                // IVR-11: without invreq_amount, what the payer authorised decides.
                || (amount.is_none() && number(Field::INVOICE_AMOUNT).is_some_and(|asked| asked != price))
        }
        // RQR-9: the price in another currency is converted where the rate is known, not when reading.
        Bolt12SemanticError::UnsupportedCurrency => has(Field::OFFER_CURRENCY),
        // RQR-11: in a refund, the price and its currency are display only.
        Bolt12SemanticError::UnexpectedAmount => is_refund && (has(Field::OFFER_AMOUNT) || has(Field::OFFER_CURRENCY)),
        // RQW-9, RQW-10, RQW-8: that a refund has a description, and no offer_metadata and no name, are
        // rules for writers; other writers leave the description out.
        Bolt12SemanticError::MissingDescription => is_refund && !has(Field::OFFER_DESCRIPTION),
        Bolt12SemanticError::UnexpectedMetadata => is_refund && has(Field::OFFER_METADATA),
        Bolt12SemanticError::UnexpectedHumanReadableName => is_refund && has(Field::INVREQ_BIP_353_NAME),
        // RQR-4: no rule forbids invreq_paths in an answer to an offer.
        Bolt12SemanticError::UnexpectedPaths => !is_refund && has(Field::INVREQ_PATHS),
        // IVR-9: which path's last node has to sign is known to whoever sent the request.
        Bolt12SemanticError::InvalidSigningPubkey => !has(Field::OFFER_ISSUER_ID) && has(Field::OFFER_PATHS),
        _ => false,
    }
}

/// What is asked of a message that only we took.
trait Message: AsRef<[u8]> {
    fn fields(&self) -> &TlvStream;

    fn is_refund(&self) -> bool {
        false
    }
}

impl Message for Offer {
    fn fields(&self) -> &TlvStream {
        self.tlvs()
    }
}

impl Message for InvoiceRequest {
    fn fields(&self) -> &TlvStream {
        self.tlvs()
    }
}

impl Message for Refund {
    fn fields(&self) -> &TlvStream {
        self.tlvs()
    }

    fn is_refund(&self) -> bool {
        true
    }
}

impl Message for StaticInvoice {
    fn fields(&self) -> &TlvStream {
        self.tlvs()
    }
}

impl Message for Invoice {
    fn fields(&self) -> &TlvStream {
        self.tlvs()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
