//! Targets `offer`, `invoice_request`, `refund`, `invoice` and `invoice_error`: bytes as a message.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use bolt12::{
    Bolt12, Error, Invoice, InvoiceError, InvoiceRequest, KnownFeatures, MessageKind, Offer, OfferFields, Refund, Rule,
    SignedMessage, Unverified,
};

use super::{errors, keys, merkle, naive, walk};

/// Bytes as an offer.
pub fn offer(data: &[u8]) {
    let Some(offer) = read::<Offer>(data) else { return };
    walk::offer(&offer);
    assert_eq!(Some(offer.id()), OfferFields::id(&offer));
    let again = Bolt12::read(MessageKind::Offer, data.to_vec(), const { &KnownFeatures::DEFAULT });
    assert_eq!(again, Ok(Bolt12::Offer(Box::new(offer.clone()))));
    text(&offer, |width| offer.wrapped(width).map(|wrapped| wrapped.to_string()));
    assert_eq!(offer.into_bytes(), data);
}

/// Bytes as a request that answers an offer.
pub fn invoice_request(data: &[u8]) {
    let Some(request) = read_signed::<InvoiceRequest>(data) else { return };
    walk::request(&request);
    #[cfg(feature = "contacts")]
    super::contacts::request(&request, request.tlvs());
    verify("invoice_request", request.tlvs(), request.payer_id(), &request.signature());
    assert!(Refund::try_from(data).is_err());
    text(&request, |width| request.wrapped(width).map(|wrapped| wrapped.to_string()));
    assert_eq!(request.into_bytes(), data);
}

/// Bytes as a request that answers no offer.
pub fn refund(data: &[u8]) {
    let Some(refund) = read_signed::<Refund>(data) else { return };
    walk::request(&refund);
    if let Some(signature) = refund.signature() {
        verify("invoice_request", refund.tlvs(), refund.payer_id(), &signature);
    }
    assert!(InvoiceRequest::try_from(data).is_err());
    text(&refund, |width| refund.wrapped(width).map(|wrapped| wrapped.to_string()));
    assert_eq!(refund.into_bytes(), data);
}

/// Bytes as an invoice.
pub fn invoice(data: &[u8]) {
    let Some(invoice) = read_signed::<Invoice>(data) else { return };
    walk::invoice(&invoice);
    verify("invoice", invoice.tlvs(), invoice.node_id(), &invoice.signature());
    text(&invoice, |width| invoice.wrapped(width).map(|wrapped| wrapped.to_string()));
    assert_eq!(invoice.into_bytes(), data);
}

/// Bytes as an invoice error, which has no text form.
pub fn invoice_error(data: &[u8]) {
    let Some(error) = read::<InvoiceError>(data) else { return };
    error.error().iter().for_each(walk::text);
    if let Some(suggested) = error.suggested_value() {
        // ERW-2: what a reader is told, a writer could have said.
        let field = error.erroneous_field().expect("a suggestion is for a field");
        let written = InvoiceError::new("no").and_then(|error| error.about(field, Some(suggested)));
        assert_eq!(written.expect("a valid suggestion").suggested_value(), Some(suggested));
    }
    assert!(error.unknown().all(|record| record.number() % 2 == 1), "ERR-1");
}

/// What holds for every type of message when it is read from bytes.
fn read<T>(data: &[u8]) -> Option<T>
where
    T: TryFrom<Vec<u8>, Error = Error> + for<'a> TryFrom<&'a [u8], Error = Error> + AsRef<[u8]> + Ord + Debug + Clone,
{
    match T::try_from(data.to_vec()) {
        Ok(message) => {
            assert_eq!(message.as_ref(), data, "bytes in are bytes out");
            assert!(naive::records(data).is_some());
            assert_eq!(T::try_from(data).as_ref(), Ok(&message));
            assert!(message <= message.clone());
            assert!(!format!("{message:?} {message:#?}").is_empty());
            Some(message)
        }
        Err(error) => {
            errors::in_bytes(&error, data);
            None
        }
    }
}

/// The same for a message that can be read in two steps.
pub fn read_signed<T>(data: &[u8]) -> Option<T>
where
    T: SignedMessage
        + TryFrom<Vec<u8>, Error = Error>
        + for<'a> TryFrom<&'a [u8], Error = Error>
        + AsRef<[u8]>
        + Ord
        + Debug
        + Clone,
{
    let message = read::<T>(data);
    let verified = Unverified::<T>::read(data.to_vec(), const { &KnownFeatures::DEFAULT }).and_then(|unverified| {
        assert_eq!(unverified.tlvs().as_bytes(), data);
        assert!(!format!("{unverified:?}").is_empty());
        unverified.verify()
    });
    assert_eq!(verified.ok(), message);
    message
}

/// What holds for every type of message that has a text form.
pub fn text<T>(message: &T, wrap: impl Fn(usize) -> Result<String, Error>)
where
    T: FromStr<Err = Error> + AsRef<[u8]> + Eq + Hash + Debug + Display,
{
    let text = message.to_string();
    assert_eq!(text.parse().as_ref(), Ok(message));
    assert_eq!(naive::text(&text).map(|(_, bytes)| bytes).as_deref(), Some(message.as_ref()));
    // TXT-6
    let upper = format!("{message:#}");
    assert_eq!(upper, text.to_ascii_uppercase());
    let pasted: Bolt12 = format!(" lightning:{upper}\n").parse().expect("what was read can be pasted");
    assert!(!format!("{pasted:?}").is_empty());
    // TXT-7
    for width in 0..3 {
        assert_eq!(wrap(width).map_err(|error| error.rule()), Err(Rule::Txt7));
    }
    // Reading costs curve operations, so only one width is read by the crate itself.
    let chosen = 3 + text.len() % 70;
    for width in [3, chosen, text.len() - 1, text.len(), usize::MAX] {
        let wrapped = wrap(width).expect("wide enough");
        assert!(wrapped.lines().all(|line| line.len() <= width), "{width}: {wrapped}");
        assert_eq!(wrapped.lines().count() == 1, text.len() <= width);
        assert_eq!(naive::text(&wrapped).map(|(_, bytes)| bytes).as_deref(), Some(message.as_ref()), "{wrapped}");
        if width == chosen {
            assert_eq!(wrapped.parse().as_ref(), Ok(message), "{width}: {wrapped}");
        }
    }
}

/// The signature is valid for the digest that a naive reader computes. (SIG-1, SIG-2, SIG-3, SIG-4, SIG-5)
pub fn verify(
    name: &str,
    tlvs: &bolt12::TlvStream,
    key: bolt12::secp256k1::PublicKey,
    signature: &bolt12::secp256k1::schnorr::Signature,
) {
    let root = merkle::root_of(tlvs.records()).expect("it has fields");
    let message = bolt12::secp256k1::Message::from_digest(merkle::digest(name, "signature", root));
    let verified = keys::context().verify_schnorr(signature, &message, &key.x_only_public_key().0);
    assert!(verified.is_ok(), "the signature is not for what was read");
}
