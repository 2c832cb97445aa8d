//! Every kind of error, with the sentence a person reads and the details a developer reads, compared
//! with `tests/data/errors.txt`. `BLESS=1 cargo test --features full --test messages errors` writes that file anew.

#[cfg(all(feature = "async_payments", feature = "onion"))]
use super::serving_errors;
use super::{messages, naive, sides};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::proofs::{self, Parts};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Action, Contact, EndReason, IncomingMessage, Limit, MessageArrival, Need, OffersMessageKind, OutgoingMessage,
    Payee, Payer, Payment, Progress, Retry, State, Stock, SubscriptionEnd, TakenPayments, Terms,
};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::*;

const KEY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
const NOW: UnixTime = UnixTime(1_800_000_000);

fn key() -> PublicKey {
    KEY.parse().unwrap()
}

fn pair(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap()
}

/// A stream, from types of up to four bytes and values of up to 252 bytes.
fn tlvs(fields: &[(u64, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        match number {
            0..=0xfc => bytes.push(*number as u8),
            0xfd..=0xffff => bytes.extend([0xfd].into_iter().chain((*number as u16).to_be_bytes())),
            _ => bytes.extend([0xfe].into_iter().chain((*number as u32).to_be_bytes())),
        }
        bytes.push(value.len().try_into().unwrap());
        bytes.extend_from_slice(value);
    }
    bytes
}

fn issuer_id() -> [u8; 33] {
    key().serialize()
}

fn offer(fields: &[(u64, &[u8])]) -> Error {
    Offer::try_from(tlvs(fields)).unwrap_err()
}

fn text(text: &str) -> Error {
    text.parse::<Offer>().unwrap_err()
}

/// An offer's fields in a request, with changes; refused before the signature is looked at.
fn request(changes: &[(u64, Option<&[u8]>)]) -> Error {
    let id = issuer_id();
    let fields: [(u64, &[u8]); 5] = [(0, &[1; 16]), (22, &id), (82, &[10]), (88, &id), (240, &[1; 64])];
    InvoiceRequest::try_from(changed(&fields, changes)).unwrap_err()
}

fn changed<'a>(fields: &[(u64, &'a [u8])], changes: &[(u64, Option<&'a [u8]>)]) -> Vec<u8> {
    let mut all: BTreeMap<u64, &[u8]> = fields.iter().copied().collect();
    for (number, value) in changes {
        match value {
            Some(value) => all.insert(*number, value),
            None => all.remove(number),
        };
    }
    tlvs(&all.into_iter().collect::<Vec<_>>())
}

fn path() -> BlindedPath<'static> {
    BlindedPath::new(key().into(), key(), [(key(), [0u8; 16].as_slice())]).unwrap()
}

fn payinfo(features: Features<'_>) -> PayInfo<'_> {
    PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1_000_000_000,
        features,
    }
}

fn invoice(changes: &[(u64, Option<&[u8]>)]) -> Error {
    let id = issuer_id();
    let paths = path();
    let payinfos = [0; 28];
    let fields: [(u64, &[u8]); 11] = [
        (0, &[1; 16]),
        (22, &id),
        (82, &[10]),
        (88, &id),
        (160, paths.as_bytes()),
        (162, &payinfos),
        (164, &[100]),
        (168, &[2; 32]),
        (170, &[10]),
        (176, &id),
        (240, &[1; 64]),
    ];
    Invoice::try_from(changed(&fields, changes)).unwrap_err()
}

/// A whole exchange that succeeds, to be spoiled.
struct Exchange {
    offer: Offer,
    request: InvoiceRequest,
    invoice: Invoice,
}

fn exchange() -> Exchange {
    let (issuer, payer) = (pair(0x41), pair(0x42));
    let offer = OfferBuilder::new(issuer.public_key()).description("tea").amount_msat(Msat(1_000)).build().unwrap();
    let usable = offer.usable(NOW, &[ChainHash::BITCOIN]).unwrap();
    let request =
        InvoiceRequestBuilder::new(usable, payer.public_key(), [7; 16]).build().unwrap().sign(&payer).unwrap();
    let accepted = request.accept(&issuers(&offer)).unwrap();
    let none = Features::new([]).unwrap();
    let invoice = InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(&[1]))
        .add_path(path(), &payinfo(none))
        .build()
        .unwrap()
        .sign(&issuer)
        .unwrap();
    Exchange { offer, request, invoice }
}

/// What an issuer knows who can be reached directly.
fn issuers(offer: &Offer) -> RequestContext<'_> {
    let arrival = RequestArrival::Direct;
    RequestContext { offer, arrival, now: NOW, chains: &[ChainHash::BITCOIN], rate: None, max_amount: None }
}

