//! What went wrong in other implementations, or was seen on the wire from them, as far as it concerns
//! messages: one test for each.

use super::raw::{self, *};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::Keypair;
use bolt12::{
    Arrival, BlindedPath, Bolt12, Direction, Error, ErrorKind, Field, HumanReadableName, IntroductionNode, Invoice,
    InvoiceContext, InvoiceError, InvoiceRequest, InvoiceRequestBuilder, LooksLike, MAX_LEN, Msat, MultiPart, Offer,
    Refund, RequestArrival, RequestContext, Rule, SentTo, ShortChannelId, Text, UnixTime,
};
use proptest::prelude::*;

fn issuers(offer: &Offer, arrival: RequestArrival) -> RequestContext<'_> {
    RequestContext { offer, arrival, now: NOW, chains: BITCOIN, rate: None, max_amount: None }
}

fn payers(request: &InvoiceRequest, sent_to: SentTo) -> InvoiceContext<'_> {
    InvoiceContext { request, sent_to, arrival: Arrival::OwnPath, now: NOW, chains: BITCOIN, max_amount: MUCH }
}

/// From an offer as it was published to an invoice that may be paid, over the bytes of each message.
fn exchange(offer: &Raw, signer: &Keypair, sent_to: SentTo) -> Result<Invoice, Error> {
    let arrival = match sent_to {
        SentTo::Path(last) => RequestArrival::OfferPath(last),
        SentTo::IssuerId => RequestArrival::Direct,
    };
    exchange_over(offer, signer, arrival, sent_to)
}

/// The same, where the request may come another way than it was sent.
fn exchange_over(offer: &Raw, signer: &Keypair, arrival: RequestArrival, sent_to: SentTo) -> Result<Invoice, Error> {
    let offer = Offer::try_from(offer.encode())?;
    let usable = offer.usable(NOW, BITCOIN)?;
    let request = InvoiceRequestBuilder::new(usable, payer().public_key(), [1; 16]).amount(Msat(PRICE)).build()?;
    let request = InvoiceRequest::try_from(request.sign(&payer())?.as_bytes())?;
    let accepted = request.accept(&issuers(&offer, arrival))?;
    let invoice = invoice_builder(accepted).build()?.sign(signer)?;
    let invoice = Invoice::try_from(invoice.as_bytes())?;
    let _ = invoice.check(&payers(&request, sent_to))?;
    Ok(invoice)
}

// ---- Bugs ----

// A library kept typed values and wrote them again before hashing, so a message that somebody else had
// written in another form got another merkle root, and its valid signature was refused. (IVR-10, RQR-3)
#[test]
fn a_signature_is_over_the_bytes_and_not_over_what_they_mean() {
    let request = request_for(offer().with(10, "").with(12, [2, 0, 0]).with(33, [1]))
        .with(84, [])
        .with(2_000_000_001, [2])
        .sign_request(&payer());
    assert_eq!(request.read::<InvoiceRequest>().as_bytes(), request.encode());
    let invoice = invoice_for(request, issuer().public_key()).with(174, [0, 2, 0, 0]).sign_invoice(&issuer());
    assert_eq!(invoice.read::<Invoice>().as_bytes(), invoice.encode());
}

// A node authenticated its offers over the fields it knew, and verified over all records: offers with an
// unknown odd field could be requested, but never paid. (RQR-6, IVW-1, IVR-8)
#[test]
fn an_offer_with_an_unknown_odd_field_can_be_paid() {
    for number in [1, 33, 79, 1_000_000_001, 1_999_999_999] {
        let offer = offer().with(number, [9]);
        let invoice = exchange(&offer, &issuer(), SentTo::IssuerId).unwrap();
        assert_eq!(invoice.offer().unknown().next().unwrap().value(), [9]);
    }
}

// Lists that were there but empty were taken for lists with something in them. (OFR-3, OFR-8, IVR-1, IVR-6)
#[test]
fn empty_lists_are_refused() {
    assert_eq!(offer().with(2, []).refusal::<Offer>().kind(), &ErrorKind::NoEntries);
    assert_eq!(hidden_offer().with(16, []).refusal::<Offer>().kind(), &ErrorKind::NoEntries);
    let signed = |raw: Raw| raw.sign_invoice(&issuer());
    assert_eq!(signed(invoice().with(160, [])).refusal::<Invoice>().kind(), &ErrorKind::NoEntries);
    let kind = ErrorKind::PayinfoCount { paths: 1, payinfos: 0 };
    assert_eq!(signed(invoice().with(162, [])).refusal::<Invoice>().kind(), &kind);
}

