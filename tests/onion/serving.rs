//! What a payee that sleeps and whoever serves its static invoices tell each other (STA-8, STA-9).

use super::onion::{id, node, received};
use bolt12::onion::{
    BlindedPathBuilder, Contents, OfferPaths, OfferPathsRequest, OnionMessageBuilder, Payload, ServeStaticInvoice,
};
use bolt12::{BlindedPath, Error, ErrorKind, Field, Rule, UnixTime};
use proptest::prelude::*;

fn path(number: u8) -> BlindedPath<'static> {
    BlindedPathBuilder::new(id(number)).path_id([number; 32]).build([9; 32]).unwrap()
}

fn of(error: Error) -> (ErrorKind, Rule, Option<Field>) {
    (error.kind().clone(), error.rule(), error.field())
}

// STA-8, STA-9, MSG-1: there and back, and there again, in the numbers that LDK writes.
#[test]
fn a_static_invoice_is_handed_over() {
    let request = OfferPathsRequest { invoice_slot: 0x0102 }.to_bytes();
    assert_eq!(request, [4, 0, 2, 1, 2]);
    let offered = OfferPaths::new([path(2), path(3)], Some(UnixTime(5))).unwrap().to_bytes();
    let serve = ServeStaticInvoice::new(b"invoice", &path(1)).unwrap().to_bytes();
    for (contents, number) in [
        (Contents::OfferPathsRequest(&request), 75_540u64),
        (Contents::OfferPaths(&offered), 75_542),
        (Contents::ServeStaticInvoice(&serve), 75_544),
        (Contents::StaticInvoicePersisted(&[0]), 75_546),
    ] {
        let message = OnionMessageBuilder::to_node(id(2), contents).reply_path(&path(1)).build([4; 32]).unwrap();
        let came = received(&message.message, &node(2));
        assert_eq!(came.contents(), Some(contents));
        // The draft has numbers that are 10000 less.
        for number in [number, number - 10_000] {
            let bytes = contents.as_bytes();
            let [.., a, b, c, d] = number.to_be_bytes();
            let record = [&[0xfe, a, b, c, d, 0xfd, (bytes.len() >> 8) as u8, bytes.len() as u8][..], bytes].concat();
            let record =
                if bytes.len() < 0xfd { [&[0xfe, a, b, c, d, bytes.len() as u8][..], bytes].concat() } else { record };
            assert_eq!(Payload::read(record).unwrap().contents(), Some(contents));
        }
    }
    let offered = OfferPaths::read(&offered).unwrap();
    assert_eq!(offered.paths().iter().collect::<Vec<_>>(), [path(2), path(3)]);
    assert_eq!(offered.paths_absolute_expiry(), Some(UnixTime(5)));
    let serve = ServeStaticInvoice::read(&serve).unwrap();
    assert_eq!((serve.static_invoice(), serve.forward_invoice_request_path()), (&b"invoice"[..], Some(path(1))));
    assert_eq!(OfferPaths::new([path(2)], None).unwrap().paths_absolute_expiry(), None);
}

