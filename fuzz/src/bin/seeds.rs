//! Writes the seeds: `cargo run --manifest-path fuzz/Cargo.toml --bin seeds`.
//!
//! They are made by the crate's own builders, beside a few messages that builders do not make and
//! a few strings that other people published. All are signed with the keys that the mutators know.

use std::error::Error;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Action, AsyncPayment, AsyncState, IncomingMessage, Limit, MessageArrival, OffersMessageKind, OutgoingMessage,
    Payment, Retry, Terms,
};
use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessageBuilder};
use bolt12::{
    BlindedPath, ChainHash, ContactSecret, Direction, Fallback, Feature, Features, Field, HumanReadableName,
    IntroductionNode, Invoice, InvoiceBuilder, InvoiceError, InvoiceRequest, InvoiceRequestBuilder, MinorUnits, Msat,
    MultiPart, Offer, OfferAmount, OfferBuilder, PayInfo, PayWindow, PayerIdentity, PayerProof, PayerProofBuilder,
    Preimage, Quantity, Rate, Recurrence, RecurrenceBase, RecurrenceContext, RecurrenceRequest, Refund, RefundBuilder,
    RequestArrival, RequestContext, ShortChannelId, StaticInvoiceBuilder, TimeUnit, UnixTime,
};
use bolt12_fuzz::checks::exchange::{serving, sides};
use bolt12_fuzz::checks::keys;
use bolt12_fuzz::mutate::records::{Record, parse, set, write};
use bolt12_fuzz::mutate::rng::Rng;
use bolt12_fuzz::mutate::sign::sign;
use bolt12_fuzz::targets;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// That of every invoice.
const PREIMAGE: [u8; 32] = [0x33; 32];

/// Strings from the specification's vectors for offers and for the text form, and things that people
/// paste instead.
const STRINGS: [(&str, &str); 10] = [
    ("official-minimal", "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese"),
    (
        "official-currency",
        "lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj",
    ),
    ("truncated", "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pks"),
    ("mixed-case", "lno1ZCSS9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese"),
    ("bolt11", "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf"),
    ("node-id", "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"),
    ("address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("name", "\u{20bf}satoshi@example.com"),
    (
        "lnurl",
        "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS",
    ),
    (
        "uri",
        "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=1&lno=LNO1ZCSS9MK8Y3WKKLFVEVCRSZLMU23KFRXH49PX20665DQWMN4P72PKSESE",
    ),
];

fn main() -> Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (target, check) in targets() {
        let directory = seeds.join(target);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        for (name, bytes) in of_target(target)? {
            check(&bytes);
            fs::write(directory.join(name), bytes)?;
        }
    }
    Ok(())
}

/// Named inputs.
type Seeds = Vec<(String, Vec<u8>)>;

fn bytes(messages: Vec<(&str, Vec<u8>)>) -> impl Iterator<Item = (String, Vec<u8>)> + use<> {
    let named: Seeds = messages.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    named.into_iter()
}