// A currency without an amount, an amount of zero and a quantity of zero passed the parser and broke
// something later. (OFR-5, OFR-6, RQR-8)
#[test]
fn amounts_and_quantities_of_nothing_are_refused() {
    assert_eq!(offer().with(6, "USD").without(8).refusal::<Offer>().rule(), Rule::Ofr6);
    assert_eq!(offer().with(8, []).refusal::<Offer>().rule(), Rule::Ofr5);
    let none = request_for(offer().with(20, [5])).with(86, []).sign_request(&payer());
    assert_eq!(none.refusal::<InvoiceRequest>().rule(), Rule::Rqr8);
}

// A decoder let through characters that mean nothing, bits left over at the end, and a `+` anywhere.
// (TXT-3, TXT-4, TXT-8)
#[test]
fn text_is_read_strictly() {
    let offer: Offer = offer().read();
    let text = offer.to_string();
    assert_eq!(text.parse::<Offer>().unwrap(), offer);
    let rule = |text: &str| text.parse::<Offer>().unwrap_err().rule();
    for foreign in ['b', 'i', 'o', '1', '-', 'é'] {
        assert_eq!(rule(&format!("{}{foreign}{}", &text[..9], &text[10..])), Rule::Txt8);
    }
    // A whole character more than the bytes need, and bits left over that are not zero.
    let with_len = |rest: usize| {
        let mut offers = (0..5).map(|len| raw::offer().with(10, vec![b'x'; len]).read::<Offer>());
        offers.find(|offer| offer.as_bytes().len() % 5 == rest).unwrap().to_string()
    };
    assert_eq!(rule(&format!("{}q", with_len(0))), Rule::Txt4);
    let alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut padded = with_len(1);
    let last = alphabet.find(padded.pop().unwrap()).unwrap();
    assert_eq!(last % 4, 0);
    for bits in 1..4 {
        assert_eq!(rule(&format!("{padded}{}", &alphabet[last + bits..=last + bits])), Rule::Txt4);
    }
    for odd in [format!("+{text}"), format!("{text}+"), format!("{}++{}", &text[..9], &text[9..])] {
        assert_eq!(rule(&odd), Rule::Txt3);
    }
    assert_eq!(rule(&format!("{} {}", &text[..9], &text[9..])), Rule::Txt3);
}

// An offer that only had paths crashed one wallet, and was refused by another's payer. (OFR-7, IVR-9)
#[test]
fn an_offer_without_an_issuer_id_can_be_paid() {
    let sent_to = SentTo::Path(recipient().public_key().into());
    let invoice = exchange(&hidden_offer(), &recipient(), sent_to).unwrap();
    assert_eq!((invoice.offer().issuer_id(), invoice.node_id()), (None, recipient().public_key()));
}

// A description was asked for although there was no amount to describe. (OFR-4)
#[test]
fn an_offer_needs_neither_description_nor_amount() {
    let bare = offer().without(8).without(10);
    let read: Offer = bare.read();
    assert!(read.description().is_none() && read.amount().is_none());
    assert!(exchange(&bare, &issuer(), SentTo::IssuerId).is_ok());
}

// A path that starts at a channel's end was not understood. (TLV-7)
#[test]
fn a_path_may_start_at_either_end_of_a_channel() {
    for (byte, direction) in [(0, Direction::NodeOne), (1, Direction::NodeTwo)] {
        let from_channel = [&[byte, 0, 0, 1, 0, 0, 2, 0, 3][..], &path()[33..]].concat();
        let offer = hidden_offer().with(16, from_channel);
        let scid = ShortChannelId(1 << 40 | 2 << 16 | 3);
        let read: Offer = offer.read();
        let paths: Vec<BlindedPath<'_>> = read.paths().unwrap().iter().collect();
        assert_eq!(paths[0].introduction_node(), IntroductionNode::Channel { scid, direction });
        assert_eq!(scid.to_string(), "1x2x3");
        assert!(exchange(&offer, &recipient(), SentTo::Path(paths[0].last_blinded_node_id())).is_ok());
    }
}

// A wallet asked for one amount and paid an invoice for more. (IVR-11)
#[test]
fn an_invoice_for_more_than_was_requested_is_refused() {
    let request = request_for(offer()).with_number(82, PRICE).sign_request(&payer());
    let invoice = invoice_for(request, issuer().public_key()).with_number(170, PRICE + 1).sign_invoice(&issuer());
    let error = invoice.refusal::<Invoice>();
    let kind = ErrorKind::AmountMismatch { expected: Msat(PRICE) };
    assert_error(&error, kind, Rule::Ivr11, Field::INVOICE_AMOUNT);
}

