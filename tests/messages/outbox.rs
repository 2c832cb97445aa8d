//! What is to be sent, as bytes: what is read is what was written, and nothing else is.

use std::sync::LazyLock;

use super::raw::{self, *};
use bolt12::exchange::{Destination, OffersMessage, OutgoingMessage, PathId, SAVED_VERSION, saved_version};
use bolt12::{ErrorKind, Feature, Features, InvoiceError, InvoiceRequest, InvoiceRequestBuilder, KnownFeatures, Rule};
use proptest::prelude::*;

fn messages() -> [OffersMessage; 3] {
    [
        OffersMessage::InvoiceRequest(request().read()),
        OffersMessage::Invoice(invoice().read()),
        OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap()),
    ]
}

fn destinations() -> [Destination; 2] {
    [Destination::Node(issuer().public_key()), Destination::Path(blinded_path())]
}

/// Each kind of message, to each kind of destination, with an answer wanted and without.
fn all() -> Vec<OutgoingMessage> {
    let mut all = Vec::new();
    for message in messages() {
        for destination in destinations() {
            for reply_path_id in [None, Some(PathId([7; 32]))] {
                all.push(OutgoingMessage { message: message.clone(), destination: destination.clone(), reply_path_id });
            }
        }
    }
    all
}

static ALL: LazyLock<Vec<OutgoingMessage>> = LazyLock::new(all);

fn refused(bytes: &[u8]) -> ErrorKind {
    let error = OutgoingMessage::from_bytes(bytes).unwrap_err();
    error.kind().clone()
}

// EXC-4
#[test]
fn what_is_to_be_sent_comes_back_as_it_was() {
    for message in &*ALL {
        let bytes = message.to_bytes();
        assert_eq!(&OutgoingMessage::from_bytes(&bytes).unwrap(), message);
        // Its form is the same in every release that has this version.
        assert_eq!((bytes[0], u64::from(bytes[1])), (1, message.message.kind().tlv_type()));
        assert!(bytes.ends_with(message.message.as_bytes()));
        assert!(bytes.len() <= message.message.as_bytes().len() + 6 + 33 + 200 + 33);
    }
}

// EXC-4
#[test]
fn what_was_not_written_so_is_not_read() {
    assert_eq!(refused(&[]), ErrorKind::InvalidState);
    for message in &*ALL {
        let bytes = message.to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            refused(&bytes)
        };
        assert_eq!((with(0, 2), with(0, 0)), (ErrorKind::UnknownVersion, ErrorKind::UnknownVersion));
        assert_eq!((with(1, 65), with(2, 1)), (ErrorKind::InvalidState, ErrorKind::InvalidState));
        let start = bytes.len() - message.message.as_bytes().len();
        for len in 0..start {
            OutgoingMessage::from_bytes(&bytes[..len]).unwrap_err();
        }
        // Whether there is a path id is one bit.
        let flag = start - if message.reply_path_id.is_some() { 33 } else { 1 };
        assert_eq!(with(flag, 2), ErrorKind::InvalidState);
    }
}

static KNOWN: KnownFeatures = KnownFeatures { invoice_request: &[8], ..KnownFeatures::DEFAULT };

// RQR-4
#[test]
fn features_that_the_application_knows_are_read() {
    let offer = bolt12::Offer::read(raw::offer().encode(), &KNOWN).unwrap();
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let request = InvoiceRequestBuilder::new(usable, payer().public_key(), [1; 16]);
    let request = request.features(Features::new([Feature(8)]).unwrap()).build().unwrap().sign(&payer()).unwrap();
    let [to_node, _] = destinations();
    let message = OffersMessage::InvoiceRequest(request);
    let outgoing = OutgoingMessage { message, destination: to_node, reply_path_id: None };
    let bytes = outgoing.to_bytes();
    assert_eq!(refused(&bytes), ErrorKind::UnknownFeature(8));
    assert_eq!(OutgoingMessage::read(&bytes, &KNOWN).unwrap(), outgoing);
}

// SIG-5: an outbox is no way around a signature.
#[test]
fn a_message_that_is_not_signed_is_not_read() {
    let [to_node, _] = destinations();
    let request: InvoiceRequest = request().read();
    let outgoing = OutgoingMessage {
        message: OffersMessage::InvoiceRequest(request),
        destination: to_node,
        reply_path_id: Some(PathId([7; 32])),
    };
    let mut bytes = outgoing.to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let error = OutgoingMessage::from_bytes(&bytes).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, Rule::Rqr3));
}

// EXC-4
#[test]
fn the_version_of_a_state_is_read_without_its_secret() {
    let payer = bolt12::exchange::Payer::new([1; 32]);
    let draft = payer.draft(&raw::offer().read(), NOW, BITCOIN).unwrap();
    let state = draft.start([2; 32], NOW, bolt12::UnixTime(NOW.0 + 60)).unwrap().to_bytes();
    assert_eq!(saved_version(&state), Some(SAVED_VERSION));
    let newer = [&[SAVED_VERSION + 1], &state[1..]].concat();
    assert_eq!(saved_version(&newer), Some(SAVED_VERSION + 1));
    // It is no promise: only whoever has the secret can load it.
    assert!(payer.load(&newer).is_err());
    assert_eq!((saved_version(&[]), saved_version(&[1; 17])), (None, None));
}

proptest! {
    /// Whatever is stored, reading it never panics, and what is read is written as it was.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), whole in 0..13usize, at: usize, byte: u8) {
        let _ = OutgoingMessage::from_bytes(&bytes);
        if let Some(message) = ALL.get(whole) {
            let mut bytes = message.to_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(read) = OutgoingMessage::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