fn accept(change: impl FnOnce(&mut RequestContext<'_>)) -> Error {
    let exchange = exchange();
    let mut context = issuers(&exchange.offer);
    let _ = exchange.request.accept(&context).unwrap();
    change(&mut context);
    exchange.request.accept(&context).map(drop).unwrap_err()
}

fn check(change: impl FnOnce(&mut InvoiceContext<'_>)) -> Error {
    let exchange = exchange();
    let mut context = InvoiceContext {
        request: &exchange.request,
        sent_to: SentTo::IssuerId,
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: &[ChainHash::BITCOIN],
        max_amount: Msat(1_000),
    };
    let _ = exchange.invoice.check(&context).unwrap();
    change(&mut context);
    exchange.invoice.check(&context).unwrap_err()
}

/// A payer proof with one change; refused at the latest because both signatures are made up.
fn proof(number: u64, value: Option<&[u8]>) -> Error {
    let id = issuer_id();
    let hash = sha256::Hash::hash(&[7; 32]).to_byte_array();
    let fields: [(u64, &[u8]); 8] = [
        (88, &id),
        (168, &hash),
        (176, &id),
        (240, &[1; 64]),
        (241, &[1; 64]),
        (1001, &[7; 32]),
        (1003, &[3; 32]),
        (1004, &[4; 96]),
    ];
    PayerProof::try_from(changed(&fields, &[(number, value)])).unwrap_err()
}

/// A proof that cannot be made of an invoice that was paid.
fn unprovable(change: impl FnOnce(PayerProofBuilder<'_>) -> PayerProofBuilder<'_>) -> Error {
    let invoice = exchange().invoice;
    change(PayerProofBuilder::minimal(&invoice, Preimage([7; 32]))).build().unwrap_err()
}

/// One error of every kind, and more where sentences differ.
fn errors() -> Vec<Error> {
    let id = issuer_id();
    let good = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    let mut errors = vec![
        text(""),
        text("hello"),
        text("lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf"),
        text("lntb20m1pvjluezhp58yjmdan79s6qqdhdzgy"),
        text(KEY),
        text(&format!("{KEY}@127.0.0.1:9735")),
        text("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        text(
            "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJX",
        ),
        text("satoshi@example.com"),
        text("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        text("https://example.com"),
        text("abandon ability able about above absent absorb abstract absurd abuse access accident"),
        text("lni1qqq"),
        text("lno1Zcss"),
        text("lno1zcsb"),
        text("lno1zcsé"),
        text("lno1zcss+"),
        text("lno1zc ss"),
        text(&good[..good.len() - 3]),
        text(&good[..good.len() - 2]),
        Offer::try_from(vec![0; MAX_LEN + 1]).unwrap_err(),
        Offer::try_from(vec![]).unwrap_err(),
        Offer::try_from(vec![10]).unwrap_err(),
        Offer::try_from(vec![0xfd, 0]).unwrap_err(),
        Offer::try_from(vec![0xfd, 0, 10]).unwrap_err(),
        offer(&[(14, &[0]), (22, &id)]),
        offer(&[(14, &[1; 9]), (22, &id)]),
        offer(&[(22, &id), (10, b"tea")]),
        offer(&[(22, &id), (24, &[])]),
        offer(&[(22, &id), (80, &[])]),
        offer(&[(2, &[0; 31]), (22, &id)]),
        offer(&[(2, &[]), (22, &id)]),
        offer(&[(10, b"t\xffa"), (22, &id)]),
        offer(&[(22, &[2; 32])]),
        offer(&[(22, &[5; 33])]),
        offer(&[(6, b"usd"), (8, &[1]), (10, b"tea"), (22, &id)]),
        offer(&[(6, b"USD"), (22, &id)]),
        offer(&[(8, &[]), (10, b"tea"), (22, &id)]),
        offer(&[(8, &[1]), (22, &id)]),
        offer(&[(10, b"tea")]),
        offer(&[(12, &[4]), (22, &id)]),
        offer(&[(16, &[])]),
        offer(&[(16, &[9])]),
        offer(&[(16, &[&id[..], &id[..], &[0]].concat())]),
        request(&[(0, None)]),
        request(&[(22, None)]),
        request(&[(80, Some(&[1; 32]))]),
        request(&[(82, None)]),
        request(&[(84, Some(&[1]))]),
        request(&[(86, Some(&[1]))]),
        request(&[(20, Some(&[3]))]),
        request(&[(20, Some(&[3])), (86, Some(&[4]))]),
        request(&[(20, Some(&[])), (86, Some(&[]))]),
        request(&[(8, Some(&[255; 8])), (10, Some(b"tea")), (20, Some(&[])), (86, Some(&[2]))]),
        request(&[(8, Some(&[11])), (10, Some(b"tea"))]),
        request(&[(91, Some(b"\x01!\x01a"))]),
        request(&[(240, None)]),
        request(&[]),
        Refund::try_from(exchange().request.as_bytes()).unwrap_err(),
        Refund::try_from(tlvs(&[(0, &[1]), (88, &id)])).unwrap_err(),
        invoice(&[(168, None)]),
        invoice(&[(162, Some(&[0; 56]))]),
        invoice(&[(162, Some(&[&[0; 27][..], &[1, 1]].concat()))]),
        invoice(&[(170, Some(&[11]))]),
        invoice(&[(174, Some(&[1]))]),
        invoice(&[(176, Some(&[3; 33]))]),
        invoice(&[(240, None)]),
        invoice(&[]),
        proof(0, Some(&[1; 16])),
        proof(168, None),
        proof(1001, Some(&[8; 32])),
        proof(1002, Some(&[0])),
        proof(1003, Some(&[3; 64])),
        proof(1003, Some(&[3; 31])),
        proof(1004, Some(&[4; 64])),
        proof(1005, Some(b"note")),
        unprovable(|proof| proof),
        unprovable(|proof| proof.reveal(Field::INVREQ_METADATA)),
        unprovable(|proof| proof.reveal(Field::OFFER_ISSUER)),
        unprovable(|proof| proof.hide(Field::INVOICE_NODE_ID)),
        check(|context| context.arrival = Arrival::Direct),
        check(|context| context.chains = &[]),
        check(|context| context.max_amount = Msat(999)),
        check(|context| context.now = UnixTime(NOW.0 + 7201)),
        InvoiceError::new("").unwrap_err(),
        InvoiceError::new("no").unwrap().about(Field::INVREQ_AMOUNT, Some(&[0])).unwrap_err(),
        BlindedPath::new(key().into(), key(), vec![(key(), [].as_slice()); 256]).unwrap_err(),
        exchange().offer.wrapped(2).unwrap_err(),
    ];
    let usable = |offer: &Offer| offer.usable(NOW, &[ChainHash::BITCOIN]).map(drop);
    let expired = OfferBuilder::new(key()).absolute_expiry(UnixTime(1_700_000_000)).build().unwrap();
    errors.push(usable(&expired).unwrap_err());
    errors.push(usable(&OfferBuilder::new(key()).add_chain(ChainHash::TESTNET3).build().unwrap()).unwrap_err());
    errors.push(OfferBuilder::new(key()).description("tea").amount_msat(Msat(u64::MAX)).build().unwrap_err());
    errors.push(OfferBuilder::new(key()).custom_field(33, []).build().unwrap_err());
    errors.push(RefundBuilder::new("tea", Msat(1), key(), [1; 15]).build().unwrap_err());
    errors.push(RefundBuilder::new("", Msat(1), key(), [1; 16]).build().unwrap_err());
    errors.push(dollars());
    let other = OfferBuilder::new(key()).build().unwrap();
    errors.push(exchange().request.accept(&issuers(&other)).map(drop).unwrap_err());
    errors.push(accept(|context| context.arrival = RequestArrival::OtherPath));
    errors.push(accept(|context| context.chains = &[]));
    errors.push(accept(|context| context.max_amount = Some(Msat(999))));
    errors.push(fallback());
    errors.extend(paths_that_do_not_carry());
    errors.extend(subscriptions());
    errors.extend(rates_not_known());
    errors.push("539268x845".parse::<ShortChannelId>().unwrap_err());
    errors.push(bolt12::Rate::per_bitcoin("USD".parse().unwrap(), "1,000").unwrap_err());
    errors.push(bolt12::Rate::per_bitcoin("XAU".parse().unwrap(), "1000").unwrap_err());
    // A letter of another alphabet.
    errors.push("lno1\u{430}".parse::<Offer>().unwrap_err());
    // A field twice.
    errors.push("lno1pgqszzszqy".parse::<Offer>().unwrap_err());
    errors.extend(proofs_not_made());
    errors.extend(proofs_not_read());
    #[cfg(feature = "onion")]
    errors.extend(onions());
    errors.extend(requests_not_received());
    errors.extend(sales_not_made());
    errors.push(one_claim_too_many());
    errors.extend(contacts_not_made());
    errors.extend(payments_not_made());
    errors.extend(refunds_not_paid());
    errors.extend(links());
    errors.extend(looked_up());
    errors.extend(made_by_old_software());
    errors.extend(lengths());
    #[cfg(feature = "dnssec")]
    errors.extend(names());
    #[cfg(feature = "async_payments")]
    errors.extend(static_invoices());
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    errors.extend(serving_errors::errors());
    errors
}

/// Static invoices that break a rule, or answer something else.
#[cfg(feature = "async_payments")]
fn static_invoices() -> Vec<Error> {
    let (id, path) = (issuer_id(), self::path());
    let fields: [(u64, &[u8]); 8] = [
        (16, path.as_bytes()),
        (22, &id),
        (160, path.as_bytes()),
        (162, &[0; 28]),
        (164, &[100]),
        (176, &id),
        (236, path.as_bytes()),
        (240, &[1; 64]),
    ];
    let refused = |changes: &[(u64, Option<&[u8]>)]| StaticInvoice::try_from(changed(&fields, changes)).unwrap_err();
    let mut errors = vec![
        refused(&[(236, None)]),
        refused(&[(168, Some(&[2; 32]))]),
        refused(&[(170, Some(&[10]))]),
        refused(&[(88, Some(&id))]),
        refused(&[(176, Some(&[3; 33]))]),
        refused(&[(236, Some(&[&id[..], &id[..], &[0]].concat()))]),
        refused(&[(2, Some(&[1; 64]))]),
        refused(&[(16, None)]),
        refused(&[]),
    ];
    let issuer = pair(0x41);
    let offer = |amount| {
        let builder = OfferBuilder::new(issuer.public_key()).description("tea").amount(amount);
        builder.add_path(self::path()).build().unwrap()
    };
    let usd = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let (tea, priced) = (offer(OfferAmount::Bitcoin(Msat(1_000))), offer(usd));
    let invoice = |offer: &Offer| {
        let builder =
            StaticInvoiceBuilder::new(offer, NOW).add_path(self::path(), &payinfo(Features::new([]).unwrap()));
        let builder = builder.add_message_path(self::path()).add_message_path(self::path());
        builder.build().unwrap().sign(&issuer).unwrap()
    };
    let check = |offer: &Offer, asked: &Offer, max| {
        let usable = asked.usable(NOW, &[ChainHash::BITCOIN]).unwrap();
        let request = InvoiceRequestBuilder::new(usable, pair(0x42).public_key(), [7; 16]).build().unwrap();
        let request = request.sign(&pair(0x42)).unwrap();
        let context = StaticInvoiceContext {
            request: &request,
            sent_to: SentTo::Path(key().into()),
            arrival: Arrival::OwnPath,
            now: NOW,
            chains: &[ChainHash::BITCOIN],
            max_amount: max,
            rate: None,
        };
        invoice(offer).check(&context).map(drop)
    };
    check(&tea, &tea, Msat(1_000)).unwrap();
    errors.push(check(&tea, &priced, Msat(1_000)).unwrap_err());
    errors.push(check(&tea, &tea, Msat(999)).unwrap_err());
    errors.push(check(&priced, &priced, Msat(1_000)).unwrap_err());
    errors
}

/// What people paste as a link or a name, and is not to be paid.
fn links() -> Vec<Error> {
    let offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    let test = OfferBuilder::new(key()).add_chain(ChainHash::TESTNET3).build().unwrap();
    let link = |text: &str| {
        let uri = text.parse::<BitcoinUri>();
        uri.and_then(|uri| uri.offer(ChainHash::BITCOIN).map(drop)).unwrap_err()
    };
    let priced = OfferBuilder::new(key()).description("tea").amount_msat(Msat(1_000)).build().unwrap();
    let cheap = format!("bitcoin:?lno={priced}&amount=0").parse::<BitcoinUri>().unwrap();
    let made = || BitcoinUriBuilder::new().offer(priced.clone());
    let name = |text: &str| HumanReadableName::parse(text).unwrap_err();
    vec![
        link(&format!("bitcoin:?lno={offer}&req-something=50")),
        link(&format!("bitcoin:?lno={test}")),
        link("bitcoin:?lno=lno1zcsb"),
        link(&format!("bitcoin:?lno={offer}&label=a&label=b")),
        link(&format!("bitcoin:?lno={offer}&amount=50,000.00")),
        link(&format!("bitcoin:?lno={offer}&label=100%")),
        link(&format!("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5?lno={offer}")),
        link(&format!("bitcoin:?lno={offer}&req-pop=wallet:x")),
        link(&format!("bitcoin:{offer}")),
        text(&offer.replacen('o', "0", 1)),
        text(&offer.replacen('o', "\u{43e}", 1)),
        text(&offer.replacen('1', "\u{200b}1", 1)),
        link("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        cheap.amount_for(&priced).unwrap_err(),
        made().amount(Msat(1_000)).build().unwrap_err(),
        name("simon@bülow.de"),
        name("alice@example.com/tea"),
        name("alice\u{200b}@example.com"),
        name("alice"),
        name(&format!("{}@example.com", "a".repeat(64))),
        name("alice.@example.com"),
        printed_txt_records("\"v=spf1 -all\"").unwrap_err(),
        printed_txt_records("\"bitcoin:?a\"\n\"bitcoin:?b\"").unwrap_err(),
        printed_txt_records("\"bitcoin:?a").unwrap_err(),
        printed_txt_records("\"bitcoin:\\255\"").unwrap_err(),
        "lno1".parse::<OfferId>().unwrap_err(),
    ]
}

/// What a name stands for, too late or for another offer; and what cannot be asked for.
fn looked_up() -> Vec<Error> {
    let offer = |text: &str| OfferBuilder::new(key()).description(text).amount_msat(Msat(9)).build().unwrap();
    let (tea, milk, payer) = (offer("tea"), offer("milk"), Payer::new([2; 32]));
    let alice = HumanReadableName::parse("alice@example.com").unwrap();
    let resolved = ResolvedName::from_records(&alice, [format!("bitcoin:?lno={tea}")], NOW).unwrap();
    let named = |offer: &Offer, now: UnixTime| {
        let draft = payer.draft(offer, NOW, &[ChainHash::BITCOIN]).unwrap();
        draft.resolved(&resolved, now).map(drop).unwrap_err()
    };
    let errors = vec![named(&tea, UnixTime(NOW.0 + 1)), named(&milk, NOW)];
    #[cfg(feature = "onion")]
    let errors = {
        let nobody = payer.look_up(&alice, &[], [3; 32], NOW, UnixTime(NOW.0 + 60)).map(drop).unwrap_err();
        let relative = bolt12::onion::DnssecQuery::read(b"\x03a.b").unwrap_err();
        [errors, vec![nobody, relative]].concat()
    };
    errors
}

/// Offers of 2021 and 2022, and a payer proof of a draft.
fn made_by_old_software() -> Vec<Error> {
    let (short, signature) = ([2; 32], [3; 64]);
    vec![
        offer(&[(10, b"tea"), (30, &short)]),
        offer(&[(10, b"tea"), (20, b"shop"), (30, &short), (240, &signature)]),
        proof(242, Some(&[7; 32])),
    ]
}

/// Every length that is limited, with how long it is and how much fits.
fn lengths() -> Vec<Error> {
    let (secret, note) = ([2; 32], "x".repeat(5_000));
    let offer = OfferBuilder::new(pair(0x41).public_key()).build().unwrap();
    let draft = Payer::new(secret).draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap().amount(Msat(1_000));
    let name = HumanReadableName::new(&note[..256], "example.com").unwrap_err();
    vec![
        draft.payer_note(&note).start([3; 32], NOW, UnixTime(NOW.0 + 60)).unwrap_err(),
        Features::new([Feature(65_536)]).unwrap_err(),
        name,
    ]
}

/// Proofs of what a name stands for that do not count.
#[cfg(feature = "dnssec")]
fn names() -> Vec<Error> {
    let line = include_str!("../data/dnssec.tsv").lines().find(|line| line.starts_with("matt@")).unwrap();
    let parts: Vec<&str> = line.split('\t').collect();
    let (from, until): (u64, u64) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
    let proof = hex::decode(parts[4]).unwrap();
    let refused = |name: &str, proof: &[u8], now| {
        ResolvedName::verify(&HumanReadableName::parse(name).unwrap(), proof, UnixTime(now)).unwrap_err()
    };
    let mut forged = proof.clone();
    let at = forged.windows(8).rposition(|bytes| bytes == b"bitcoin:").unwrap();
    forged[at + 12] ^= 1;
    vec![
        refused(parts[0], &proof, from - 1),
        refused(parts[0], &proof, until + 1),
        refused("alice@mattcorallo.com", &proof, from),
        refused(parts[0], &forged, from),
        refused(parts[0], &proof[1..], from),
        refused(parts[0], &vec![0; 65_536], from),
    ]
}

/// Paths and onion messages that cannot be made or read.
#[cfg(feature = "onion")]
fn onions() -> Vec<Error> {
    use bolt12::onion::{
        BlindedPathBuilder, Contents, HopData, OnionMessage, OnionMessageBuilder, PathHop, Payload, Unblinded,
    };

    let sender = pair(0x41);
    let build = |path: BlindedPathBuilder<'_>| path.build([1; 32]).map(drop).unwrap_err();
    let path =
        |recipient| BlindedPathBuilder::new(recipient).introduction_by_channel(ShortChannelId(1), Direction::NodeOne);
    let to_sender = path(sender.public_key()).build([1; 32]).unwrap();
    let other = pair(0x42).public_key();
    let named = BlindedPathBuilder::new(other).build([1; 32]).unwrap();
    let long = (0..20).fold(path(key()), |path, _| path.through(other)).build([1; 32]).unwrap();
    let send = |message: OnionMessageBuilder<'_>| message.build([1; 32]).map(drop).unwrap_err();
    let over = || OnionMessageBuilder::over(&to_sender, Contents::Invoice(&[]));
    let next = PathHop::new(key()).by_channel(ShortChannelId(1));
    vec![
        Unblinded::new(&sender, &key(), &[0; 20]).map(drop).unwrap_err(),
        HopData::read(tlvs(&[(16, &[])])).map(drop).unwrap_err(),
        path(key()).build([0; 32]).unwrap_err(),
        build(path(key()).dummy_hops(11)),
        build(BlindedPathBuilder::new(next)),
        build(path(key()).through(PathHop::new(other).field(16, []))),
        build(BlindedPathBuilder::joining(&to_sender, key()).through(key()).path_id([1])),
        send(over().introduction(sender.public_key()).sender(&sender)),
        send(over().through(key())),
        send(OnionMessageBuilder::over(&named, Contents::Invoice(&[])).introduction(key())),
        send(OnionMessageBuilder::to_node(key(), Contents::Invoice(&[])).reply_path(&long)),
        send(OnionMessageBuilder::to_node(key(), Contents::Invoice(&[])).field(71, [])),
        send(OnionMessageBuilder::to_node(key(), Contents::Invoice(&[0; 32768]))),
        Payload::read(tlvs(&[(64, &[]), (66, &[])])).map(drop).unwrap_err(),
        OnionMessage::read(vec![2, 0]).unwrap_err(),
        OnionMessage::read(vec![2, 1]).unwrap_err(),
    ]
}

/// A price in dollars, and no limit, no rate, or that of euros.
fn rates_not_known() -> Vec<Error> {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(150) };
    let offer = OfferBuilder::new(key()).description("tea").amount(price).build().unwrap();
    let draft = || payer().draft(&offer, NOW, sides::CHAINS).unwrap();
    let euros = Rate::per_bitcoin("EUR".parse().unwrap(), "90000").unwrap();
    let (limit, at_most) = (Limit::Tolerance { basis_points: 200 }, Limit::AtMost(Msat(2_000_000)));
    let drafts = [draft(), draft().limit(limit), draft().limit(limit).rate(euros), draft().amount(Msat(2_000_000))];
    draft().limit(at_most).check().unwrap();
    drafts.map(|draft| draft.check().unwrap_err()).into()
}

/// A price in dollars that nobody converted.
fn dollars() -> Error {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(150) };
    let offer = OfferBuilder::new(key()).description("tea").amount(price).build().unwrap();
    let payer = pair(0x42);
    let usable = offer.usable(NOW, &[ChainHash::BITCOIN]).unwrap();
    let request =
        InvoiceRequestBuilder::new(usable, payer.public_key(), [7; 16]).build().unwrap().sign(&payer).unwrap();
    request.accept(&issuers(&offer)).map(drop).unwrap_err()
}

/// Subscriptions that are malformed, misused, or not paid in order.
fn subscriptions() -> Vec<Error> {
    let id = issuer_id();
    let monthly = [2, 1].as_slice();
    // NOW is 15 January 2027, and period 0 started a day before.
    let base = [&[1], (NOW.0 - 86_400).to_be_bytes()[4..].as_ref()].concat();
    let recurring = |changes: &[(u64, Option<&[u8]>)]| {
        request(&[&[(8, Some(&[10][..])), (10, Some(b"tea")), (1_000_000_024, Some(monthly))], changes].concat())
    };
    let counted = |value: &'static [u8]| (2_000_000_092, Some(value));
    let basetime = |value: &'static [u8]| {
        let subscription: [(u64, Option<&[u8]>); 3] =
            [(1_000_000_024, Some(monthly)), counted(&[]), (3_000_000_177, Some(value))];
        invoice(&subscription)
    };
    let mut errors = vec![
        offer(&[(22, &id), (1_000_000_024, &[3, 1])]),
        offer(&[(22, &id), (1_000_000_024, &[2])]),
        offer(&[(22, &id), (1_000_000_024, &[2, 1]), (1_000_000_025, &[2, 1])]),
        offer(&[(22, &id), (1_000_000_024, &[2, 1]), (1_000_000_026, &[1, 1])]),
        recurring(&[]),
        recurring(&[counted(&[]), (2_000_000_093, Some(&[]))]),
        recurring(&[counted(&[3]), (1_000_000_029, Some(&[2]))]),
        recurring(&[(1_000_000_024, None), (2_000_000_094, Some(&[]))]),
        basetime(&[99]),
        invoice(&[(1_000_000_024, Some(monthly)), counted(&[]), (2_000_000_094, Some(&[]))]),
        Recurrence::every(u32::MAX, TimeUnit::Months).unwrap().period_start(NOW, 1).unwrap_err(),
    ];
    let made = OfferBuilder::new(pair(0x41).public_key()).description("tea").amount_msat(Msat(1_000));
    let made = made.custom_field(1_000_000_024, monthly).custom_field(1_000_000_026, base).build().unwrap();
    let recurrence = made.recurrence().unwrap();
    let basetime = recurrence.base.unwrap().basetime;
    let payer = pair(0x42);
    let asked = |counter, cancel| {
        let usable = made.usable(NOW, &[ChainHash::BITCOIN]).unwrap();
        let builder = InvoiceRequestBuilder::new(usable, payer.public_key(), [7; 16]);
        let recurrence = RecurrenceRequest { counter, start: Some(0), cancel };
        builder.recurrence(recurrence).build().unwrap().sign(&payer).unwrap()
    };
    let known = |counter, cancel, subscription, now| {
        let context = RequestContext { now, ..issuers(&made) };
        asked(counter, cancel).accept_recurring(&context, &subscription).map(drop)
    };
    let answered = |counter, cancel, previous, now| {
        known(counter, cancel, RecurrenceContext { previous, is_paid: false, is_cancelled: false }, now)
    };
    let paid = |start| Some(PaidPeriod { basetime, start });
    answered(0, false, None, NOW).unwrap();
    answered(1, false, paid(Some(0)), NOW).unwrap();
    let once = exchange();
    let new = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };
    errors.extend([
        answered(1, false, None, NOW).unwrap_err(),
        answered(1, false, paid(Some(1)), NOW).unwrap_err(),
        answered(1, true, paid(Some(0)), NOW).unwrap_err(),
        known(0, false, RecurrenceContext { is_paid: true, ..new }, NOW).unwrap_err(),
        answered(2, false, paid(Some(0)), NOW).unwrap_err(),
        answered(0, false, None, UnixTime(NOW.0 + 31 * 86_400)).unwrap_err(),
        recurrence.amount_left(Msat(1_000), basetime, 0, UnixTime(NOW.0 + 31 * 86_400)).unwrap_err(),
        asked(0, false).accept(&issuers(&made)).map(drop).unwrap_err(),
        once.request.accept_recurring(&issuers(&once.offer), &new).map(drop).unwrap_err(),
    ]);
    errors
}

/// A fallback that no chain knows how to pay.
fn fallback() -> Error {
    let refund = RefundBuilder::new("tea", Msat(1), key(), [1; 16]).build().unwrap();
    let accepted = refund.accept(NOW, &[ChainHash::BITCOIN], key()).unwrap();
    InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(&[1]))
        .add_fallback(&Fallback { version: 17, program: [1; 20].as_slice().into() })
        .build()
        .unwrap_err()
}