// A message that had expired could not even be looked at. (OFR-9, IVR-4)
#[test]
fn what_has_expired_can_still_be_read() {
    assert_eq!(offer().with_number(14, 0).read::<Offer>().absolute_expiry(), Some(UnixTime(0)));
    let request = request_for(offer().with_number(14, 0)).sign_request(&payer());
    let invoice = invoice_for(request.clone(), issuer().public_key()).with_number(164, 0).with_number(166, 0);
    assert_eq!(invoice.sign_invoice(&issuer()).read::<Invoice>().expires_at(), UnixTime(0));
    assert_eq!(refund().with_number(14, 0).read::<Refund>().offer().absolute_expiry(), Some(UnixTime(0)));
}

// The sum of creation and expiry wrapped around. (IVR-4)
#[test]
fn the_end_of_time_does_not_wrap_around() {
    let created = |at, expiry| -> Invoice {
        let raw = invoice_for(request(), issuer().public_key()).with_number(164, at).with_number(166, expiry);
        raw.sign_invoice(&issuer()).read()
    };
    assert_eq!(created(u64::MAX, u32::MAX.into()).expires_at(), UnixTime(u64::MAX));
    assert_eq!(created(u64::MAX - 10, 9).expires_at(), UnixTime(u64::MAX - 1));
}

// A missing time of creation was reported as a missing expiry. (IVR-1)
#[test]
fn a_missing_time_of_creation_is_called_that() {
    let raw = invoice_for(request(), issuer().public_key()).without(164).sign_invoice(&issuer());
    let error = raw.refusal::<Invoice>();
    assert_error(&error, ErrorKind::Missing, Rule::Ivr1, Field::INVOICE_CREATED_AT);
    assert!(error.to_string().contains("time of creation"), "{error}");
}

proptest! {
    // Text was cut in the middle of a character to make it shorter, names were taken for ASCII, and messages
    // longer than a buffer were written into it: each took a process down. (D7, RQR-14, TLV-7)
    #[test]
    fn nothing_that_is_read_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120), text: String) {
        let _ = Offer::try_from(&*bytes).map(|offer| format!("{offer:?}"));
        let _ = Refund::try_from(&*bytes).map(|refund| format!("{refund:?}"));
        let _ = InvoiceRequest::try_from(&*bytes).map(|request| format!("{request:?}"));
        let _ = Invoice::try_from(&*bytes).map(|invoice| format!("{invoice:?}"));
        let _ = InvoiceError::try_from(&*bytes).map(|error| format!("{error:?}"));
        let _ = BlindedPath::from_bytes(&bytes).map(|path| format!("{path:?}"));
        let _ = text.parse::<Bolt12>();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let expected = (1..=255).contains(&text.len()) && text.chars().all(is_name);
        prop_assert_eq!(HumanReadableName::new(&text, "b").is_ok(), expected);
    }

    // The same for values within a message that is otherwise valid. (D7, RQR-14, TLV-7)
    #[test]
    fn no_value_panics(
        number in proptest::sample::select(vec![0u64, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 80, 82, 84, 86, 88, 89, 90, 91]),
        value in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = Refund::try_from(refund().with(number, &*value).encode()).map(|refund| format!("{refund:?}"));
        let raw = request_for(offer()).with(number, value);
        match InvoiceRequest::try_from(raw.clone().sign_request(&payer()).encode()) {
            Ok(request) => {
                let shown = format!("{request:?}");
                prop_assert!(shown.starts_with("InvoiceRequest "));
            }
            // An error can be told to whoever sent the request, and shown.
            Err(error) => prop_assert!(InvoiceError::answering(&error).is_some() && !error.to_string().is_empty()),
        }
    }
}

// The same: oversize messages. (D7)
#[test]
fn a_message_that_is_too_long_is_refused_and_not_cut() {
    let long = offer().with(10, "é".repeat(MAX_LEN));
    assert!(matches!(long.refusal::<Offer>().kind(), ErrorKind::TooLong { .. }));
    let error = InvoiceError::new(&"é".repeat(MAX_LEN / 2)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLong { .. }));
}

