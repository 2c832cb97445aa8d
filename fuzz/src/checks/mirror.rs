//! Target `mirror`: a whole exchange, in which every message repeats the one before it.
//!
//! The input is one stream that says everything: its offer fields are the offer, its request fields
//! what the payer asks for, its invoice fields what the issuer answers. So an invoice is a good seed.

use std::ops::RangeInclusive;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{self, Keypair};
use bolt12::{
    AcceptedRequest, Arrival, BlindedPath, ChainHash, ErrorKind, Fallback, Feature, Features, Field, HumanReadableName,
    Invoice, InvoiceBuilder, InvoiceContext, InvoiceRequest, InvoiceRequestBuilder, MinorUnits, Msat, MultiPart, Offer,
    PayInfo, Point, Preimage, Quantity, Rate, Refund, RefundContext, RequestArrival, RequestContext, Rule, SentTo,
    SignedMessage, TlvStream, UnixTime, Unsigned, UsableOffer,
};

use super::{contacts, errors, keys, merkle, naive, proof, walk};

const OFFER: [RangeInclusive<u64>; 2] = [1..=79, 1_000_000_000..=1_999_999_999];
const REQUEST: [RangeInclusive<u64>; 2] = [0..=159, 1_000_000_000..=2_999_999_999];
const SIGNATURES: RangeInclusive<u64> = 240..=1000;

/// An answer to an offer if the input has an issuer or a path to one, and the claim of a refund
/// otherwise.
pub fn check(data: &[u8]) {
    let Ok(input) = TlvStream::read(data.to_vec()) else { return };
    if input.contains(Field::OFFER_ISSUER_ID.number()) || input.contains(Field::OFFER_PATHS.number()) {
        answer_offer(&input);
    } else {
        claim_refund(&input);
    }
}

fn answer_offer(input: &TlvStream) {
    let Ok(offer) = Offer::try_from(offer_of(input)) else { return };
    let chain = offer.chains().and_then(|chains| chains.iter().next()).unwrap_or(ChainHash::BITCOIN);
    let now = offer.absolute_expiry().unwrap_or_default();
    let usable = offer.usable(now, &[chain]).expect("on its last second, on its first chain");

    let unsigned = match contacts::build(input, request_builder(input, usable)) {
        Ok(unsigned) => unsigned,
        Err(error) => return errors::any(&error),
    };
    assert_repeated(&OFFER, offer.tlvs(), &TlvStream::read(unsigned.as_bytes().to_vec()).expect("well formed"));
    let request: InvoiceRequest = sign("invoice_request", unsigned, keys::payer());
    assert_eq!(InvoiceRequest::try_from(request.as_bytes()).as_ref(), Ok(&request));
    walk::request(&request);
    assert_repeated(&OFFER, offer.tlvs(), request.tlvs());
    assert_eq!(request.offer().id(), Some(offer.id()));

    // RQR-7, IVW-3
    let last_nodes: Vec<Point> =
        offer.paths().iter().flat_map(|paths| paths.iter()).map(|path| path.last_blinded_node_id()).collect();
    let ours = last_nodes.iter().find_map(|last| keys::find(&last.to_bytes()));
    let last = ours.map(|key| key.public_key().into()).filter(|_| offer.issuer_id().is_none());
    let last = last.or(last_nodes.first().copied());
    let context = RequestContext {
        offer: &offer,
        arrival: last.map_or(RequestArrival::Direct, RequestArrival::OfferPath),
        now,
        chains: &[chain],
        rate: rate(&offer, 1),
        max_amount: None,
    };
    refuse_arrivals(&request, &context, &last_nodes);
    let accepted = match request.accept(&context) {
        Ok(accepted) => accepted,
        // The price in another currency, or an amount that nobody has.
        Err(error) => {
            assert_ne!(error.rule(), Rule::Rqr7, "{error:#}");
            return errors::any(&error);
        }
    };
    let (signer, sent_to) = match (offer.issuer_id(), ours) {
        (Some(_), _) => (keys::issuer(), last.map_or(SentTo::IssuerId, SentTo::Path)),
        (None, Some(key)) => (key, SentTo::Path(key.public_key().into())),
        (None, None) => {
            assert_eq!(Some(Point::from(accepted.node_id())), last);
            return refuse_stranger(input, accepted);
        }
    };
    assert_eq!(accepted.node_id(), signer.public_key());
    let Some(invoice) = answer(input, accepted, signer) else { return };
    assert_repeated(&OFFER, offer.tlvs(), invoice.tlvs());
    assert_repeated(&REQUEST, request.tlvs(), invoice.tlvs());
    check_invoice(&invoice, &request, sent_to, chain);
}

