//! What a program keeps and shows outside of messages: forms that own what they hold, lists that can be walked, what is
//! written as it is read, and amounts in other units.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::raw::{self, *};
use bolt12::bitcoin::Amount;
use bolt12::exchange::{Draft, Limit, NewOffer, Payee, Payer};
use bolt12::{
    BlindedPaths, CurrencyCode, ErrorKind, Field, HumanReadableName, IntroductionNode, Invoice, InvoiceRequest,
    LinkFault, MessageKind, MinorUnits, Msat, Offer, OfferAmount, OfferId, Point, Quantity, Rate, Revealed, Rule,
    ShortChannelId, TlvStream,
};
use proptest::prelude::*;

/// What a program keeps while somebody decides: nothing in it borrows.
struct Screen {
    draft: Option<Draft>,
    new_offer: NewOffer,
    name: HumanReadableName<'static>,
}

#[test]
fn what_is_in_the_making_can_be_kept() {
    let mut screens = HashMap::new();
    {
        let payee = Payee::new([1; 32]);
        let text = String::from("₿satoshi@example.com");
        let offer: Offer = raw::offer().read();
        let draft = Payer::new([2; 32]).draft(&offer, NOW, BITCOIN).unwrap();
        let name = HumanReadableName::parse(&text).unwrap().into_owned();
        screens.insert(7, Screen { draft: Some(draft), new_offer: payee.new_offer([3; 16]), name });
    }
    let screen = screens.get_mut(&7).unwrap();
    let draft = screen.draft.take().unwrap().limit(Limit::AtMost(Msat(PRICE))).bip_353_name(screen.name.clone());
    draft.check().unwrap();
    assert_eq!(draft.cost(), Ok(Some(Msat(PRICE))));
    let payee = Payee::new([1; 32]);
    assert_eq!(screen.new_offer.path_id(0), payee.new_offer([3; 16]).path_id(0));
    assert_eq!(screen.new_offer.issuer_id(), payee.new_offer([3; 16]).issuer_id());
    assert_eq!(screen.name.to_string(), "₿satoshi@example.com");
}

#[test]
fn lists_can_be_walked_by_value_and_by_reference() {
    let offer: Offer = hidden_offer().read();
    let paths: BlindedPaths<'_> = offer.paths().unwrap();
    let mut count = 0;
    for path in &paths {
        assert!(path.hops().count() > 0);
        count += 1;
    }
    for (path, again) in paths.into_iter().zip(paths.iter().clone()) {
        assert_eq!(path, again);
    }
    assert_eq!((count, paths.count()), (paths.into_iter().count(), count));
    assert_eq!(format!("{:?}", paths.iter()), format!("{paths:?}"));

    let invoice: Invoice = raw::invoice().read();
    let (paths, payinfos) = (invoice.paths().unwrap(), invoice.blindedpay().unwrap());
    assert_eq!(paths.into_iter().zip(&payinfos).count(), payinfos.count());
    assert_eq!(payinfos.into_iter().collect::<Vec<_>>(), payinfos.iter().collect::<Vec<_>>());

    let chains = [[1; 32], [2; 32]];
    let offer: Offer = raw::offer().with(2, chains.concat()).read();
    let named: Vec<_> = offer.chains().unwrap().into_iter().map(|chain| chain.to_bytes()).collect();
    assert_eq!(named, chains);
    assert_eq!((&offer.chains().unwrap()).into_iter().count(), 2);

    let fallbacks = [&[0, 0, 20][..], &[7; 20], &[1, 0, 2, 8, 8]].concat();
    let invoice: Invoice = raw::invoice().with(172, fallbacks).sign_invoice(&issuer()).read();
    let versions: Vec<_> = invoice.fallbacks().unwrap().into_iter().map(|fallback| fallback.version).collect();
    assert_eq!(versions, [0, 1]);
    assert_eq!((&invoice.fallbacks().unwrap()).into_iter().count(), 2);
}

#[test]
fn fields_show_what_they_are_the_fields_of() {
    let invoice: Invoice = raw::invoice().read();
    let shown = |fields: &dyn std::fmt::Debug| format!("{fields:?}");
    let (offer, request, own) = (shown(invoice.offer()), shown(invoice.request()), shown(&*invoice));
    assert!(offer.starts_with("OfferFields {offer_") && request.starts_with("RequestFields {invreq_metadata: "));
    assert!(own.starts_with("InvoiceFields {invreq_metadata: ") && own.contains("offer_description: \"tea\""));
    assert!(!offer.contains("invreq_") && !offer.contains("invoice_") && !offer.contains("signature"), "{offer}");
    assert!(request.contains("offer_description: \"tea\"") && !request.contains("invoice_"), "{request}");
    assert!(own.contains("invoice_payment_hash: ") && !own.contains("signature"), "{own}");
}