// Text from strangers was printed as it came: it could turn the line around, hide letters, or start a
// new line that looked like the program's own. (ERR-1)
#[test]
fn text_of_strangers_cannot_pretend_to_be_something_else() {
    let deceptive = "5 sat\u{202e}tas 5\u{200b}\u{2028}paid\u{7}";
    let escaped = r"5 sat\u{202e}tas 5\u{200b}\u{2028}paid\u{7}";
    let raw = request_for(offer().with(10, deceptive).with(18, deceptive)).with(89, deceptive);
    let request: InvoiceRequest = raw.sign_request(&payer()).read();
    let error: InvoiceError = Raw::empty().with(5, deceptive).read();
    let texts: [Option<Text<'_>>; 4] =
        [request.offer().description(), request.offer().issuer(), request.payer_note(), error.error()];
    for text in texts.map(Option::unwrap) {
        assert_eq!((text.to_string().as_str(), text.as_raw()), (escaped, deceptive));
    }
}

// A byte that is not UTF-8 in a name went into JSON unescaped, and the reader of that died. (RQR-14)
#[test]
fn a_name_with_a_byte_that_is_no_text_is_refused() {
    for value in [b"\x01\xff\x01a", b"\x01a\x01\xff"] {
        let raw = request_for(offer()).with(91, &value[..]).sign_request(&payer());
        let error = raw.refusal::<InvoiceRequest>();
        assert_error(&error, ErrorKind::InvalidName('\u{fffd}'), Rule::Rqr14, Field::INVREQ_BIP_353_NAME);
        let shown = serde_json::to_string(&format!("{error:#}")).unwrap();
        assert!(serde_json::from_str::<String>(&shown).is_ok());
    }
}

// Somebody pasted half of a BOLT 11 invoice and was told that the offer's data was invalid. (TXT-5)
#[test]
fn a_text_that_is_something_else_is_called_that() {
    for text in ["lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3", "LNBC2500U1PVJLUEZSP5", "lnbc1"] {
        let error = text.parse::<Offer>().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotBolt12(LooksLike::Bolt11), "{text}");
        assert!(error.to_string().contains("BOLT 11"), "{error}");
    }
}

// ---- Seen on the wire ----

// A request with empty features, the chain whenever it is not mainnet, and 16 bytes of metadata. (RQR-2, RQR-13)
#[test]
fn a_request_may_have_features_that_are_there_but_empty() {
    let raw = request_for(offer().with(2, testnet())).with(84, []).with(80, testnet()).sign_request(&payer());
    let request: InvoiceRequest = raw.read();
    assert_eq!(request.features().unwrap().iter().count(), 0);
    assert_eq!(request.metadata().unwrap().len(), 16);
}

// A node takes requests for nothing. We read them, but neither make nor accept them. (RQW-3)
#[test]
fn a_request_for_nothing_is_read_only() {
    let raw = offer().without(8);
    let offer: Offer = raw.read();
    let request: InvoiceRequest = request_for(raw).with(82, []).sign_request(&payer()).read();
    assert_eq!(request.amount(), Some(Msat(0)));
    assert_eq!(request.accept(&issuers(&offer, RequestArrival::Direct)).unwrap_err().kind(), &ErrorKind::Zero);
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let builder = InvoiceRequestBuilder::new(usable, payer().public_key(), [1; 16]).amount(Msat(0));
    assert_eq!(builder.build().unwrap_err().kind(), &ErrorKind::Zero);
}

// An error is text alone, and quotes the whole request. (ERR-1)
#[test]
fn an_error_may_be_a_long_text_and_nothing_else() {
    let text = format!("Unknown offer: {}", request().read::<InvoiceRequest>()).repeat(50);
    assert!(text.len() > 10_000);
    let error: InvoiceError = Raw::empty().with(5, &*text).read();
    assert_eq!(error.error().unwrap().as_raw(), text);
    assert_eq!((error.erroneous_field(), error.suggested_value()), (None, None));
}

// An invoice allows several parts, has no fallbacks, and one path of one hop with a maximum beyond 2^53. Its
// expiry is named only if it is not two hours. (IVR-4, IVR-14)
#[test]
fn an_invoice_may_hold_little_and_great_numbers() {
    let one_hop = path_over(&[issuer().public_key()]);
    let raw = invoice_for(request(), issuer().public_key()).with(160, one_hop).with(174, [2, 0, 0]);
    let invoice: Invoice = raw.clone().sign_invoice(&issuer()).read();
    assert_eq!(invoice.multi_part(), MultiPart::Allowed);
    assert!(invoice.fallbacks().is_none());
    assert_eq!(invoice.relative_expiry(), TWO_HOURS);
    let (path, payinfo) = invoice.payment_paths().next().unwrap();
    assert_eq!(path.hops().count(), 1);
    assert_eq!(payinfo.htlc_maximum_msat, 2_100_000_000_000_000_000);
    let short: Invoice = raw.with_number(166, 600).sign_invoice(&issuer()).read();
    assert_eq!(short.relative_expiry().as_secs(), 600);
}