/// Paths that cannot carry 1,000 msat, and paths that do for too much.
fn paths_that_do_not_carry() -> Vec<Error> {
    let refund = RefundBuilder::new("tea", Msat(1_000), key(), [1; 16]).build().unwrap();
    let unsigned = |limits: &[(u64, u64)]| {
        let accepted = refund.accept(NOW, &[ChainHash::BITCOIN], pair(0x41).public_key()).unwrap();
        let mut builder = InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(&[1]));
        for (min, max) in limits {
            builder = builder.add_path(path(), &PayInfo::new(30, 0, 144, *min, *max));
        }
        builder.build()
    };
    let sets: [&[(u64, u64)]; 4] = [&[(0, 0)], &[(1, 500)], &[(2_000, 3_000)], &[(1, 500), (2_000, 3_000)]];
    let mut errors: Vec<_> = sets.into_iter().map(|limits| unsigned(limits).map(drop).unwrap_err()).collect();
    let invoice = unsigned(&[(1, 1_000)]).unwrap().sign(&pair(0x41)).unwrap();
    let context = RefundContext {
        refund: &refund,
        arrival: Arrival::Direct,
        now: NOW,
        chains: &[ChainHash::BITCOIN],
        payee: None,
    };
    let limits = PathLimits { max_fee: Msat(29), max_cltv_expiry_delta: 144 };
    errors.push(invoice.check_refund(&context).unwrap().paths_within(&limits).unwrap_err());
    errors
}