/// RQR-7: no other arrival will do.
fn refuse_arrivals(request: &InvoiceRequest, context: &RequestContext<'_>, last_nodes: &[Point]) {
    let refused = |arrival| {
        let error = request.accept(&RequestContext { arrival, ..*context }).map(|_| ()).expect_err("another arrival");
        errors::any(&error);
        assert_eq!((error.kind(), error.rule(), error.field()), (&ErrorKind::WrongArrival, Rule::Rqr7, None));
    };
    refused(RequestArrival::OtherPath);
    if !last_nodes.is_empty() {
        refused(RequestArrival::Direct);
    }
    keys::public().map(Point::from).into_iter().filter(|key| !last_nodes.contains(key)).for_each(|stranger| {
        refused(RequestArrival::OfferPath(stranger));
    });
}

/// A millisatoshi is worth so much of the offer's currency, if it has one.
pub(super) fn rate(offer: &Offer, minor_units: u64) -> Option<Rate> {
    offer.currency().map(|currency| Rate::new(currency, MinorUnits(minor_units), Msat(1)).expect("not for nothing"))
}

/// A payer takes the invoice, and takes it no more if one thing in the context changes.
fn check_invoice(invoice: &Invoice, request: &InvoiceRequest, sent_to: SentTo, chain: ChainHash) {
    let context = InvoiceContext {
        request,
        sent_to,
        arrival: Arrival::OwnPath,
        now: invoice.expires_at(),
        chains: &[chain],
        max_amount: invoice.amount(),
    };
    let payable = invoice.check(&context).expect("an honest invoice can be paid");
    assert_eq!(payable.amount(), invoice.amount());
    assert_eq!(payable.multi_part(), invoice.multi_part());
    assert!(payable.paths().count() > 0);

    let refused = |context: InvoiceContext<'_>| {
        let error = invoice.check(&context).expect_err("something changed");
        errors::any(&error);
        (error.rule(), error.field())
    };
    let (ivr9, ivr11) = (Some(Field::INVOICE_NODE_ID), Some(Field::INVOICE_AMOUNT));
    assert_eq!(refused(InvoiceContext { arrival: Arrival::Direct, ..context }), (Rule::Ivr13, None));
    assert_eq!(refused(InvoiceContext { chains: &[], ..context }).0, Rule::Ivr2);
    assert_eq!(refused(InvoiceContext { max_amount: Msat(invoice.amount().0 - 1), ..context }), (Rule::Ivr11, ivr11));
    if let Some(later) = invoice.expires_at().0.checked_add(1) {
        assert_eq!(refused(InvoiceContext { now: UnixTime(later), ..context }).0, Rule::Ivr4);
    }
    if invoice.offer().issuer_id().is_none() {
        assert_eq!(refused(InvoiceContext { sent_to: SentTo::IssuerId, ..context }), (Rule::Ivr9, ivr9));
    }
    // IVR-8: another request of the same payer for the same offer.
    let offer = Offer::try_from(offer_of(request.tlvs())).expect("it was an offer");
    let usable = offer.usable(UnixTime(0), &[chain]).expect("it was usable");
    let mut other = InvoiceRequestBuilder::new(usable, keys::payer().public_key(), [0xee; 64]).amount(Msat::MAX_MONEY);
    // At that rate, every price is a millisatoshi.
    if let Some(rate) = rate(&offer, u64::MAX) {
        other = other.rate(rate);
    }
    if let Some(quantity) = request.quantity() {
        other = other.quantity(quantity);
    }
    let other = other.build().and_then(|unsigned| unsigned.sign(keys::payer())).expect("as good as the first");
    let differs = refused(InvoiceContext { request: &other, ..context });
    assert_eq!(differs, (Rule::Ivr8, Some(Field::INVREQ_METADATA)));
}