fn of_target(target: &str) -> Result<Seeds> {
    let all = || -> Result<Seeds> {
        let kinds = [
            ("offer", offers()?),
            ("request", requests()?),
            ("refund", refunds()?),
            ("invoice", invoices()?),
            ("proof", proofs()?),
            ("static", static_invoices()?),
        ];
        let named = kinds.into_iter().flat_map(|(kind, messages)| {
            messages.into_iter().map(move |(name, bytes)| (format!("{kind}-{name}"), bytes))
        });
        Ok(named.collect())
    };
    Ok(match target {
        "offer" => bytes(offers()?).collect(),
        "invoice_request" => bytes(requests()?).collect(),
        "refund" => bytes(refunds()?).collect(),
        "invoice" => bytes(invoices()?).collect(),
        "static_invoice" => bytes(static_invoices()?).collect(),
        "payer_proof" => bytes(proofs()?).collect(),
        "invoice_error" => bytes(errors()?).collect(),
        // The stream of an offer, and what is wrong with others.
        "tlv" => bytes(offers()?).chain(bytes(streams())).collect(),
        "point" => bytes(points()).collect(),
        // Offers alone, and invoices that repeat them.
        "recurrence" => {
            let recurring = |name: &str| ["monthly", "weekly", "hourly", "minimal"].contains(&name);
            bytes(offers()?)
                .chain(bytes(invoices()?).map(|(name, bytes)| (format!("{name}-whole"), bytes)))
                .filter(|(name, _)| recurring(name.trim_end_matches("-whole")))
                .collect()
        }
        // Refunds and invoices of both kinds.
        "mirror" => bytes(invoices()?).collect(),
        "differential" => all()?,
        "onion_peel" => onions()?,
        "onion_payload" => bytes(payloads()?).collect(),
        "text" => texts(all()?)?,
        "links" => bolt12_fuzz::checks::links::seeds(),
        "dnssec" => bolt12_fuzz::checks::dnssec::seeds(),
        "peer_handshake" => bolt12_fuzz::checks::peer::handshake_seeds(),
        "peer_frames" => bolt12_fuzz::checks::peer::frames_seeds(),
        "peers" => bolt12_fuzz::checks::peers::seeds(),
        "exchange_state" => states()?,
        "subscription" => bolt12_fuzz::checks::subscription::seeds()?,
        // Events: any bytes are some.
        "exchange_payer" | "exchange_issuer" => random(24),
        _ => random(8),
    })
}

fn random(count: u32) -> Seeds {
    let input = |seed: u32| (format!("random-{seed}"), Rng::new(seed).bytes(150 * (seed as usize % 8 + 1)));
    (0..count).map(input).collect()
}

fn key(at: usize) -> bolt12::secp256k1::PublicKey {
    keys::public()[at]
}

fn path(hops: usize, last: usize) -> Result<BlindedPath<'static>> {
    let hops = (0..hops).map(|at| (key(if at + 1 == hops { last } else { 2 }), [0x55; 24].as_slice()));
    Ok(BlindedPath::new(key(3).into(), key(2), hops)?)
}

fn path_by_channel() -> Result<BlindedPath<'static>> {
    let start =
        IntroductionNode::Channel { scid: ShortChannelId(539_268 << 40 | 845 << 16), direction: Direction::NodeTwo };
    Ok(BlindedPath::new(start, key(2), [(key(0), [].as_slice())])?)
}

fn offer(name: &str) -> Result<Offer> {
    let builder = OfferBuilder::new(key(0));
    let usd = |amount| -> Result<OfferAmount> {
        Ok(OfferAmount::Currency { currency: "USD".parse()?, amount: MinorUnits(amount) })
    };
    Ok(match name {
        "minimal" => builder.build()?,
        "typical" => builder.description("a cup of coffee").issuer("cafe").amount_msat(Msat(10_000)).build()?,
        "currency" => builder.description("tea").amount(usd(350)?).quantity_max(Quantity::Unlimited).build()?,
        "paths-only" => OfferBuilder::with_paths([path(2, 0)?, path_by_channel()?]).build()?,
        "everything" => builder
            .add_chain(ChainHash::BITCOIN)
            .add_chain(ChainHash::SIGNET)
            .metadata([0x11; 16])
            .description("caf\u{e9} \u{202e}")
            .amount_msat(Msat(1))
            .features(Features::new([Feature(9), Feature(101)])?)
            .absolute_expiry(NOW)
            .add_path(path(1, 0)?)
            .add_path(path(3, 1)?)
            .issuer("\u{1f600}")
            .quantity_max(Quantity::AtMost(10.try_into()?))
            .custom_field(1_000_000_001, [1, 2, 3])
            .build()?,
        // A year on the last day of the month, in part for who comes late.
        "monthly" => builder
            .description("a podcast")
            .amount_msat(Msat(3_000_000))
            .recurrence(Recurrence {
                base: Some(RecurrenceBase { proportional_amount: true, basetime: UnixTime(1_801_353_600) }),
                paywindow: Some(PayWindow { seconds_before: 2_592_000, seconds_after: 604_800 }),
                limit: NonZeroU32::new(11),
                ..Recurrence::every(1, TimeUnit::Months)?
            })
            .build()?,
        "weekly" => {
            builder.recurrence(Recurrence { is_compulsory: false, ..Recurrence::every(7, TimeUnit::Days)? }).build()?
        }
        "hourly" => builder
            .description("tea")
            .amount(usd(5)?)
            .absolute_expiry(NOW)
            .recurrence(Recurrence::every(3_600, TimeUnit::Seconds)?)
            .build()?,
        // Paid by somebody who says so.
        "introduced" | "named" => builder.issuer("Bob").build()?,
        // D9, D6: what no builder writes. An unknown odd field; features with needless zeros.
        "odd" => {
            let mut records = parse(builder.build()?.as_bytes()).0;
            for (number, value) in [(4, vec![]), (10, vec![]), (12, vec![0, 0, 2]), (33, vec![7; 5])] {
                set(&mut records, number, value);
            }
            Offer::try_from(write(&records))?
        }
        _ => return Err(name.into()),
    })
}