/// What a payer cannot prove.
fn proofs_not_made() -> Vec<Error> {
    let invoice = proofs::read(&proofs::invoice_with(proofs::answer()));
    let proof = |preimage| PayerProofBuilder::minimal(&invoice, preimage);
    let _ = proof(proofs::preimage()).build().unwrap();
    let proofs = [
        proof(Preimage([2; 32])),
        proof(proofs::preimage()).hide(Field::INVOICE_NODE_ID),
        proof(proofs::preimage()).reveal(Field::INVREQ_METADATA),
        proof(proofs::preimage()).reveal(Field::OFFER_PATHS),
    ];
    proofs.map(|proof| proof.build().map(drop).unwrap_err()).into()
}

/// A proof that is read, each time with something else wrong.
fn proofs_not_read() -> Vec<Error> {
    let invoice = proofs::invoice_with(proofs::answer());
    let parts = Parts::of(&invoice, &proofs::with_always(&invoice, []));
    parts.proof().unwrap();
    let changes: [fn(&mut Parts); 7] = [
        |parts| parts.shown.insert(0, naive::record(0, &[1])),
        |parts| parts.shown.retain(|record| record.number != 168),
        |parts| parts.preimage = vec![2; 32],
        |parts| parts.markers[0] = 5,
        |parts| parts.nonces.truncate(1),
        |parts| parts.missing.truncate(1),
        |parts| parts.missing[0] = [1; 32],
    ];
    let mut errors: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let mut parts = parts.clone();
            change(&mut parts);
            parts.proof().unwrap_err()
        })
        .collect();
    errors.push(PayerProof::try_from(proofs::sign(parts.records(), &pair(0x41))).unwrap_err());
    errors
}