#[test]
fn streams_are_equal_if_their_bytes_are() {
    let hasher = RandomState::new();
    let (one, same) = (raw::offer().read::<Offer>(), raw::offer().read::<Offer>());
    assert_eq!(one.tlvs(), same.tlvs());
    assert_eq!(hasher.hash_one(one.tlvs()), hasher.hash_one(same.tlvs()));
    assert_ne!(one.tlvs(), hidden_offer().read::<Offer>().tlvs());
    // What makes an error is compared and hashed with it.
    let errors = [Offer::try_from(vec![]), Offer::try_from(vec![]), Offer::try_from(vec![8, 1, 10])];
    let [empty, again, missing] = errors.map(Result::unwrap_err);
    assert_eq!(hasher.hash_one(&empty), hasher.hash_one(&again));
    assert!(empty != missing && hasher.hash_one(missing.kind()) != hasher.hash_one(empty.kind()));
}

// TLV-5
#[test]
fn a_record_has_the_name_of_its_message() {
    let name = |number: u8, kind| {
        let tlvs = TlvStream::read(vec![number, 0]).unwrap();
        tlvs.records().next().unwrap().field(kind)
    };
    assert_eq!(name(10, MessageKind::Offer).name(), Some("offer_description"));
    assert_eq!(name(10, MessageKind::Invoice).name(), Some("offer_description"));
    assert_eq!(name(88, MessageKind::Offer).name(), None);
    assert_eq!(name(88, MessageKind::InvoiceRequest).name(), Some("invreq_payer_id"));
    assert_eq!(name(168, MessageKind::InvoiceRequest).name(), None);
    assert_eq!(name(168, MessageKind::Invoice).name(), Some("invoice_payment_hash"));
    assert_eq!(name(240, MessageKind::Invoice).name(), Some("signature"));
    assert_eq!(name(5, MessageKind::InvoiceError).name(), Some("error"));
    assert_eq!(name(5, MessageKind::Offer).name(), None);
    // Every record of every message has the name that its own fields have.
    let request: InvoiceRequest = raw::request().read();
    for record in request.tlvs().records() {
        let field = record.field(MessageKind::InvoiceRequest);
        assert!(field.name().is_some() && field == Field::numbered(record.number()), "{field}");
    }
    let proof = TlvStream::read(vec![0xfd, 3, 0xe9, 0]).unwrap();
    assert_eq!(proof.records().next().unwrap().field(MessageKind::PayerProof), Field::PROOF_PREIMAGE);
}

// OFR-11
#[test]
fn an_offer_says_what_it_reveals() {
    let key = issuer().public_key();
    let plain: Offer = raw::offer().read();
    assert_eq!(plain.reveals()[0], Revealed::NodeId(key));
    assert!(plain.names_node(&key) && !plain.names_node(&payer().public_key()));
    assert!(plain.reveals()[0].to_string().contains("not hidden"));

    let hidden: Offer = hidden_offer().read();
    let reveals = hidden.reveals();
    assert_eq!(reveals[0], Revealed::NoIssuerKey);
    let starts: Vec<_> = hidden.paths().unwrap().iter().map(|path| path.introduction_node()).collect();
    let told = reveals.iter().filter_map(|it| match it {
        Revealed::Path { introduction_node, .. } => Some(*introduction_node),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), starts);
    for start in starts {
        if let IntroductionNode::NodeId(point) = start {
            assert!(hidden.names_node(&point.public_key().unwrap()));
        }
    }
    assert!(!hidden.names_node(&key));

    let both: Offer = hidden_offer().with(22, key.serialize()).read();
    assert_eq!(both.reveals()[0], Revealed::IssuerKey(key));

    let raw = raw::offer().with(2, [6; 32]).with(4, [1]).with(14, tu64(NOW.0)).with(18, "Käthe\n").with_number(20, 5);
    let all: Offer = raw.with(33, [1]).read();
    let sentences: Vec<_> = all.reveals().iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences[1..],
        [
            "only the issuer knows what the offer's metadata means; each request repeats it",
            "the offer can be paid on an unknown chain",
            "one item costs 10 sat",
            "the description is \"tea\"",
            "the offer expires at 1800000000, in seconds since 1970",
            "the issuer calls itself \"Käthe\\u{a}\", which is not verified",
            "up to 5 items can be bought at once",
            "the offer has field 33, which is unknown to this software",
        ]
    );
    // A refund has no issuer, so nothing is said of one.
    let refund: bolt12::Refund = raw::refund().read();
    assert!(matches!(refund.offer().reveals()[0], Revealed::Description(_)));
    let unlimited: Offer = raw::offer().with_number(20, 0).read();
    assert!(unlimited.reveals().contains(&Revealed::Quantity(Quantity::Unlimited)));
}

