//! The payer's steps.

use bolt12::TlvStream;
use lightning::offers::invoice::Bolt12Invoice;
use lightning::util::ser::Writeable;

use crate::conversation::{Conversation, Padding, copy};
use crate::floor::{Floor, digest};
use crate::measure::Side;
use crate::messages::{Keys, Messages, NOW, build_their_request};
use crate::table::Comparison;

pub(crate) fn all<'a>(conversation: &'a Conversation, keys: &'a Keys) -> Vec<Comparison<'a>> {
    assert!(conversation.case.padding == Padding::None);
    let Conversation { payer, payment, asking, request, invoice, answered, .. } = conversation;
    let name = |operation| conversation.name(operation);
    let key = payer.keypair(request).expect("an own request");
    let read = move || TlvStream::read(invoice.as_bytes().to_vec()).expect("a stream");
    let asked = Floor::default().and_digest(request.tlvs().records()).and_derive(&key).and_sign(&key);
    let records = || invoice.tlvs().records();
    let received = Floor::invoice(invoice).and_digest(records()).and_verify(
        invoice.signature(),
        digest("invoice", records()),
        invoice.node_id(),
    );
    // Their request has the same shape; its metadata is their own, as is ours.
    let theirs = Messages::new(conversation.case.shape, keys);
    let (their_offer, their_invoice) = (theirs.their_offer, theirs.their_invoice);
    let (their_bytes, of_bytes) = (their_invoice.encode(), their_invoice.clone());
    let their_id = of_bytes.verify_using_metadata(&keys.expanded, &keys.context).expect("an own request");
    vec![
        Comparison {
            name: name("payer: poll, with a request to send"),
            ours: Side::new(
                || copy(payer, payment),
                |mut payment| (payment.poll(NOW).expect("a valid request"), payment),
            ),
            lightning: Some(Side::new(
                || (),
                move |()| build_their_request(conversation.case.shape, keys, &their_offer),
            )),
            floor: Some(asked.sides(&keys.context)),
        },
        Comparison {
            name: name("payer: receive the invoice"),
            ours: Side::new(
                || (copy(payer, asking), answered.clone()),
                |(mut payment, answered)| (payment.receive(answered, NOW).expect("a valid invoice"), payment),
            ),
            lightning: Some(Side::new(
                move || their_bytes.clone(),
                move |bytes| {
                    let invoice = Bolt12Invoice::try_from(bytes).expect("an invoice");
                    assert_eq!(invoice.verify_using_metadata(&keys.expanded, &keys.context), Ok(their_id));
                    invoice
                },
            )),
            floor: Some(received.sides(&keys.context)),
        },
        Comparison {
            name: name("payer: tell whose answer it is, by the path"),
            ours: Side::new(|| answered.arrival, |arrival| payer.payment_of(&arrival).expect("an own path")),
            lightning: None,
            floor: None,
        },
        Comparison {
            // All that `lightning` has takes a message that was read, with its signature verified.
            name: name("payer: tell that an invoice is for an own request"),
            ours: {
                let tlvs = read();
                Side::new(|| (), move |()| assert!(payer.is_own(&tlvs)))
            },
            lightning: Some(Side::new(
                || (),
                move |()| their_invoice.verify_using_metadata(&keys.expanded, &keys.context).expect("an own request"),
            )),
            floor: None,
        },
        Comparison {
            name: name("payer: read the records, and tell that"),
            ours: Side::new(
                || answered.bytes.clone(),
                |bytes| assert!(payer.is_own(&TlvStream::read(bytes).expect("a stream"))),
            ),
            lightning: None,
            floor: None,
        },
    ]
}
