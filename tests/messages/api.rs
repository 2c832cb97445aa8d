//! What is read at a signer, what is read knowing more, and what is read whatever it is.

use super::raw::{self, *};
use bolt12::secp256k1::{Message, Secp256k1};
use bolt12::{
    Bolt12, ErrorKind, Feature, Field, HumanReadableName, Invoice, InvoiceRequest, KnownFeatures, LinkFault,
    MessageKind, Msat, Offer, Pasted, Refund, RefundBuilder, Rule, Unsigned,
};

// RQW-7, SIG-4
#[test]
fn a_signer_reads_what_it_signs() {
    let raw = request().without(240);
    let seen: Unsigned<InvoiceRequest> = Unsigned::try_from(raw.encode()).unwrap();
    assert_eq!(seen.signer(), Some(payer().public_key()));
    assert_eq!(seen.payer_id(), Some(payer().public_key()));
    assert_eq!(seen.offer().description().unwrap().as_raw(), "tea");
    assert_eq!(seen.as_bytes(), raw.encode());
    assert_eq!(seen.tlvs().records().map(|record| record.number()).collect::<Vec<_>>(), [0, 8, 10, 22, 88]);
    assert_eq!(seen.digest(), raw.digest("invoice_request"));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(seen.digest()), &payer());
    assert_eq!(seen.complete(&signature).unwrap(), request().read());
}

// IVW-6, D1
#[test]
fn an_invoice_and_a_refund_name_their_signers() {
    let invoice: Unsigned<Invoice> = Unsigned::try_from(raw::invoice().without(240).encode()).unwrap();
    assert_eq!(invoice.signer(), Some(issuer().public_key()));
    assert_eq!(invoice.digest(), raw::invoice().digest("invoice"));
    assert_eq!(invoice.amount(), Some(Msat(PRICE)));
    assert_eq!(invoice.sign(&issuer()).unwrap(), raw::invoice().read());
    let refund: Unsigned<Refund> = Unsigned::try_from(raw::refund().encode()).unwrap();
    assert_eq!(refund.signer(), Some(payer().public_key()));
    assert_eq!(refund.sign(&payer()).unwrap(), raw::refund().sign_request(&payer()).read());
}

// RQR-1, RQR-3, RQR-11, IVR-10, D1, TLV-7
#[test]
fn what_is_to_be_signed_obeys_every_rule_but_that() {
    let error = Unsigned::<InvoiceRequest>::try_from(request().encode()).unwrap_err();
    let at = request().record_at(240);
    assert_error_at(&error, ErrorKind::Unexpected, Rule::Rqr3, Field::SIGNATURE, at);
    let error = Unsigned::<Invoice>::try_from(invoice().encode()).unwrap_err();
    assert_error(&error, ErrorKind::Unexpected, Rule::Ivr10, Field::SIGNATURE);
    let error = Unsigned::<Refund>::try_from(refund().sign_request(&payer()).encode()).unwrap_err();
    assert_error(&error, ErrorKind::Unexpected, Rule::D1, Field::SIGNATURE);

    let unsigned = request().without(240);
    let error = Unsigned::<InvoiceRequest>::try_from(unsigned.clone().without(0).encode()).unwrap_err();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr1, Field::INVREQ_METADATA);
    let off_curve = [&[2][..], &[0xff; 32]].concat();
    let error = Unsigned::<InvoiceRequest>::try_from(unsigned.clone().with(88, off_curve).encode()).unwrap_err();
    assert_error(&error, ErrorKind::InvalidPoint, Rule::Tlv7, Field::INVREQ_PAYER_ID);
    assert_eq!(Unsigned::<Refund>::try_from(unsigned.encode()).unwrap_err().kind(), &ErrorKind::IsNotRefund);
}

// RQR-3, RQR-11, D1
#[test]
fn a_refund_is_no_request_to_be_signed() {
    let error = Unsigned::<InvoiceRequest>::try_from(refund().encode()).unwrap_err();
    assert_error(&error, ErrorKind::IsRefund, Rule::Ofr7, Field::OFFER_ISSUER_ID);
}