const OFFERS: [&str; 11] = [
    "minimal",
    "typical",
    "currency",
    "paths-only",
    "everything",
    "odd",
    "monthly",
    "weekly",
    "hourly",
    "introduced",
    "named",
];

fn offers() -> Result<Vec<(&'static str, Vec<u8>)>> {
    OFFERS.into_iter().map(|name| Ok((name, offer(name)?.into_bytes()))).collect()
}

fn request(name: &str) -> Result<InvoiceRequest> {
    let offer = offer(name)?;
    let usable = offer.usable(NOW, &[ChainHash::SIGNET, ChainHash::BITCOIN])?;
    let mut builder = InvoiceRequestBuilder::new(usable, key(1), [0x24; 16]);
    if offer.amount().is_none() {
        builder = builder.amount(Msat(1_000));
    }
    if offer.quantity_max() != Quantity::One {
        builder = builder.quantity(3);
    }
    if let Some(recurrence) = offer.recurrence() {
        builder = builder.recurrence(RecurrenceRequest { start: recurrence.base.map(|_| 0), ..Default::default() });
    }
    if name == "everything" {
        builder = builder
            .payer_note("thanks")
            .features(Features::new([Feature(7)])?)
            .bip_353_name(HumanReadableName::new("satoshi", "example.com")?)
            .custom_field(2_000_000_001, [4, 5, 6]);
    }
    // Who pays, to a contact.
    let secret = ContactSecret::from_byte_array([0x99; 32]);
    match name {
        "introduced" => {
            let own = OfferBuilder::new(key(2)).issuer("Alice").build()?;
            builder = builder.introduce(&secret, &PayerIdentity::from(own));
        }
        "named" => {
            let identity = PayerIdentity::Name { name: "alice@example.com".parse()?, key: key(2).into() };
            let named = builder.introduce(&secret, &identity).build_named()?;
            return Ok(named.sign(&keys::all()[2])?.sign(keys::payer())?);
        }
        _ => {}
    }
    Ok(builder.build()?.sign(keys::payer())?)
}

fn requests() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let requests = OFFERS.into_iter().map(|name| Ok((name, request(name)?.into_bytes())));
    // Another signature, which is no part of what is signed.
    let mut extra = parse(request("minimal")?.as_bytes()).0;
    set(&mut extra, 241, vec![9; 3]);
    requests.chain([Ok(("extra-signature", write(&extra)))]).collect()
}