fn claim_refund(input: &TlvStream) {
    let Ok(refund) = Refund::try_from(bytes_of(input, &REQUEST)) else { return };
    let chain = refund.chain();
    let now = refund.offer().absolute_expiry().unwrap_or_default();
    let accepted = match refund.accept(now, &[chain], keys::issuer().public_key()) {
        Ok(accepted) => accepted,
        Err(error) => {
            assert!(refund.amount().0 == 0 || refund.amount() > Msat::MAX_MONEY, "{error:#}");
            return errors::any(&error);
        }
    };
    assert_eq!((accepted.amount(), accepted.node_id()), (refund.amount(), keys::issuer().public_key()));
    let Some(invoice) = answer(input, accepted, keys::issuer()) else { return };
    assert_repeated(&REQUEST, refund.tlvs(), invoice.tlvs());
    let arrival = if refund.paths().is_some() { Arrival::OwnPath } else { Arrival::Direct };
    let payee = Some(keys::issuer().public_key());
    // OFR-9 and IVR-4: on the last second of the one that ends first.
    let now = refund.offer().absolute_expiry().unwrap_or(invoice.expires_at()).min(invoice.expires_at());
    let context = RefundContext { refund: &refund, arrival, now, chains: &[chain], payee };
    let payable = invoice.check_refund(&context).expect("an honest invoice can be paid");
    assert_eq!(payable.amount(), refund.amount());
    let elsewhere = invoice.check_refund(&RefundContext { arrival: Arrival::OtherPath, ..context });
    assert_eq!(elsewhere.expect_err("the wrong way").rule(), Rule::Ivr13);
    let stranger = Some(keys::payer().public_key());
    let stranger = invoice.check_refund(&RefundContext { payee: stranger, ..context });
    assert_eq!(stranger.expect_err("another payee").rule(), Rule::Ivr9);
}

/// Builds and signs the invoice, unless the builder refuses what the input asks for.
fn answer(input: &TlvStream, request: AcceptedRequest<'_>, signer: &Keypair) -> Option<Invoice> {
    match invoice_builder(input, request).build() {
        Ok(unsigned) => {
            let invoice = sign("invoice", unsigned, signer);
            assert_eq!(Invoice::try_from(invoice.as_bytes()).as_ref(), Ok(&invoice));
            walk::invoice(&invoice);
            assert_eq!(invoice.amount(), request.amount(), "IVW-2");
            // What is shown is chosen by the bits of a field that an invoice does not have.
            let choice = value(input, 1002).unwrap_or(&[0b1001_0110]);
            let selected = |number: u64| {
                let bit = (number % 97) as usize;
                !choice.is_empty() && choice[bit / 8 % choice.len()] >> (bit % 8) & 1 == 1
            };
            let note = value(input, 1005).and_then(|note| std::str::from_utf8(note).ok()).unwrap_or_default();
            if request.fields().payer_id() == Some(keys::payer().public_key()) {
                proof::prove(&invoice, preimage(input), keys::payer(), selected, note);
            }
            Some(invoice)
        }
        Err(error) => {
            errors::any(&error);
            None
        }
    }
}

/// IVW-3: without an issuer id, only the end of one of the offer's paths can sign.
fn refuse_stranger(input: &TlvStream, request: AcceptedRequest<'_>) {
    let unsigned = match invoice_builder(input, request).build() {
        Ok(unsigned) => unsigned,
        Err(error) => return errors::any(&error),
    };
    assert_eq!(unsigned.node_id(), Some(request.node_id()));
    // A key and its negative sign alike.
    let signer = request.node_id().x_only_public_key().0;
    for key in keys::all().iter().filter(|key| key.x_only_public_key().0 != signer) {
        let error = unsigned.clone().sign(key).expect_err("not our path");
        errors::any(&error);
        assert_eq!(*error.kind(), ErrorKind::WrongKey);
    }
}