fn usd() -> CurrencyCode {
    "USD".parse().unwrap()
}

#[test]
fn what_is_no_such_thing_is_not_parsed() {
    for text in ["", "1x2", "1x2x3x4", "16777216x0x0", "0x16777216x0", "0x0x65536", "+1x2x3", " 1x2x3", "1x x3", "x2x3"]
    {
        let error = text.parse::<ShortChannelId>().unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidShortChannelId, Rule::Tlv7), "{text}");
    }
    assert_eq!("16777215x16777215x65535".parse(), Ok(ShortChannelId(u64::MAX)));
    let off_curve = "02".to_owned() + &"ff".repeat(32);
    for text in ["", "02", "zz", &off_curve, &"02".repeat(34)] {
        assert_eq!(text.parse::<Point>().unwrap_err().kind(), &ErrorKind::InvalidPoint, "{text}");
    }
    assert!("00".repeat(31).parse::<OfferId>().is_err() && "zz".repeat(32).parse::<OfferId>().is_err());
    let incomplete = ErrorKind::Link(LinkFault::IncompleteName);
    for text in ["satoshi", "@example.com", "satoshi@"] {
        assert_eq!(text.parse::<HumanReadableName<'static>>().unwrap_err().kind(), &incomplete);
    }
}

proptest! {
    // What is displayed is parsed.
    #[test]
    fn what_is_written_is_read(number: u64, id: [u8; 32], secret in 1u8..0xff, user in "[a-z0-9._-]{1,20}") {
        let scid = ShortChannelId(number);
        prop_assert_eq!(scid.to_string().parse(), Ok(scid));
        let id = OfferId::from_byte_array(id);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let point = Point::from(key(secret).public_key());
        prop_assert_eq!(point.to_string().parse(), Ok(point));
        let name = HumanReadableName::new(&user, "example.com").unwrap();
        // NAM-3: what the DNS cannot hold is read in a request, and not from people.
        if user.split('.').all(|label| !label.is_empty()) {
            prop_assert_eq!(name.to_string().parse(), Ok(name.into_owned()));
        }
    }

    // Rounded by less than a satoshi, to the side that is said; what is whole is not rounded.
    #[test]
    fn amounts_in_satoshi(msat: u64, sat: u64) {
        let (amount, of) = (Msat(msat), |amount: Amount| u128::from(amount.to_sat()) * 1_000);
        let (floor, ceil) = (of(amount.to_amount_floor()), of(amount.to_amount_ceil()));
        prop_assert!(floor <= msat.into() && u128::from(msat) < floor + 1_000);
        prop_assert!(ceil >= msat.into() && ceil < u128::from(msat) + 1_000);
        match amount.to_amount() {
            Some(exact) => prop_assert_eq!((of(exact), floor, ceil), (msat.into(), msat.into(), msat.into())),
            None => prop_assert!(msat % 1_000 != 0 && ceil == floor + 1_000),
        }
        let from = Msat::from_amount(Amount::from_sat(sat));
        prop_assert_eq!(from, Msat::from_sat(sat));
        if let Some(from) = from {
            prop_assert_eq!(from.to_amount(), Some(Amount::from_sat(sat)));
        }
    }

    // Both ways, a price never grows: it is rounded down on the way to the currency, and up on the way back.
    #[test]
    fn a_rate_works_both_ways(minor in 1u64.., per in 1u64.., amount: u64, bits in 0u32..64) {
        let rate = Rate::new(usd(), MinorUnits(minor >> bits | 1), Msat(per)).unwrap();
        let exact = u128::from(amount) * u128::from(minor >> bits | 1);
        match rate.to_minor_units(Msat(amount)) {
            Some(worth) => {
                prop_assert_eq!(u128::from(worth.0), exact / u128::from(per));
                let back = rate.convert(OfferAmount::Currency { currency: usd(), amount: worth }).unwrap();
                prop_assert!(back <= Msat(amount));
            }
            None => prop_assert!(exact / u128::from(per) > u64::MAX.into()),
        }
        let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(amount) };
        if let Ok(msat) = rate.convert(price) {
            prop_assert!(rate.to_minor_units(msat).is_none_or(|worth| worth >= MinorUnits(amount)));
        }
    }
}

// PTH-1
#[test]
fn a_single_hop_hides_nothing_which_is_said() {
    let offer: Offer =
        raw::offer().with(16, [path_over(&[point(7)]), path_over(&[point(7), point(8)])].concat()).read();
    let said: Vec<_> = offer.reveals().iter().map(ToString::to_string).collect();
    assert_eq!(said[1], "path 1 has a single hop and hides nothing: it starts at the issuer's own node");
    assert!(
        said[2].starts_with("path 2 starts at node 0") && said[2].ends_with("at most 1 hop behind it"),
        "{}",
        said[2]
    );
}