fn refund(name: &str) -> Result<Refund> {
    let builder = RefundBuilder::new("a cup that broke", Msat(5_000_000), key(1), [0x24; 16]);
    Ok(match name {
        "minimal" => builder.build()?,
        "signed" => builder.build_to_sign()?.sign(keys::payer())?,
        "everything" => builder
            .absolute_expiry(UnixTime(NOW.0 + 10_000))
            .issuer("cafe")
            .chain(ChainHash::REGTEST)
            .features(Features::new([Feature(7)])?)
            .payer_note("sorry")
            .add_path(path(2, 1)?)
            .custom_field(2_999_999_999, [])
            .build()?,
        // RQR-11: a price for display only.
        "display-price" => {
            let mut records = parse(builder.build()?.as_bytes()).0;
            set(&mut records, 6, b"USD".to_vec());
            set(&mut records, 8, vec![]);
            Refund::try_from(write(&records))?
        }
        _ => return Err(name.into()),
    })
}

const REFUNDS: [&str; 4] = ["minimal", "signed", "everything", "display-price"];

fn refunds() -> Result<Vec<(&'static str, Vec<u8>)>> {
    REFUNDS.into_iter().map(|name| Ok((name, refund(name)?.into_bytes()))).collect()
}

fn payinfo(features: impl IntoIterator<Item = Feature>) -> Result<PayInfo<'static>> {
    Ok(PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: Features::new(features)?,
    })
}

fn finish(name: &str, builder: InvoiceBuilder<'_>) -> Result<Invoice> {
    let mut builder = builder.add_path(path(1, 0)?, &payinfo([])?);
    if name == "everything" {
        builder = builder
            .add_path(path_by_channel()?, &payinfo([Feature(3)])?)
            .add_path(path(2, 0)?, &payinfo([Feature(4)])?)
            .relative_expiry(Duration::from_secs(600))
            .add_fallback(&Fallback { version: 1, program: vec![0x77; 32].into() })
            .add_fallback(&Fallback { version: 0, program: vec![0x66; 20].into() })
            .multi_part(MultiPart::Allowed)
            .custom_field(3_000_000_001, [7, 8, 9]);
    }
    Ok(builder.build()?.sign(keys::issuer())?)
}

fn invoices() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let hash = sha256::Hash::hash(&PREIMAGE);
    let chains = [ChainHash::BITCOIN, ChainHash::SIGNET, ChainHash::REGTEST];
    let mut invoices = Vec::new();
    for name in OFFERS {
        let (offer, request) = (offer(name)?, request(name)?);
        // Whoever has no issuer id signs with the key at the end of a path.
        let arrival = match offer.paths().and_then(|paths| paths.iter().next()) {
            Some(path) => RequestArrival::OfferPath(path.last_blinded_node_id()),
            None => RequestArrival::Direct,
        };
        let rate =
            offer.currency().map(|currency| Rate::new(currency, MinorUnits(1_050), Msat(123_456))).transpose()?;
        let context = RequestContext { offer: &offer, arrival, now: NOW, chains: &chains, rate, max_amount: None };
        let new = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };
        let accepted = match request.recurrence() {
            Some(_) => request.accept_recurring(&context, &new)?,
            None => request.accept(&context)?,
        };
        let invoice = finish(name, InvoiceBuilder::new(accepted, NOW, hash))?;
        invoices.push((name, invoice.into_bytes()));
    }
    for (name, refund_name) in [("refund", "minimal"), ("refund-everything", "everything")] {
        let refund = refund(refund_name)?;
        let invoice = finish(refund_name, InvoiceBuilder::new(refund.accept(NOW, &chains, key(0))?, NOW, hash))?;
        invoices.push((name, invoice.into_bytes()));
    }
    // IVR-12: fallbacks that are ignored.
    let mut records = parse(&invoices[0].1).0;
    set(&mut records, 172, vec![17, 0, 2, 1, 1, 0, 0, 1, 5, 1, 0, 0]);
    sign(&mut records);
    invoices.push(("bad-fallbacks", write(&records)));
    Ok(invoices)
}