/// Signs, and sees that a signer elsewhere, who is given the digest, comes to the same.
fn sign<T>(name: &str, unsigned: Unsigned<T>, key: &Keypair) -> T
where
    T: SignedMessage + PartialEq + std::fmt::Debug,
    Unsigned<T>: Clone,
{
    let records = TlvStream::read(unsigned.as_bytes().to_vec()).expect("well formed");
    let root = merkle::root_of(records.records()).expect("it has fields");
    assert_eq!(unsigned.digest(), merkle::digest(name, "signature", root), "SIG-4");
    let stranger = keys::all().iter().find(|other| *other != key).expect("more than one key");
    let refused = unsigned.clone().sign(stranger).expect_err("not the key that the message names");
    assert_eq!(*refused.kind(), ErrorKind::WrongKey);
    let message = secp256k1::Message::from_digest(unsigned.digest());
    let signature = keys::context().sign_schnorr_no_aux_rand(&message, key);
    let completed = unsigned.clone().complete(&signature).expect("a valid signature");
    let signed = unsigned.sign(key).expect("the right key");
    assert_eq!(signed, completed);
    signed
}

/// Every record of those types is the same in both, byte for byte, and there are no others.
fn assert_repeated(types: &[RangeInclusive<u64>], original: &TlvStream, copy: &TlvStream) {
    let of = |tlvs: &TlvStream| -> Vec<Vec<u8>> {
        let repeated = tlvs.records().filter(|record| types.iter().any(|range| range.contains(&record.number())));
        repeated
            .filter(|record| !SIGNATURES.contains(&record.number()))
            .map(|record| record.as_bytes().to_vec())
            .collect()
    };
    assert_eq!(of(original), of(copy));
}

pub(super) fn request_builder<'a>(input: &'a TlvStream, offer: UsableOffer<'a>) -> InvoiceRequestBuilder<'a> {
    let metadata = value(input, 0).filter(|metadata| metadata.len() >= 16).unwrap_or(&[0x24; 16]);
    let mut builder = InvoiceRequestBuilder::new(offer, keys::payer().public_key(), metadata);
    if let Some(rate) = rate(offer.offer(), u64::MAX) {
        builder = builder.rate(rate);
    }
    let amount = number(input, 82).or(offer.offer().amount().is_none().then_some(1_000));
    let quantity = number(input, 86).or((offer.offer().quantity_max() != Quantity::One).then_some(1));
    if let Some(amount) = amount {
        builder = builder.amount(Msat(amount));
    }
    if let Some(quantity) = quantity {
        builder = builder.quantity(quantity);
    }
    if let Some(note) = value(input, 89).and_then(|note| std::str::from_utf8(note).ok()) {
        builder = builder.payer_note(note);
    }
    if let Some(features) = value(input, 84).and_then(odd_features) {
        builder = builder.features(features);
    }
    if let Some(name) = value(input, 91).and_then(name) {
        builder = builder.bip_353_name(name);
    }
    for (number, value) in custom(input, 2_000_000_000..=2_999_999_999).filter(|(at, _)| !contacts::is_known(*at)) {
        builder = builder.custom_field(number, value);
    }
    builder
}

fn invoice_builder<'a>(input: &TlvStream, request: AcceptedRequest<'a>) -> InvoiceBuilder<'a> {
    invoice_builder_at(input, request, UnixTime(number(input, 164).unwrap_or(1_800_000_000)))
}