// The issuer id signs even if there are paths; without one, the end of the path that was used. (IVR-9, IVW-3)
#[test]
fn the_issuer_id_signs_before_the_end_of_a_path() {
    let end = SentTo::Path(recipient().public_key().into());
    let both = hidden_offer().with(22, issuer().public_key().serialize());
    assert_eq!(exchange(&both, &issuer(), end).unwrap().node_id(), issuer().public_key());
    let hidden = hidden_offer();
    assert_eq!(exchange(&hidden, &recipient(), end).unwrap().node_id(), recipient().public_key());
    for (offer, stranger) in [(&both, recipient()), (&hidden, issuer())] {
        let error = exchange(offer, &stranger, end).unwrap_err();
        assert_error(&error, ErrorKind::WrongKey, Rule::Ivr10, Field::INVOICE_NODE_ID);
    }
    // RQR-7: whatever path it was, it was not one of the offer's.
    let elsewhere = SentTo::Path(point(9).into());
    assert_error(&exchange(&hidden, &recipient(), elsewhere).unwrap_err(), ErrorKind::WrongArrival, Rule::Rqr7, None);
    let arrival = RequestArrival::OfferPath(recipient().public_key().into());
    let error = exchange_over(&hidden, &recipient(), arrival, elsewhere).unwrap_err();
    assert_error(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID);
}

// A refund may lack a description. (RQR-11)
#[test]
fn a_refund_may_say_nothing() {
    let refund: Refund = refund().without(10).read();
    assert!(refund.accept(NOW, BITCOIN, key(9).public_key()).is_ok());
}

// Odd types of the signature range beside the signature are taken, and are not signed. (SIG-1)
#[test]
fn a_second_odd_signature_is_not_part_of_what_is_signed() {
    let signed = request();
    for number in [241, 999] {
        let more = signed.clone().with(number, [7; 64]);
        assert_eq!(more.get(240), signed.get(240));
        assert!(more.read::<InvoiceRequest>().tlvs().contains(number));
        assert!(invoice().with(number, []).read::<Invoice>().tlvs().contains(number));
    }
    // TLV-4
    assert_eq!(signed.with(242, []).refusal::<InvoiceRequest>().kind(), &ErrorKind::UnknownEvenField);
}

// One implementation names the chain and the amount always, and writes an empty field 161. (TLV-4, RQR-13)
#[test]
fn a_request_may_name_bitcoin_and_an_invoice_hold_an_unknown_field() {
    let raw = request_for(offer()).with(80, mainnet()).with_number(82, PRICE).sign_request(&payer());
    let request: InvoiceRequest = raw.read();
    let offer: Offer = offer().read();
    assert_eq!(request.accept(&issuers(&offer, RequestArrival::Direct)).unwrap().amount(), Msat(PRICE));
    let invoice: Invoice = invoice_for(raw, issuer().public_key()).with(161, []).sign_invoice(&issuer()).read();
    assert!(invoice.check(&payers(&request, SentTo::IssuerId)).is_ok());
}

// A second request with the same payer id is answered with the first invoice. (RQW-4, IVR-8)
#[test]
fn the_invoice_of_another_request_does_not_match() {
    let second = request().with(0, [0x25; 16]).sign_request(&payer());
    let invoice: Invoice = invoice().read();
    let error = invoice.check(&payers(&second.read(), SentTo::IssuerId)).unwrap_err();
    assert_error(&error, ErrorKind::Differs, Rule::Ivr8, Field::INVREQ_METADATA);
}

// Three things are called the id of an offer. Ours is the merkle root over its fields. (SIG-6)
#[test]
fn the_id_of_an_offer_is_its_merkle_root() {
    let raw = offer().with(33, [1]).with(1_000_000_001, [2]);
    let offer: Offer = raw.read();
    assert_eq!(offer.id().to_byte_array(), raw.root());
    assert_ne!(offer.id().to_byte_array(), sha256::Hash::hash(&raw.encode()).to_byte_array());
    let request: InvoiceRequest = request_for(raw).sign_request(&payer()).read();
    assert_eq!(request.offer().id(), Some(offer.id()));
}