static KNOWN: KnownFeatures = KnownFeatures { offer: &[8], ..KnownFeatures::DEFAULT };

/// The text of an offer that needs a feature.
fn demanding() -> String {
    let raw = offer().with(12, [1, 0]);
    Offer::read(raw.encode(), &KNOWN).unwrap().to_string()
}

// OFR-2
#[test]
fn text_is_read_knowing_more_features() {
    let text = demanding();
    let offer = Offer::read_text(&text, &KNOWN).unwrap();
    assert!(offer.features().unwrap().contains(Feature(8)));
    let Ok(Bolt12::Offer(pasted)) = Bolt12::read_text(&format!(" lightning:{text}\n"), &KNOWN) else { panic!() };
    assert_eq!(*pasted, offer);
    // What is built from it knows the same.
    let usable = pasted.usable(NOW, BITCOIN).unwrap();
    assert!(bolt12::InvoiceRequestBuilder::new(usable, payer().public_key(), [1; 16]).build().is_ok());
    for error in [
        Offer::read_text(&text, &KnownFeatures::DEFAULT).unwrap_err(),
        text.parse::<Offer>().unwrap_err(),
        Bolt12::read_text(&text, &KnownFeatures::DEFAULT).unwrap_err(),
        text.parse::<Bolt12>().unwrap_err(),
    ] {
        assert_error(&error, ErrorKind::UnknownFeature(8), Rule::Ofr2, Field::OFFER_FEATURES);
        assert!(error.column().is_some());
    }
    // A message's own type is strict about what surrounds it.
    assert!(Offer::read_text(&format!("lightning:{text}"), &KNOWN).is_err());
}

// TXT-5
#[test]
fn any_message_is_shown_as_its_own_type_shows_it() {
    let (offer, request): (Offer, InvoiceRequest) = (offer().read(), request().read());
    let (refund, invoice): (Refund, Invoice) = (refund().read(), invoice().read());
    let all = [
        (Bolt12::from(offer.clone()), offer.to_string(), MessageKind::Offer, "lno1", offer.into_bytes()),
        (Bolt12::from(request.clone()), request.to_string(), MessageKind::InvoiceRequest, "lnr1", request.into_bytes()),
        (Bolt12::from(refund.clone()), refund.to_string(), MessageKind::InvoiceRequest, "lnr1", refund.into_bytes()),
        (Bolt12::from(invoice.clone()), invoice.to_string(), MessageKind::Invoice, "lni1", invoice.into_bytes()),
    ];
    for (message, text, kind, prefix, bytes) in all {
        assert!(text.starts_with(prefix));
        assert_eq!((message.to_string(), message.kind()), (text.clone(), kind));
        assert_eq!(text.parse(), Ok(message.clone()));
        assert_eq!(Bolt12::read(kind, bytes.clone(), &KnownFeatures::DEFAULT), Ok(message));
        let error = Bolt12::read(MessageKind::InvoiceError, bytes, &KnownFeatures::DEFAULT).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongKind { found: MessageKind::InvoiceError, .. }));
    }
}

// TXT-3
#[test]
fn quotation_marks_labels_and_encodings_around_a_text_are_ignored() {
    let offer: Offer = offer().read();
    let text = offer.to_string();
    let joined = format!("{}%2B{}", &text[..20], &text[20..]);
    for pasted in [
        format!("\"{text}\""),
        format!("'{text}'"),
        format!(" \"{text}\"\n"),
        format!("lightning:{text}?label=x#y"),
        format!("lightning:{text}#y"),
        format!("lightning:{text}#y?z"),
        format!("\"lightning://{text}?label=x#y\""),
        format!("LIGHTNING:{}?label=x", text.to_uppercase()),
        format!("lightning:{joined}"),
        format!("lightning:{joined}?label=%2B#y"),
        format!("bitcoin:?lno={joined}#y"),
        format!("lightning:{}", joined.replace("%2B", "%2b%0A")),
    ] {
        assert_eq!(pasted.parse(), Ok(Bolt12::from(offer.clone())), "{pasted}");
        assert!(pasted.parse::<Offer>().is_err());
    }
    // Outside a URI nothing is encoded, and marks within the text do not go away.
    for pasted in [joined.clone(), text.replacen('q', "\"", 1), format!("{text}?label=x"), format!("{text}#y")] {
        assert!(pasted.parse::<Bolt12>().is_err(), "{pasted}");
    }
    // The column counts the mark and all that an encoding takes.
    let wrong = format!("\"lightning:{}b{}\"", &joined[..30], &joined[31..]);
    assert_eq!(wrong.parse::<Bolt12>().unwrap_err().column(), Some("\"lightning:".len() + 31));
}