/// Whatever of the offers has paths, at most one chain, and one payment.
fn static_invoices() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let mut invoices = Vec::new();
    let served =
        OfferBuilder::new(key(0)).description("tips").amount_msat(Msat(10_000)).add_path(path(2, 1)?).build()?;
    let signet = OfferBuilder::new(key(0)).add_chain(ChainHash::SIGNET).add_path(path(1, 0)?).build()?;
    for (name, offer) in [("served", served), ("signet", signet), ("paths-only", offer("paths-only")?)] {
        let mut builder = StaticInvoiceBuilder::new(&offer, NOW)
            .add_path(path(1, 0)?, &payinfo([])?)
            .add_message_path(path(2, 0)?)
            .add_message_path(path_by_channel()?);
        if name == "signet" {
            builder = builder
                .add_path(path_by_channel()?, &payinfo([Feature(3)])?)
                .relative_expiry(Duration::from_secs(600))
                .add_fallback(&Fallback { version: 1, program: vec![0x77; 32].into() })
                .multi_part(MultiPart::Allowed)
                .custom_field(3_000_000_001, [7, 8, 9]);
        }
        // Whoever has no issuer id signs with the key at the end of a path.
        if offer.issuer_id().is_none() {
            builder = builder.node_id(key(0));
        }
        invoices.push((name, builder.build()?.sign(keys::issuer())?.into_bytes()));
    }
    // D9: what no builder writes. Unknown odd fields; a single message path; features with needless zeros.
    let mut odd = parse(&invoices[0].1).0;
    for (number, value) in
        [(33, vec![7; 5]), (161, vec![]), (174, vec![0, 2, 0, 0]), (236, path(1, 0)?.as_bytes().to_vec())]
    {
        set(&mut odd, number, value);
    }
    sign(&mut odd);
    invoices.push(("odd", write(&odd)));
    Ok(invoices)
}

fn proofs() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let preimage = Preimage(PREIMAGE);
    let mut proofs = Vec::new();
    for (name, invoice) in invoices()? {
        let invoice = Invoice::try_from(invoice)?;
        let proof = match name {
            "minimal" | "refund" => PayerProofBuilder::minimal(&invoice, preimage),
            "everything" => PayerProofBuilder::without_paths(&invoice, preimage).note("challenge"),
            "odd" => invoice.tlvs().records().fold(PayerProofBuilder::minimal(&invoice, preimage), |proof, record| {
                // Everything that can be shown.
                let number = record.number();
                if matches!(number, 0 | 240..=1000) { proof } else { proof.reveal(Field::numbered(number)) }
            }),
            _ => PayerProofBuilder::receipt(&invoice, preimage).note("\u{202e}"),
        };
        proofs.push((name, proof.build()?.sign(keys::payer())?.into_bytes()));
    }
    Ok(proofs)
}

fn errors() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let error = InvoiceError::new("out of coffee")?;
    let about = error.clone().about(Field::INVREQ_QUANTITY, Some(&[1]))?;
    let unknown = error.clone().about(Field::numbered(77), Some(b"anything"))?;
    let odd =
        write(&[Record::new(1, [88]), Record::new(3, [0; 33]), Record::new(7, [1]), Record::new(5_000_000_001, [])]);
    let of = |error: InvoiceError| error.as_bytes().to_vec();
    Ok(vec![("text", of(error)), ("about", of(about)), ("unknown", of(unknown)), ("odd", odd), ("empty", vec![])])
}