/// The same at a time that is not the input's.
pub(super) fn invoice_builder_at<'a>(
    input: &TlvStream,
    request: AcceptedRequest<'a>,
    created_at: UnixTime,
) -> InvoiceBuilder<'a> {
    let payment_hash = preimage(input).payment_hash();
    let mut builder = InvoiceBuilder::new(request, created_at, payment_hash);
    // The request's own paths are as good as any.
    let fields = request.fields();
    let paths = [fields.paths(), fields.offer().paths()].into_iter().flatten().flat_map(|paths| paths.iter());
    let payinfo = payinfo(value(input, 162).unwrap_or_default());
    let [key, other, ..] = keys::public();
    let simple = BlindedPath::new(other.into(), key, [(request.node_id(), [0x55; 20].as_slice())]).expect("a hop");
    for path in paths.map(BlindedPath::into_owned).chain([simple]) {
        builder = builder.add_path(path, &payinfo);
    }
    if let Some(seconds) = number(input, 166) {
        builder = builder.relative_expiry(Duration::from_secs(seconds));
    }
    for fallback in fallbacks(value(input, 172).unwrap_or_default()) {
        if fallback.address(request.fields().chain()).is_some() {
            builder = builder.add_fallback(&fallback);
        }
    }
    builder = builder.multi_part(match value(input, 174).map(<[u8]>::len) {
        None => MultiPart::Forbidden,
        Some(len) if len % 2 == 0 => MultiPart::Required,
        Some(_) => MultiPart::Allowed,
    });
    for (number, value) in custom(input, 3_000_000_000..=3_999_999_999) {
        builder = builder.custom_field(number, value);
    }
    builder
}

fn preimage(input: &TlvStream) -> Preimage {
    Preimage(sha256::Hash::hash(value(input, 168).unwrap_or_default()).to_byte_array())
}

fn value(input: &TlvStream, number: u64) -> Option<&[u8]> {
    input.get(number).map(|record| record.value())
}

/// Up to eight bytes as a number, however they are written.
pub(super) fn number(input: &TlvStream, number: u64) -> Option<u64> {
    let digits = value(input, number)?;
    Some(digits.iter().take(8).fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

/// The features that a reader may ignore.
fn odd_features(bytes: &[u8]) -> Option<Features<'static>> {
    let bits = bytes.iter().rev().take(64).zip(0u32..).flat_map(|(byte, at)| {
        (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| Feature((at * 8 + bit) | 1))
    });
    Features::new(bits).ok()
}

fn name(value: &[u8]) -> Option<HumanReadableName<'_>> {
    let (len, rest) = value.split_first()?;
    let (user, rest) = rest.split_at_checked((*len).into())?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    HumanReadableName::new(text(user)?, text(rest.get(1..)?)?).ok()
}

fn payinfo(value: &[u8]) -> PayInfo<'static> {
    let number = |at: usize, len: usize| {
        let digits = value.get(at..at + len).unwrap_or_default();
        digits.iter().fold(0, |number: u64, digit| number << 8 | u64::from(*digit))
    };
    PayInfo {
        fee_base_msat: number(0, 4) as u32,
        fee_proportional_millionths: number(4, 4) as u32,
        cltv_expiry_delta: number(8, 2) as u16,
        htlc_minimum_msat: number(10, 8),
        htlc_maximum_msat: number(18, 8),
        features: odd_features(value.get(28..).unwrap_or_default()).unwrap_or_else(|| Features::new([]).expect("none")),
    }
}

fn fallbacks(mut value: &[u8]) -> Vec<Fallback<'_>> {
    let mut fallbacks = Vec::new();
    while let Some(([version, high, low], rest)) = value.split_first_chunk() {
        let Some((program, rest)) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into()) else { break };
        fallbacks.push(Fallback { version: *version, program: program.into() });
        value = rest;
    }
    fallbacks
}

fn custom(input: &TlvStream, range: RangeInclusive<u64>) -> impl Iterator<Item = (u64, &[u8])> {
    let records = input.records().filter(move |record| range.contains(&record.number()));
    records.map(|record| (record.number(), record.value()))
}

/// The records of those types.
fn bytes_of(input: &TlvStream, types: &[RangeInclusive<u64>]) -> Vec<u8> {
    types.iter().flat_map(|range| input.range(range)).copied().collect()
}

/// The offer in the input, made ours: with an issuer whose key we have.
pub(super) fn offer_of(input: &TlvStream) -> Vec<u8> {
    let mut bytes = bytes_of(input, &OFFER);
    let issuer = Field::OFFER_ISSUER_ID.number();
    if let Some(record) = naive::records(&bytes).iter().flatten().find(|record| record.number == issuer) {
        let ours = keys::issuer().public_key().serialize();
        bytes.splice(record.start..record.end, [&[22, 33], ours.as_slice()].concat());
    }
    bytes
}