// STA-8, STA-9: with the length that LDK puts in front, and without.
#[test]
fn what_is_missing_or_malformed_is_refused() {
    let request = |bytes: &[u8]| OfferPathsRequest::read(bytes).map(|request| request.invoice_slot).map_err(of);
    assert_eq!(request(&[4, 0, 2, 1, 2]), Ok(0x0102));
    assert_eq!(request(&[0, 2, 1, 2]), Ok(0x0102));
    assert_eq!(request(&[7, 0, 2, 1, 2, 5, 1, 9]), Ok(0x0102));
    for nothing in [&[][..], &[0, 0]] {
        assert!(request(nothing).is_err(), "{nothing:?}");
    }
    assert_eq!(request(&[]), Err((ErrorKind::Missing, Rule::Sta9, Some(Field::SERVED_SLOT))));
    assert_eq!(request(&[0, 1, 1]), Err((ErrorKind::InvalidLength, Rule::Tlv7, Some(Field::SERVED_SLOT))));
    let unknown = request(&[0, 2, 1, 2, 4, 0]).unwrap_err();
    assert_eq!((unknown.0, unknown.1), (ErrorKind::UnknownEvenField, Rule::Tlv4));

    let none = OfferPaths::new([], None).map(drop).map_err(of);
    assert_eq!(none, Err((ErrorKind::NoEntries, Rule::D8, Some(Field::SERVED_OFFER_PATHS))));
    let missing = OfferPaths::read(&[2, 8, 0, 0, 0, 0, 0, 0, 0, 1]).map(drop).map_err(of);
    assert_eq!(missing, Err((ErrorKind::Missing, Rule::Sta9, Some(Field::SERVED_OFFER_PATHS))));
    let mut off_the_curve = OfferPaths::new([path(2)], None).unwrap().to_bytes();
    let at = off_the_curve.windows(33).position(|key| key == path(2).first_path_key().to_bytes()).unwrap();
    off_the_curve[at + 1..at + 33].fill(0xff);
    let refused = OfferPaths::read(&off_the_curve).map(drop).map_err(of);
    assert_eq!(refused, Err((ErrorKind::InvalidPoint, Rule::Tlv7, Some(Field::SERVED_OFFER_PATHS))));

    let two = [path(1).as_bytes(), path(2).as_bytes()].concat();
    let serve = |fields: &[(u8, &[u8])]| {
        let record = |(number, value): &(u8, &[u8])| {
            [&[*number, 0xfd, (value.len() >> 8) as u8, value.len() as u8][..], value].concat()
        };
        let short = |(number, value): &(u8, &[u8])| [&[*number, value.len() as u8][..], value].concat();
        let bytes: Vec<u8> =
            fields.iter().flat_map(|it| if it.1.len() < 0xfd { short(it) } else { record(it) }).collect();
        ServeStaticInvoice::read(&bytes).map(drop).map_err(of)
    };
    assert_eq!(serve(&[(0, b"invoice"), (2, path(1).as_bytes())]), Ok(()));
    assert_eq!(serve(&[(2, &two)]), Err((ErrorKind::Missing, Rule::Sta8, Some(Field::SERVED_STATIC_INVOICE))));
    assert_eq!(serve(&[(0, b"i")]), Err((ErrorKind::Missing, Rule::Sta8, Some(Field::SERVED_FORWARD_PATH))));
    let several = serve(&[(0, b"i"), (2, &two)]);
    assert_eq!(several, Err((ErrorKind::Unexpected, Rule::Sta8, Some(Field::SERVED_FORWARD_PATH))));
    let mut off_the_curve = path(1).as_bytes().to_vec();
    off_the_curve[1..33].fill(0xff);
    let refused = serve(&[(0, b"i"), (2, &off_the_curve)]);
    assert_eq!(refused, Err((ErrorKind::InvalidPoint, Rule::Tlv7, Some(Field::SERVED_FORWARD_PATH))));
}

proptest! {
    /// Whatever comes, it is read or refused, and what was read reads the same again.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(request) = OfferPathsRequest::read(&bytes) {
            prop_assert_eq!(OfferPathsRequest::read(&request.to_bytes()).unwrap(), request);
        }
        if let Ok(paths) = OfferPaths::read(&bytes) {
            prop_assert_eq!(OfferPaths::read(&paths.to_bytes()).unwrap().to_bytes(), paths.to_bytes());
        }
        if let Ok(serve) = ServeStaticInvoice::read(&bytes) {
            prop_assert_eq!(ServeStaticInvoice::read(&serve.to_bytes()).unwrap().to_bytes(), serve.to_bytes());
        }
    }

    #[test]
    fn every_slot_and_time_is_kept(slot: u16, expiry: u64, invoice in prop::collection::vec(any::<u8>(), 0..400)) {
        let request = OfferPathsRequest { invoice_slot: slot };
        prop_assert_eq!(OfferPathsRequest::read(&request.to_bytes()).unwrap(), request);
        let paths = OfferPaths::new([path(2)], Some(UnixTime(expiry))).unwrap();
        prop_assert_eq!(OfferPaths::read(&paths.to_bytes()).unwrap().paths_absolute_expiry(), Some(UnixTime(expiry)));
        let serve = ServeStaticInvoice::new(&invoice, &path(1)).unwrap();
        let read = ServeStaticInvoice::read(&serve.to_bytes()).unwrap();
        prop_assert_eq!(read.static_invoice(), invoice);
    }
}