/// Messages for one of the nodes, behind an even byte, and ways that messages take, behind an odd one.
fn onions() -> Result<Seeds> {
    let [own, other] = [key(0), key(1)];
    let path = |session| {
        BlindedPathBuilder::own(&keys::all()[0]).through(other).path_id([9; 32]).dummy_hops(1).build([session; 32])
    };
    let (path, reply_path) = (path(5)?, path(6)?);
    let request = request("minimal")?.into_bytes();
    let contents = Contents::InvoiceRequest(&request);
    let large = vec![7; 2_000];
    let messages = [
        ("to-node", OnionMessageBuilder::to_node(own, contents)),
        ("through", OnionMessageBuilder::to_node(own, contents).through(other)),
        ("over-path", OnionMessageBuilder::over(&path, contents).reply_path(&reply_path)),
        ("large", OnionMessageBuilder::over(&path, Contents::InvoiceError(&large)).field(63, [1, 2, 3])),
    ];
    let mut seeds = Seeds::new();
    for (name, message) in messages {
        let message = message.build([7; 32])?.message;
        seeds.push((name.to_owned(), [&[0], message.as_bytes()].concat()));
    }
    for seed in 0..12 {
        let len = 60 * (seed as usize + 1);
        seeds.push((format!("way-{seed}"), [&[1][..], &Rng::new(100 + seed).bytes(len)].concat()));
    }
    Ok(seeds)
}

/// What last hops get, and what hops are told.
fn payloads() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let path = path(2, 0)?.as_bytes().to_vec();
    let node = key(0).serialize();
    let records = |records: &[(u64, &[u8])]| {
        write(&records.iter().map(|(number, value)| Record::new(*number, *value)).collect::<Vec<_>>())
    };
    let request = request("minimal")?.into_bytes();
    Ok(vec![
        ("request", records(&[(2, &path), (4, &[1; 40]), (64, &request)])),
        ("invoice", records(&[(1, b"odd"), (4, &[1; 40]), (66, &[1; 100])])),
        ("error", records(&[(4, &[1; 16]), (68, &[5, 2, 110, 111])])),
        ("static-invoice", records(&[(2, &path), (4, &[1; 40]), (70, &[1; 100])])),
        ("held-htlc-available", records(&[(2, &path), (4, &[1; 40]), (72, &[0])])),
        ("release-held-htlc", records(&[(4, &[1; 40]), (74, &[0])])),
        ("two", records(&[(64, &[1]), (68, &[1])])),
        ("by-node", records(&[(1, &[0; 9]), (4, &node), (8, &node)])),
        ("by-channel", records(&[(2, &[7; 8]), (561, &[1])])),
        ("recipient", records(&[(1, &[]), (6, &[9; 32])])),
        (
            "payment",
            records(&[(2, &[7; 8]), (10, &[0, 36, 0, 0, 0, 150, 39, 16]), (12, &[0, 11, 105, 229, 5, 220]), (14, &[])]),
        ),
    ])
}