/// What an issuer of the exchange refuses, and makes only right.
fn requests_not_received() -> Vec<Error> {
    let issuer = Payee::new([1; 32]);
    let new = issuer.new_offer([3; 16]);
    let nowhere = new.build(OfferBuilder::new(new.issuer_id())).unwrap_err();

    let (_, asked) = asking(&issuer);
    let request = sides::deliver(&asked, 0x70);
    let receive = |change: fn(&mut IncomingMessage)| {
        let mut request = request.clone();
        change(&mut request);
        issuer.receive(request).unwrap_err().error().clone()
    };
    let no_reply_path = receive(|request| request.reply_path = None);
    let other_offer = Payee::new([2; 32]).receive(request.clone()).unwrap_err().error().clone();
    let other_way = receive(|request| request.arrival = MessageArrival::OtherPath);

    // Offers that name a key of somebody else, who has to sign: one of the issuer's, and one from a database.
    let elsewhere = new.build(OfferBuilder::new(key()).add_path(sides::path_with(0x60, new.path_id(0)))).unwrap();
    let draft = payer().draft(&elsewhere, NOW, sides::CHAINS).unwrap().amount(Msat(1_000));
    let asked = sides::deliver(&next(&mut draft.start([5; 32], NOW, LATER).unwrap()), 0x70);
    let received = issuer.receive(asked.clone()).unwrap();
    let reply_path = asked.reply_path.unwrap();
    let stored = issuer.receive_for(&elsewhere, asked.bytes, received.arrival(), reply_path).unwrap();
    let not_ours = [received, stored].map(|received| {
        let accepted = received.accept(&sides::terms(NOW, None)).unwrap();
        let invoice = accepted.invoice(sha256::Hash::hash(&[1])).add_path(path(), &messages::payinfo());
        accepted.sign(invoice.build().unwrap()).unwrap_err()
    });
    [vec![nowhere, no_reply_path, other_offer, other_way], not_ours.to_vec()].concat()
}