// RQW-8
#[test]
fn a_name_is_parsed_as_people_write_it() {
    let name = HumanReadableName::new("satoshi", "example.com").unwrap();
    // NAM-1
    for written in [
        "satoshi@example.com",
        "₿satoshi@example.com",
        " ₿satoshi@example.com\n",
        "lightning:satoshi@example.com",
        "LIGHTNING:// ₿satoshi@example.com ",
        "\"satoshi@example.com\"",
    ] {
        assert_eq!(Pasted::read(written), Ok(Pasted::Name(name.clone())));
        assert_eq!(HumanReadableName::parse(written), Ok(name.clone()));
    }
    assert_eq!((name.user(), name.domain()), ("satoshi", "example.com"));
    // NAM-1
    for written in ["", "satoshi", "@b", "₿@b", "a@", "@"] {
        let error = HumanReadableName::parse(written).unwrap_err();
        let kind = ErrorKind::Link(LinkFault::IncompleteName);
        assert_error(&error, kind, Rule::Nam1, Field::INVREQ_BIP_353_NAME);
    }
    // NAM-2
    for (written, c, column) in [
        ("₿₿a@b", '₿', 2),
        ("a@b@c", '@', 4),
        ("ä@b@c", 'ä', 1),
        (" simon@bülow.de", 'ü', 9),
        ("lightning:₿simon@bülow.de", 'ü', 19),
        ("simon@b low.de", ' ', 8),
        ("a@b\u{200b}", '\u{200b}', 4),
    ] {
        let error = HumanReadableName::parse(written).unwrap_err();
        assert_error(&error, ErrorKind::InvalidName(c), Rule::Nam2, Field::INVREQ_BIP_353_NAME);
        assert_eq!(error.column(), Some(column), "{written}");
        // Where it is no doubt a name, the paste field says the same.
        if column > 8 {
            assert_eq!(Pasted::read(written), Err(error));
        }
    }
    let punycode = HumanReadableName::parse("simon@xn--blow-0ra.de").unwrap();
    assert_eq!(punycode.to_string(), "₿simon@xn--blow-0ra.de");
    // NAM-3
    assert_eq!(punycode.dns_name().to_string(), "simon.user._bitcoin-payment.xn--blow-0ra.de.");
}

// RQW-9
#[test]
fn a_refund_is_read_at_a_signer_as_it_was_built() {
    let unsigned = RefundBuilder::new("broken cup", Msat(PRICE), payer().public_key(), [0x24; 16]).build_to_sign();
    let unsigned = unsigned.unwrap();
    let seen: Unsigned<Refund> = Unsigned::try_from(unsigned.as_bytes().to_vec()).unwrap();
    assert_eq!((seen.digest(), seen.amount()), (unsigned.digest(), Some(Msat(PRICE))));
}

// SIG-6
#[test]
fn an_offer_has_the_id_of_every_message_that_repeats_it() {
    let offer: Offer = offer().read();
    let (request, invoice): (InvoiceRequest, Invoice) = (request().read(), invoice().read());
    assert_eq!((request.offer().id(), invoice.offer().id()), (Some(offer.id()), Some(offer.id())));
    assert_ne!(hidden_offer().read::<Offer>().id(), offer.id());
}
