//! How often reading allocates: never more than a few times, whatever is read.

use super::counting::counted;
use super::messages::{self, issuer, path, payer, request_for, text_of, unsigned_invoice};
use super::naive::{self, record};
use bolt12::{
    Bolt12, Error, ErrorKind, Invoice, InvoiceRequest, KnownFeatures, MAX_LEN, MessageKind, Offer, OfferBuilder, Rule,
    TlvStream,
};

/// Offers of several sizes: minimal, typical, with many paths, and with many unknown records.
fn offers() -> Vec<Offer> {
    let minimal = || OfferBuilder::new(issuer().public_key());
    let many_paths = (0..32).fold(minimal().description("paths"), |offer, _| offer.add_path(path(3)));
    let many_records = (0..1000).fold(minimal().description("records"), |offer, number| {
        offer.custom_field(1_500_000_001 + 2 * number, vec![7; number as usize % 20])
    });
    // Without a price, the request names the amount.
    vec![
        minimal().description("").build().unwrap(),
        messages::offer(),
        many_paths.build().unwrap(),
        many_records.build().unwrap(),
    ]
}

fn requests() -> Vec<(Offer, InvoiceRequest)> {
    let request = |offer: Offer| {
        let request = request_for(&offer).amount(bolt12::Msat(200_000)).payer_note("thanks");
        let request = request.build().unwrap().sign(&payer()).unwrap();
        (offer, request)
    };
    offers().into_iter().map(request).collect()
}

fn invoices() -> Vec<Invoice> {
    requests().iter().map(|(offer, request)| unsigned_invoice(offer, request).sign(&issuer()).unwrap()).collect()
}

/// Ways to write a text.
fn writings(text: &str) -> Vec<String> {
    let wrapped = |text: &str, width: usize| {
        let lines: Vec<&str> = (0..text.len()).step_by(width).map(|at| &text[at..text.len().min(at + width)]).collect();
        lines.join("+\r\n   ")
    };
    vec![
        text.to_owned(),
        text.to_uppercase(),
        wrapped(text, 1),
        wrapped(text, 2),
        wrapped(&text.to_uppercase(), 40),
        wrapped(text, 1000),
    ]
}

fn check<T: std::str::FromStr<Err = Error> + std::fmt::Display>(messages: &[T], most: usize) {
    // What is made once for all messages is made by the first.
    let _: T = messages[0].to_string().parse().unwrap_or_else(|error| panic!("{error}"));
    for message in messages {
        for text in writings(&message.to_string()) {
            let (read, times, _) = counted(|| text.parse::<T>());
            assert!(read.is_ok());
            assert!(times <= most, "{times} allocations for {} characters", text.len());
        }
    }
}

#[test]
fn reading_an_offer_allocates_twice() {
    check(&offers(), 2);
}

#[test]
fn reading_a_request_allocates_at_most_three_times() {
    check(&requests().into_iter().map(|(_, request)| request).collect::<Vec<_>>(), 3);
}

#[test]
fn reading_an_invoice_allocates_at_most_four_times() {
    check(&invoices(), 4);
}

// TLV-6
#[test]
fn reading_a_stream_allocates_its_index_alone() {
    let streams = offers().into_iter().map(Offer::into_bytes).chain([vec![]]);
    for bytes in streams {
        let is_empty = bytes.is_empty();
        let (read, times, _) = counted(|| TlvStream::read(bytes));
        assert_eq!(times, usize::from(!is_empty), "{} records", read.unwrap().len());
    }
}

// TLV-6
#[test]
fn a_length_beyond_the_end_allocates_nothing() {
    for len in [1, 0xfc, 0xfd, 0xffff, 0x1_0000, u64::from(u32::MAX), 1 << 60, u64::MAX] {
        let bytes = [naive::bigsize(1), naive::bigsize(len)].concat();
        let at = bytes.len();
        let (read, times, _) = counted(|| TlvStream::read(bytes));
        let error = read.unwrap_err();
        assert_eq!((error.kind(), error.rule(), error.offset()), (&ErrorKind::Truncated, Rule::Tlv3, Some(at)));
        assert_eq!(times, 0, "a length of {len}");
    }
    // Nor do the lengths and counts inside a value: only the index is made, and the text decoded.
    let id = issuer().public_key().serialize();
    let path = [&id[..], &id, &[255], &id, &[0xff, 0xff]].concat();
    let text = text_of("lno", &naive::concat(&[record(16, &path), record(22, &id)]));
    let (read, times, bytes) = counted(|| text.parse::<Offer>());
    assert_eq!(read.unwrap_err().rule(), Rule::Tlv3);
    assert!(times <= 2 && bytes <= text.len() + 100, "{bytes} bytes in {times} allocations");
}

// D7
#[test]
fn a_text_of_any_length_allocates_no_more_than_the_longest_message() {
    for text in [format!("lno1{}", "q".repeat(3_000_000)), format!("lno1{}", "qqqqqqqq+ ".repeat(300_000))] {
        let (read, times, bytes) = counted(|| text.parse::<Offer>());
        assert_eq!(read.unwrap_err().rule(), Rule::D7);
        assert!(times <= 1 && bytes <= MAX_LEN, "{bytes} bytes in {times} allocations");
    }
}

// D7: a length is looked at before anything is copied.
#[test]
fn bytes_of_any_length_are_not_copied_to_be_refused() {
    let many = vec![0; 1 << 20];
    fn nothing<T>(read: impl FnOnce() -> Result<T, Error>) {
        let (read, times, bytes) = counted(read);
        let error = read.map(drop).unwrap_err();
        assert_eq!((error.rule(), times), (Rule::D7, 0), "{bytes} bytes");
    }
    nothing(|| Offer::try_from(&*many));
    nothing(|| InvoiceRequest::try_from(&*many));
    nothing(|| Invoice::try_from(&*many));
    nothing(|| bolt12::InvoiceError::try_from(&*many));
    nothing(|| bolt12::OfferId::in_message(&many));
    let refund = many.clone();
    nothing(|| Bolt12::read(MessageKind::InvoiceRequest, refund, const { &KnownFeatures::DEFAULT }));
}

#[cfg(feature = "serde")]
#[test]
fn a_format_that_holds_too_much_is_refused_before_it_is_copied() {
    fn little<'a, T: serde::Deserialize<'a>>(json: &'a str, postcard: &'a [u8]) {
        let (read, _, bytes) = counted(|| serde_json::from_str::<T>(json).is_err());
        assert!(read && bytes < 1_000, "{bytes} bytes");
        let (read, _, bytes) = counted(|| postcard::from_bytes::<T>(postcard).is_err());
        assert!(read && bytes < 1_000, "{bytes} bytes");
    }
    let json = format!("\"{}\"", "00".repeat(1 << 20));
    let postcard = postcard::to_allocvec(&vec![0u8; 1 << 20]).unwrap();
    little::<Offer>(&json, &postcard);
    little::<bolt12::BlindedPath<'static>>(&json, &postcard);
    little::<bolt12::exchange::OutgoingMessage>(&json, &postcard);
    little::<bolt12::OfferId>(&json, &postcard);
}