/// A price at yesterday's rate, a payment that comes twice, and offers that sell no more.
fn sales_not_made() -> [Error; 4] {
    let issuer = Payee::new([1; 32]);
    let usd = "USD".parse().unwrap();
    let rate = Rate::per_bitcoin(usd, "100000").unwrap();
    let price = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
    let offer = sides::own_offer(&issuer, 1, |offer| offer.description("tea").amount(price));
    let draft = payer().draft(&offer, NOW, sides::CHAINS).unwrap().limit(Limit::AtMost(Msat(4_000_000)));
    let asked = next(&mut draft.start([4; 32], NOW, LATER).unwrap());
    let received = issuer.receive(sides::deliver(&asked, 0x70)).unwrap();
    let fresh = sides::terms(NOW, Some(rate));
    let [rate_age, max_rate_age] = [86_400, 600].map(std::time::Duration::from_secs);
    let old = Terms { rate_age, max_rate_age, ..fresh };
    let stale = received.clone().accept(&old).unwrap_err().error().clone();
    let payment = received.accept(&fresh).unwrap().expected_payment();
    let mut taken = TakenPayments::new();
    taken.take(&payment, b"one", NOW).unwrap();
    let mut stock = Stock::new();
    stock.set(&offer, 0);
    let take = |stock: &mut Stock| stock.take(&mut TakenPayments::new(), &payment, b"one", NOW).unwrap_err();
    let sold_out = take(&mut stock);
    stock.withdraw(&offer);
    [stale, taken.take(&payment, b"two", NOW).unwrap_err(), sold_out, take(&mut stock)]
}

/// After sixteen that are wrong.
fn one_claim_too_many() -> Error {
    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup", Msat(5_000)).add_path(sides::path_with(0x60, new.path_id(0)));
    let mut payment = new.publish(builder, NOW).unwrap();
    let accepted = Payee::new([1; 32]).claim(payment.refund().unwrap(), NOW, sides::CHAINS).unwrap();
    let invoice = accepted.invoice(Preimage([5; 32]).payment_hash());
    let invoice = invoice.add_path(messages::path(2), &messages::payinfo()).build().unwrap();
    let mut claim = accepted.sign(invoice, LATER, Retry::default()).unwrap();
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!() };
    let right = sides::deliver(&sent, 0x70);
    let mut wrong = right.clone();
    *wrong.bytes.last_mut().unwrap() ^= 1;
    for _ in 0..16 {
        assert!(payment.receive(wrong.clone(), NOW).is_err());
    }
    payment.receive(right, UnixTime(NOW.0 + 20)).unwrap_err().error().clone()
}

