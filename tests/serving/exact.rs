//! An async recipient to the byte and to the second.

use super::messages::NOW;
use super::recipient::*;
use super::serving::*;
use super::sides::{each_byte_resealed, point};
use bolt12::exchange::{Action, IncomingMessage, OffersMessageKind, RecipientProgress, ServingKind};
use bolt12::onion::OfferPaths;
use bolt12::{BlindedPath, ErrorKind, Rule, UnixTime};

/// A path of so many bytes.
fn path_of(len: usize) -> BlindedPath<'static> {
    let with = |data: &[u8]| BlindedPath::new(point(3).into(), point(4), [(point(5), data)]).unwrap();
    let path = with(&vec![0; len - with(&[]).as_bytes().len()]);
    assert_eq!(path.as_bytes().len(), len);
    path
}

/// STA-9, EXC-1
#[test]
fn paths_may_be_as_long_as_there_is_room() {
    let paths = |len| OfferPaths::new([path_of(len)], Some(after(100 * DAY))).unwrap().to_bytes();
    let more = paths(1_000).len() - 1_000;
    for (len, serve_len, max) in [(3_073, 4_096, 3_072), (3_072, 4_097, 4_096)] {
        let (mut recipient, asked) = asking();
        let given = |len: usize, serve_len| IncomingMessage {
            bytes: paths(len - more),
            reply_path: Some(path_of(serve_len)),
            ..paths_until(&asked, None)
        };
        let error = refused(&mut recipient, given(len, serve_len), NOW);
        assert_eq!(kind(error.error()), (ErrorKind::TooLong { len: max + 1, max }, Rule::Sta9));
        assert_eq!(recipient.receive(given(3_072, 4_096), NOW).unwrap(), RecipientProgress::Paths(0));
    }
}

/// EXC-5: a phone is not woken for nothing, until other paths are asked for.
#[test]
fn whoever_comes_back_in_time_has_something_to_send() {
    let mut recipient = offered();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let (mut now, mut is_woken) = (NOW, false);
    loop {
        match recipient.poll(now) {
            Action::Send(message) => {
                is_woken = false;
                if message.message.kind() == OffersMessageKind::Serving(ServingKind::OfferPathsRequest) {
                    break;
                }
            }
            Action::WaitUntil(at) => {
                assert!(!is_woken, "{now}");
                (now, is_woken) = (at, true);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// STA-9: what was never served is not handed in after its offer has expired, and wakes nobody.
#[test]
fn an_offer_that_has_expired_unserved_wakes_nobody() {
    let mut recipient = offered();
    let fills = |offer: bolt12::OfferBuilder| offer.description("tips").amount_msat(PRICE).absolute_expiry(after(DAY));
    recipient.make_offer(0, NOW, fills).unwrap();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let _ = sent(&mut recipient, NOW);
    let _ = sent(&mut recipient, after(DAY));
    for now in [after(DAY + 1), UnixTime(NOW.0 + 400 * DAY)] {
        assert_eq!(recipient.poll(now), Action::Nothing);
    }
}

/// EXC-4: whatever byte of a state is another, it is refused, or is what it says.
#[test]
fn a_recipient_is_what_its_state_says() {
    for recipient in [asking().0, offered(), served(NOW).0] {
        for (at, changed) in each_byte_resealed([0x72; 32], "issuer state", &recipient.to_bytes(), &[0xff]) {
            match payee().load_async_recipient(&changed) {
                Ok(loaded) => assert_eq!(loaded.to_bytes(), changed, "byte {at}"),
                Err(error) => {
                    let kind = if at == 0 { ErrorKind::UnknownVersion } else { ErrorKind::InvalidState };
                    assert_eq!((error.kind(), error.rule()), (&kind, Rule::Exc4), "byte {at}");
                }
            }
        }
    }
}
