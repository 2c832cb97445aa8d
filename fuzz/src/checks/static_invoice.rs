//! Target `static_invoice`: bytes as a static invoice, which has no text form.

use bolt12::{
    Arrival, ChainHash, InvoiceRequestBuilder, Msat, Offer, OfferAmount, OfferFields, Quantity, SentTo, StaticInvoice,
    StaticInvoiceContext, UnixTime, Unsigned,
};

use super::{keys, messages, naive, walk};

/// The input is the message.
pub fn check(data: &[u8]) {
    let Some(invoice) = messages::read_signed::<StaticInvoice>(data) else { return };
    walk::offer(invoice.offer());
    messages::verify("static_invoice", invoice.tlvs(), invoice.node_id(), &invoice.signature());
    assert!(bolt12::Invoice::try_from(data).is_err(), "no message is an invoice of both kinds");
    fields(&invoice);
    unsigned(&invoice, data);
    pay(&invoice);
    assert_eq!(invoice.into_bytes(), data);
}

/// STA-1, STA-2, STA-3, STA-7
fn fields(invoice: &StaticInvoice) {
    for number in [0, 80, 82, 88, 89, 168, 170] {
        assert!(!invoice.tlvs().contains(number), "STA-1: {number}");
    }
    assert!(!invoice.tlvs().records().any(|record| (2_000_000_000..3_000_000_000).contains(&record.number())));
    walk::paths(&invoice.message_paths().expect("STA-1"));
    walk::paths(&invoice.paths().expect("STA-1"));
    assert_eq!(invoice.payment_paths().count(), invoice.paths().expect("STA-1").count(), "IVR-6");
    let life = if invoice.tlvs().contains(166) { invoice.relative_expiry().as_secs() } else { 1_209_600 };
    assert_eq!(invoice.expires_at().0, invoice.created_at().0.saturating_add(life), "STA-3");
    let named = match invoice.offer().issuer_id() {
        Some(issuer_id) => issuer_id == invoice.node_id(),
        None => {
            invoice.offer().paths().into_iter().flatten().any(|path| path.last_blinded_node_id() == invoice.node_id())
        }
    };
    assert!(named, "STA-2");
    assert!(invoice.offer().chains().is_none_or(|chains| chains.iter().count() == 1), "STA-7");
    assert!(invoice.offer().supports_chain(invoice.chain()));
    let shown = format!("{:?} {:?} {:?}", **invoice, invoice.features(), invoice.multi_part());
    assert!(!shown.is_empty());
    assert!(invoice.unknown().all(|record| record.number() % 2 == 1));
}

/// What is signed elsewhere is the same.
fn unsigned(invoice: &StaticInvoice, data: &[u8]) {
    let records = naive::records(data).expect("a message that was read");
    let others = records.iter().filter(|record| record.number != 240);
    let others: Vec<u8> = others.flat_map(|record| data[record.start..record.end].to_vec()).collect();
    let unsigned = Unsigned::<StaticInvoice>::try_from(others).expect("without a signature");
    assert_eq!(unsigned.complete(&invoice.signature()).as_ref(), Ok(invoice));
}

/// STA-4, STA-5: a request for the same offer is answered, and one for another is not.
fn pay(invoice: &StaticInvoice) {
    let offer: Vec<u8> = invoice.offer().records().flat_map(|record| record.as_bytes().to_vec()).collect();
    let offer = Offer::try_from(offer).expect("D10");
    assert!(offer.same_offer(invoice.offer()));
    answer(invoice, &offer, true);
    let metadata = [&[4, 2, 0x5a][..], &[0xa5]].concat();
    let other: Vec<u8> =
        offer.records().filter(|record| record.number() > 4).flat_map(|it| it.as_bytes().to_vec()).collect();
    if let Ok(other) = Offer::try_from([metadata, other].concat()) {
        answer(invoice, &other, OfferFields::same_offer(&other, &offer));
    }
}

fn answer(invoice: &StaticInvoice, offer: &Offer, is_same: bool) {
    let now = UnixTime(invoice.created_at().0.min(offer.absolute_expiry().unwrap_or(UnixTime(u64::MAX)).0));
    let chain = [invoice.chain()];
    let Ok(usable) = offer.usable(now, &chain) else { return };
    let mut request = InvoiceRequestBuilder::new(usable, keys::payer().public_key(), [7; 16]);
    if offer.quantity_max() != Quantity::One {
        request = request.quantity(1);
    }
    let price = match offer.amount() {
        Some(OfferAmount::Bitcoin(price)) => price,
        Some(OfferAmount::Currency { .. }) => return,
        None => Msat(1),
    };
    if offer.amount().is_none() {
        request = request.amount(price);
    }
    let Ok(unsigned) = request.build() else { return };
    let request = unsigned.sign(keys::payer()).expect("the right key");
    for path in offer.paths().into_iter().flatten() {
        let context = StaticInvoiceContext {
            request: &request,
            sent_to: SentTo::Path(path.last_blinded_node_id()),
            arrival: Arrival::OwnPath,
            now,
            chains: &[ChainHash::BITCOIN, chain[0]],
            max_amount: Msat::MAX_MONEY,
            rate: None,
        };
        let Ok(payable) = invoice.check(&context) else { continue };
        assert!(is_same, "STA-4");
        assert_eq!(payable.amount(), price, "STA-5");
        assert!(payable.paths().count() > 0, "EXC-11");
        assert!(payable.message_paths().count() > 0, "STA-1");
        let too_dear = StaticInvoiceContext { max_amount: Msat(price.0 - 1), ..context };
        assert!(invoice.check(&too_dear).is_err(), "STA-5");
        let too_late = UnixTime(payable.expires_at().0.saturating_add(1));
        if too_late > payable.expires_at() {
            assert!(invoice.check(&StaticInvoiceContext { now: too_late, ..context }).is_err(), "STA-3");
        }
    }
}