/// What is wrong with what payers and contacts say of each other.
fn contacts_not_made() -> Vec<Error> {
    let key = pair(0x41);
    let bobs = OfferBuilder::new(key.public_key()).build().unwrap();
    let usable = bobs.usable(NOW, sides::CHAINS).unwrap();
    let request = InvoiceRequestBuilder::new(usable, key.public_key(), [1; 16]).amount(Msat(1_000));
    let secret = ContactSecret::from_byte_array([9; 32]);
    let own = |text: &str| OfferBuilder::new(key.public_key()).description(text).build().unwrap();
    let named = PayerIdentity::name("bob@example.com".parse().unwrap(), &bobs, key.public_key()).unwrap();
    let long = request.clone().introduce(&secret, &PayerIdentity::from(own(&"x".repeat(300)))).build().unwrap_err();
    let unsigned = request.clone().introduce(&secret, &named).build().unwrap_err();
    let stranger = request.introduce(&secret, &named).build_named().unwrap().sign(&pair(0x42)).unwrap_err();
    let contact = Contact::new(secret, own("tea"));
    let draft = payer().draft(&bobs, NOW, sides::CHAINS).unwrap();
    let other = draft.introduce(&contact, &named).unwrap_err();
    let nameless = self::request(&[(2_000_001_733, Some(&[1, b'a', 1, b'b']))]);
    vec![long, unsigned, stranger, other, nameless, Contact::from_bytes(&[2]).unwrap_err()]
}

const LATER: UnixTime = UnixTime(NOW.0 + 600);

fn payer() -> Payer {
    Payer::new([2; 32])
}

/// A payment that asks the issuer for tea, and its first request.
fn asking(issuer: &Payee) -> (Payment, OutgoingMessage) {
    let offer = sides::own_offer(issuer, 1, |offer| offer.description("tea").amount_msat(Msat(1_000)));
    let mut payment = payer().draft(&offer, NOW, sides::CHAINS).unwrap().start([4; 32], NOW, LATER).unwrap();
    let asked = next(&mut payment);
    (payment, asked)
}

fn next(payment: &mut Payment) -> OutgoingMessage {
    match payment.poll(NOW).unwrap() {
        Action::Send(outgoing) => *outgoing,
        other => panic!("nothing to send: {other:?}"),
    }
}

/// What a payer of the exchange refuses.
fn payments_not_made() -> Vec<Error> {
    let issuer = Payee::new([1; 32]);
    let (mut payment, asked) = asking(&issuer);
    let accepted = issuer.receive(sides::deliver(&asked, 0x70)).unwrap().accept(&sides::terms(NOW, None)).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    let answer = sides::deliver(&accepted.answer(invoice).unwrap(), 0x60);

    let offer = sides::own_offer(&issuer, 1, |offer| offer.description("tea").amount_msat(Msat(1_000)));
    let draft = payer().draft(&offer, NOW, sides::CHAINS).unwrap();
    let over_limit = draft.limit(Limit::AtMost(Msat(999))).start([4; 32], NOW, LATER).unwrap_err();

    let not_now = payment.failed(bolt12::exchange::Attempt(1)).unwrap_err();
    let stray = IncomingMessage { arrival: MessageArrival::Direct, ..answer.clone() };
    let stray_error = payment.receive(stray.clone(), NOW).unwrap_err().error().clone();
    let stray = payment.receive(stray, NOW).unwrap_err().error().clone();
    assert_eq!(payment.receive(answer.clone(), NOW).unwrap(), Progress::Quoted);
    let twice = payment.receive(answer, NOW).unwrap_err().error().clone();
    let State::Quoted(quote) = payment.state() else { panic!() };
    let hash = quote.payment_hash();
    let too_late = payment.begin(hash, UnixTime(LATER.0 + 1), None).unwrap_err();
    sides::begin(&mut payment, NOW);
    let other_attempt = payment.failed(bolt12::exchange::Attempt(7)).unwrap_err();
    let wrong_preimage = payment.paid(Preimage([0; 32])).unwrap_err();
    let state = Payer::new([3; 32]).load(&payment.to_bytes()).unwrap_err();
    let newer = sides::reseal([2; 32], "payer state", &payment.to_bytes(), |fields| fields[0] += 1);
    let newer = payer().load(&newer).unwrap_err();
    let made =
        vec![over_limit, not_now, stray_error, stray, twice, too_late, other_attempt, wrong_preimage, state, newer];
    [made, vec![off_price(&issuer)]].concat()
}

/// A quote at a rate that is over.
fn off_price(issuer: &Payee) -> Error {
    let usd = "USD".parse().unwrap();
    let rate = |dollars| Rate::per_bitcoin(usd, dollars).unwrap();
    let price = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
    let offer = sides::own_offer(issuer, 1, |offer| offer.description("tea").amount(price));
    let draft = payer().draft(&offer, NOW, sides::CHAINS).unwrap().rate(rate("100000"));
    let mut payment = draft.limit(Limit::Tolerance { basis_points: 100 }).start([4; 32], NOW, LATER).unwrap();
    let asked = next(&mut payment);
    let terms = sides::terms(NOW, Some(rate("100000")));
    let accepted = issuer.receive(sides::deliver(&asked, 0x70)).unwrap().accept(&terms).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    let _ = payment.receive(sides::deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
    let State::Quoted(quote) = payment.state() else { panic!() };
    let hash = quote.payment_hash();
    payment.begin(hash, NOW, Some(rate("95000"))).unwrap_err()
}

/// A refund without a way to its payer, and a claim that is over.
fn refunds_not_paid() -> Vec<Error> {
    let new = payer().new_refund([6; 32]);
    let builder = new.builder("tea", Msat(1_000));
    let nowhere = payer().new_refund([6; 32]).publish(builder.clone(), NOW).unwrap_err();

    let builder = builder.add_path(sides::path_with(0x70, new.path_id(0)));
    let published = new.publish(builder, NOW).unwrap();
    let accepted = Payee::new([1; 32]).claim(published.refund().unwrap(), NOW, sides::CHAINS).unwrap();
    let invoice = accepted.invoice(sha256::Hash::hash(&[1])).add_path(path(), &messages::payinfo()).build().unwrap();
    let mut claim = accepted.sign(invoice, LATER, Retry::default()).unwrap();
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!() };
    claim.paid();
    let arrival = MessageArrival::Path(sent.reply_path_id.unwrap());
    let told = IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: InvoiceError::new("no").unwrap().into_bytes(),
        arrival,
        reply_path: None,
    };
    let too_late = claim.receive(told, NOW).unwrap_err().error().clone();
    vec![nowhere, too_late]
}

