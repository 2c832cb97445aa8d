//! Messages and invoices that are right, and not for whoever gets them.

use bolt12::exchange::{Accepted, Action, Destination, IncomingMessage, MessageArrival, OffersMessageKind};
use bolt12::secp256k1::Keypair;
use bolt12::{BlindedPath, ErrorKind, Field, Invoice, MessageKind, Msat, OfferBuilder, Rule, UnixTime};

use super::helpers::claim;
use super::messages::{NOW, path, payinfo};
use super::sides::{CHAINS, arrival, deliver, issuer, last_key, path_with, payer, terms};

/// MSG-1: what is no request, or no answer to a claim, is called by its name, for the price of nothing.
#[test]
fn a_message_of_another_kind_is_called_by_its_name() {
    let new = payer().new_refund([5; 32]);
    let refund = new.builder("a cup", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    let published = new.publish(refund, NOW).unwrap();
    let mut claimed = claim(&issuer(), published.refund().unwrap(), 1);
    let message = |kind| IncomingMessage { kind, bytes: vec![], arrival: MessageArrival::Direct, reply_path: None };
    let mut check = |kind, expected, found| {
        let refused = match expected {
            MessageKind::InvoiceRequest => issuer().receive(message(kind)).unwrap_err(),
            _ => claimed.receive(message(kind), NOW).unwrap_err(),
        };
        let (error, wrong) = (refused.error(), ErrorKind::WrongKind { expected, found });
        assert_eq!((error.kind(), error.rule()), (&wrong, Rule::Msg1));
        assert!(refused.is_cheap() && refused.answer().is_none());
    };
    let (request, invoice, error) = (MessageKind::InvoiceRequest, MessageKind::Invoice, MessageKind::InvoiceError);
    check(OffersMessageKind::Invoice, request, invoice);
    check(OffersMessageKind::InvoiceError, request, error);
    check(OffersMessageKind::Invoice, error, invoice);
    check(OffersMessageKind::InvoiceRequest, error, request);
    #[cfg(feature = "async_payments")]
    check(OffersMessageKind::StaticInvoice, request, MessageKind::StaticInvoice);
    // What says all by being there has no name but that of its field.
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    for kind in
        [OffersMessageKind::ReleaseHeldHtlc, OffersMessageKind::Serving(bolt12::exchange::ServingKind::OfferPaths)]
    {
        let refused = issuer().receive(message(kind)).unwrap_err();
        let (error, field) = (refused.error(), refused.error().field().unwrap());
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Unexpected, Rule::Msg1));
        assert_eq!(field.number(), kind.tlv_type());
    }
}

/// IVW-3, IVW-6: of an offer without an issuer id, the last key of the path that was taken signs. An invoice for the same
/// request over the other path is not sent as its answer.
#[test]
fn an_invoice_of_another_path_is_not_sent() {
    let new = issuer().new_offer([7; 16]);
    let path_ids = [0, 1].map(|position| new.path_id(position));
    let paths = path_ids.map(|path_id| path_with(0x60, path_id));
    let offer = OfferBuilder::with_paths(paths.clone()).description("tea").amount_msat(Msat(9_000));
    let offer = new.build(offer).unwrap();
    let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
    let accept = |path: BlindedPath<'static>| {
        let incoming = IncomingMessage { arrival: arrival(&Destination::Path(path)), ..deliver(&asked, 0x70) };
        issuer().receive(incoming).unwrap().accept(&terms(NOW, None)).unwrap()
    };
    let invoice = |accepted: &Accepted, key: &Keypair| -> Invoice {
        let hash = accepted.expected_payment().payment_hash();
        accepted.invoice(hash).add_path(path(2), &payinfo()).build().unwrap().sign(key).unwrap()
    };
    let [one, other] = paths.map(accept);
    let [key, other_key] = path_ids.map(|path_id| last_key(0x60, path_id));
    assert_eq!((one.node_id(), other.node_id()), (key.public_key(), other_key.public_key()));
    assert!(one.answer(invoice(&one, &key)).is_ok() && other.answer(invoice(&other, &other_key)).is_ok());
    let error = one.answer(invoice(&other, &other_key)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::WrongKey, Rule::Ivw6));
    assert_eq!(error.field(), Some(Field::INVOICE_NODE_ID));
}