/// Streams that no message is.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let two = [Record::new(1, [1, 2, 3]), Record::new(u64::MAX, [])];
    vec![
        ("greatest-type", write(&two)),
        ("repeated", write(&[two[0].clone(), two[0].clone()])),
        ("long-type", vec![0xfd, 0, 0xfc, 0]),
        ("long-length", vec![1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("huge-length", vec![1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("cut-off", vec![1, 2, 3]),
    ]
}

/// Points on the curve and beside it, and x at the ends of the field.
fn points() -> Vec<(&'static str, Vec<u8>)> {
    let with_x = |low: u8| [&[2][..], &[0; 31], &[low]].concat();
    let field = |low: u8| [&[3][..], &[0xff; 27], &[0xfe, 0xff, 0xff, 0xfc, low]].concat();
    let keys = keys::public().map(|key| key.serialize());
    vec![
        ("keys", keys.concat()),
        ("uncompressed", [&[4], &keys[0][1..]].concat()),
        ("least", [with_x(0), with_x(1), with_x(5)].concat()),
        ("greatest", [field(0x2c), field(0x2e), field(0x2f), field(0x30)].concat()),
        ("cut-off", vec![2, 1]),
    ]
}

fn texts(messages: Seeds) -> Result<Seeds> {
    let mut texts: Seeds = STRINGS.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    for (name, bytes) in messages {
        let text = match name.split_once('-') {
            Some(("offer", _)) => Offer::try_from(bytes)?.to_string(),
            Some(("request", _)) => InvoiceRequest::try_from(bytes)?.wrapped(60)?.to_string(),
            Some(("refund", _)) => format!("lightning:{:#}", Refund::try_from(bytes)?),
            Some(("proof", _)) => PayerProof::try_from(bytes)?.to_string(),
            // It has no text.
            Some(("static", _)) => continue,
            _ => Invoice::try_from(bytes)?.to_string(),
        };
        texts.push((name, text.into_bytes()));
    }
    Ok(texts)
}

/// What both sides save in every state, without the MAC.
fn states() -> Result<Seeds> {
    let mut states: Seeds = Vec::new();
    let mut add = |name: String, state: Vec<u8>| {
        let fields = state[..state.len() - 16].to_vec();
        states.push((name, fields));
    };
    let (payer, issuer, now) = (sides::payer(), sides::issuer(), sides::NOW);
    let later = UnixTime(now.0 + 600);
    for (at, offer) in sides::offers().iter().enumerate() {
        let mut draft = payer.draft(offer, now, sides::CHAINS)?;
        draft = match at {
            0 => draft.payer_note("thanks").limit(Limit::AtMost(Msat(20_000))),
            1 => draft.amount(Msat(1_234)).custom_field(2_000_000_001, [4, 5, 6]),
            2 => draft.quantity(3).rate(sides::rate(sides::CENTS)).limit(Limit::Tolerance { basis_points: 100 }),
            3 => draft.retry(Retry { first: Duration::from_secs(1), max: Duration::from_secs(3) }),
            4 => draft.quantity(2),
            _ => draft.bip_353_name(HumanReadableName::new("satoshi", "example.com")?),
        };
        let mut payment = draft.start([at as u8; 32], now, later)?;
        add(format!("payment-{at}-asking"), payment.to_bytes());
        let Action::Send(asked) = payment.poll(now)? else { return Err("nothing is sent".into()) };
        let received = issuer.receive(sides::deliver(&asked))?;
        add(format!("received-{at}"), received.to_bytes());
        let rate = Some(sides::rate(sides::CENTS));
        let terms = Terms { rate, ..Terms::new(now, sides::CHAINS) };
        let accepted = received.accept(&terms)?;
        add(format!("accepted-{at}"), accepted.to_bytes());
        let (preimage, invoice) = sides::unsigned(&accepted)?;
        let invoice = sides::sign(&accepted, invoice);
        let arrival = MessageArrival::Path(asked.reply_path_id.ok_or("no reply path")?);
        let _ = payment.receive(
            IncomingMessage {
                kind: OffersMessageKind::Invoice,
                bytes: invoice.into_bytes(),
                arrival,
                reply_path: None,
            },
            now,
        )?;
        phases(&format!("payment-{at}"), payment, preimage, &mut add)?;
    }
    let new = payer.new_refund([9; 32]);
    let paths = [new.path_id(0), new.path_id(1)];
    let refund = new.builder("a cup that broke", Msat(5_000_000)).absolute_expiry(later);
    let refund = paths.iter().fold(refund, |refund, path_id| refund.add_path(sides::path(*path_id, 3)));
    let mut payment = new.publish(refund, now)?;
    add("refund-asking".into(), payment.to_bytes());
    let preimage = Preimage(PREIMAGE);
    let claimed = issuer.claim(payment.refund().ok_or("no refund")?, now, sides::CHAINS)?;
    let invoice = claimed.invoice(preimage.payment_hash()).add_path(path(1, 0)?, &payinfo([])?).build()?;
    let mut claim = claimed.sign(invoice, later, Retry::default())?;
    add("claim-sending".into(), claim.to_bytes());
    let invoice = claim.invoice().as_bytes().to_vec();
    let _ = payment.receive(
        IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: invoice,
            arrival: MessageArrival::Path(paths[1]),
            reply_path: None,
        },
        now,
    )?;
    phases("refund", payment, preimage, &mut add)?;
    let Action::Send(sent) = claim.poll(now)? else { return Err("nothing is sent".into()) };
    let arrival = MessageArrival::Path(sent.reply_path_id.ok_or("no reply path")?);
    claim.receive(
        IncomingMessage {
            kind: OffersMessageKind::InvoiceError,
            bytes: InvoiceError::new("no")?.into_bytes(),
            arrival,
            reply_path: None,
        },
        now,
    )?;
    add("claim-ended".into(), claim.to_bytes());
    claim.paid();
    add("claim-paid".into(), claim.to_bytes());
    asleep(&mut add)?;
    serving::seeds().into_iter().for_each(|(name, state)| add(name, state));
    Ok(states)
}

/// A payment whose payee is asleep.
fn asleep(add: &mut impl FnMut(String, Vec<u8>)) -> Result<()> {
    let (payer, now, later) = (sides::payer(), sides::NOW, UnixTime(sides::NOW.0 + 600));
    let offer =
        OfferBuilder::new(key(0)).description("tips").amount_msat(Msat(10_000)).add_path(path(2, 1)?).build()?;
    let invoice = StaticInvoiceBuilder::new(&offer, now)
        .add_path(path(1, 0)?, &payinfo([])?)
        .add_message_path(path(2, 0)?)
        .add_message_path(path(1, 0)?)
        .build()?
        .sign(keys::issuer())?;
    let mut payment = AsyncPayment::new(payer.draft(&offer, now, sides::CHAINS)?.start([5; 32], now, later)?)?;
    let Action::Send(request) = payment.poll(now)? else { return Err("nothing is asked".into()) };
    add("async-asking".into(), payment.to_bytes());
    let reply = |to: &OutgoingMessage, kind, bytes: &[u8]| -> Result<IncomingMessage> {
        let arrival = MessageArrival::Path(to.reply_path_id.ok_or("no reply path")?);
        Ok(IncomingMessage { kind, bytes: bytes.to_vec(), arrival, reply_path: None })
    };
    let _ = payment.receive(reply(&request, OffersMessageKind::StaticInvoice, invoice.as_bytes())?, now)?;
    add("async-quoted".into(), payment.to_bytes());
    let attempt = payment.begin_held([6; 32], now, later, None)?;
    let Action::Send(notice) = payment.poll(now)? else { return Err("nobody is told".into()) };
    add("async-held".into(), payment.to_bytes());
    let _ = payment.receive(reply(&notice, OffersMessageKind::ReleaseHeldHtlc, &[0])?, now)?;
    add("async-released".into(), payment.to_bytes());
    payment.failed(attempt)?;
    add("async-failed".into(), payment.to_bytes());
    payment.begin_held([6; 32], now, later, None)?;
    let AsyncState::Paying(paying) = payment.state() else { return Err("not begun".into()) };
    let preimage = paying.preimage();
    payment.paid(preimage)?;
    add("async-paid".into(), payment.to_bytes());
    Ok(())
}

/// A payment that has a quote, and what becomes of it.
fn phases(name: &str, payment: Payment, preimage: Preimage, add: &mut impl FnMut(String, Vec<u8>)) -> Result<()> {
    add(format!("{name}-quoted"), payment.to_bytes());
    let mut declined = sides::payer().load(&payment.to_bytes())?;
    declined.decline()?;
    add(format!("{name}-declined"), declined.to_bytes());
    let mut payment = payment;
    let attempt = payment.begin(preimage.payment_hash(), sides::NOW, None)?;
    add(format!("{name}-paying"), payment.to_bytes());
    payment.failed(attempt)?;
    add(format!("{name}-failed"), payment.to_bytes());
    payment.paid(preimage)?;
    add(format!("{name}-paid"), payment.to_bytes());
    Ok(())
}