/// All ways in which a subscription can end.
fn subscriptions_end() -> Vec<SubscriptionEnd> {
    let recurrence = Recurrence::every(1, TimeUnit::Days).unwrap();
    let offer = OfferBuilder::new(messages::issuer().public_key()).recurrence(recurrence).build().unwrap();
    let draft = payer().subscribe(&offer, NOW, sides::CHAINS).unwrap().amount(Msat(9));
    let due = draft.next_payments(1).unwrap().remove(0);
    vec![
        SubscriptionEnd::Cancelled,
        SubscriptionEnd::Completed,
        SubscriptionEnd::NotStarted,
        SubscriptionEnd::Missed(due),
    ]
}

#[test]
fn every_text_is_as_it_was_agreed() {
    // The table is that of all features.
    if cfg!(not(all(feature = "async_payments", feature = "onion", feature = "dnssec"))) {
        return;
    }
    let mut texts = String::new();
    for error in errors() {
        writeln!(texts, "{}\n    {error:#}", error.kind().code()).unwrap();
    }
    texts.push_str("\nrules\n");
    for rule in Rule::ALL {
        writeln!(texts, "    {rule} {}", rule.reason()).unwrap();
    }
    texts.push_str("\nhow payments end\n");
    let no = InvoiceError::new("out of\u{202e} coffee").unwrap();
    let wordless = InvoiceError::try_from(vec![1, 1, 82]).unwrap();
    for end in [
        EndReason::Deadline,
        EndReason::Refused(no.into()),
        EndReason::Refused(wordless.into()),
        EndReason::TooExpensive { amount: Msat(9) },
        EndReason::OffPrice { amount: Msat(9) },
        EndReason::FeeTooHigh { amount: Msat(9) },
        EndReason::Restored,
        EndReason::QuoteExpired,
        EndReason::Declined,
        EndReason::Unsendable,
        EndReason::OfferExpired,
    ] {
        writeln!(texts, "    {end}").unwrap();
    }
    texts.push_str("\nhow subscriptions end\n");
    for end in subscriptions_end() {
        writeln!(texts, "    {end}").unwrap();
    }
    texts.push_str("\nwhat drafts need\n");
    let (dollar, dozen) = ("USD".parse().unwrap(), Quantity::AtMost(12.try_into().unwrap()));
    let quantities = [Need::Quantity(Quantity::Unlimited), Need::Quantity(dozen)];
    for need in quantities.into_iter().chain([Need::Amount, Need::Limit(dollar), Need::Rate(dollar)]) {
        writeln!(texts, "    {need}").unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/errors.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &texts).unwrap();
    }
    assert_eq!(fs::read_to_string(&golden).unwrap(), texts, "run with BLESS=1 if this is what is meant");
}

/// The table above forgets no kind: the codes in the source are those that were seen.
#[test]
fn every_kind_has_a_text() {
    if cfg!(not(all(feature = "async_payments", feature = "onion", feature = "dnssec"))) {
        return;
    }
    let seen: BTreeSet<&str> = errors().iter().map(|error| error.kind().code()).collect();
    let source = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error").join(file));
    let sources = ["kind.rs", "link.rs", "serving.rs"].map(|file| source(file).unwrap());
    let mut all = BTreeSet::new();
    for source in &sources {
        let (_, codes) = source.split_once("fn code").unwrap();
        let (codes, _) = codes.split_once("fn sentence").unwrap();
        all.extend(codes.split("=> \"").skip(1).map(|code| code.split('"').next().unwrap()));
    }
    assert!(all.len() > 40);
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// A person never sees Rust's notation, and every sentence fits a dialog.
#[test]
fn every_sentence_is_for_people() {
    for error in errors() {
        let sentence = error.to_string();
        assert!(!sentence.replace("'_'", "").contains(['{', '}', '_']) && !sentence.contains("Some("), "{sentence}");
        assert!(sentence.len() < 200, "{sentence}");
        let alternate = format!("{error:#}");
        assert!(alternate.starts_with(&sentence) && alternate.contains(error.rule().id()), "{alternate}");
    }
}

/// What is told to the sender: the sentence and the field, for every error that is about a field and is the
/// sender's fault; and never how much the payer would have paid.
#[test]
fn an_invoice_error_answers_what_is_about_a_field() {
    let (mut limits, mut own_faults, mut without_field) = (0, 0, 0);
    for error in errors() {
        let answer = InvoiceError::answering(&error);
        // RQW-3, IVW-4 and the like are for writers.
        let is_of_rates = matches!(
            error.kind(),
            ErrorKind::LimitNeeded { .. }
                | ErrorKind::RateNeeded { .. }
                | ErrorKind::WrongCurrency { .. }
                | ErrorKind::StaleRate { .. }
        );
        let is_own = error.rule().id().as_bytes().get(2) == Some(&b'W') || is_of_rates;
        let Some(field) = error.field().filter(|_| !is_own) else {
            assert!(answer.is_none(), "{error}");
            own_faults += usize::from(is_own);
            without_field += usize::from(error.field().is_none());
            continue;
        };
        let answer = answer.unwrap_or_else(|| panic!("{error}"));
        assert_eq!(answer.erroneous_field(), Some(field));
        let text = answer.error().unwrap().as_raw();
        if let ErrorKind::AmountTooHigh { max } = error.kind() {
            limits += 1;
            assert_eq!(text, "the amount is more than is accepted");
            assert!(error.to_string().contains(&max.to_string()));
        } else if let ErrorKind::NoPathWithin { .. } | ErrorKind::OffPrice { .. } = error.kind() {
            // Limits and rates of our own.
            assert!(!text.contains(|c: char| c.is_ascii_digit()), "{text}");
        } else {
            assert_eq!(text, error.to_string());
        }
        assert_eq!(InvoiceError::try_from(answer.as_bytes()).unwrap(), answer);
    }
    assert!(limits > 1 && own_faults > 5 && without_field > 5);
}
