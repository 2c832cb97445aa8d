//! What `Display` prints, `FromStr` reads back as the same value; anything else is refused with an error that says how
//! it is written.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use bolt12::exchange::{ClaimId, ConversationId, PaymentId};
use bolt12::{CurrencyCode, Error, ErrorKind, HumanReadableName, LinkFault, OfferId, Point, Preimage, ShortChannelId};
use proptest::prelude::*;

/// The same value, from its text; and never from a text with something before or behind it.
fn reads_back<T: Display + FromStr<Err = Error> + PartialEq + Debug>(value: &T) {
    let text = value.to_string();
    assert_eq!(text.parse::<T>().as_ref(), Ok(value), "{text}");
    for other in ["".to_owned(), format!("x{text}"), format!("{text}x"), format!("{text} {text}")] {
        assert_ne!(other.parse::<T>().as_ref(), Ok(value), "{other:?}");
    }
}

proptest! {
    #[test]
    fn bytes_are_hexadecimal(short in any::<[u8; 14]>(), long in any::<[u8; 32]>()) {
        reads_back(&PaymentId(short));
        reads_back(&ClaimId(short));
        reads_back(&OfferId::from_byte_array(long));
        reads_back(&Preimage(long));
        prop_assert_eq!(Preimage(long).to_string(), OfferId::from_byte_array(long).to_string());
        // In either case of letters.
        prop_assert_eq!(Preimage(long).to_string().to_uppercase().parse(), Ok(Preimage(long)));
    }

    #[test]
    fn a_conversation_is_called_by_its_kind(short in any::<[u8; 14]>()) {
        let hex = hex::encode(short);
        prop_assert_eq!(ConversationId::from(PaymentId(short)).to_string(), format!("payment {hex}"));
        let claim = ConversationId::from(ClaimId(short));
        prop_assert_eq!((claim.to_string(), claim.as_bytes()), (format!("claim {hex}"), &short[..]));
        #[cfg(feature = "recurrence")]
        {
            let bytes = [&short[..], &short[..2]].concat().try_into().unwrap();
            let subscription = ConversationId::from(bolt12::exchange::SubscriptionId(bytes));
            prop_assert_eq!(subscription.to_string(), format!("subscription {}", hex::encode(bytes)));
        }
    }

    #[cfg(feature = "onion")]
    #[test]
    fn ids_of_lookups_are_hexadecimal(bytes in any::<[u8; 14]>()) {
        reads_back(&bolt12::exchange::LookupId(bytes));
    }

    #[cfg(feature = "recurrence")]
    #[test]
    fn ids_of_subscriptions_are_hexadecimal(bytes in any::<[u8; 16]>()) {
        reads_back(&bolt12::exchange::SubscriptionId(bytes));
    }

    #[test]
    fn points_are_hexadecimal(secret in 1..=u64::MAX) {
        let secp = bolt12::secp256k1::Secp256k1::new();
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&secret.to_be_bytes());
        let key = bolt12::secp256k1::SecretKey::from_slice(&bytes).unwrap().public_key(&secp);
        reads_back(&Point::from(key));
        prop_assert_eq!(Point::from(key).to_string(), key.to_string());
    }

    #[test]
    fn channels_are_three_numbers(scid in any::<u64>()) {
        reads_back(&ShortChannelId(scid));
    }

    #[test]
    fn currencies_are_three_letters(code in "[A-Z]{3}") {
        reads_back(&code.parse::<CurrencyCode>().unwrap());
    }

    #[test]
    fn names_are_addresses(user in "[a-z0-9_-]{1,20}(\\.[a-z0-9_-]{1,20}){0,2}", domain in "[a-z0-9]{1,20}\\.[a-z]{2,9}") {
        reads_back(&HumanReadableName::new(&user, &domain).unwrap().into_owned());
        // NAM-3: in a request there may be a name that nobody can look up; it is printed, and not read as a name.
        let dots = format!("{user}..");
        let name = HumanReadableName::new(&dots, &domain).unwrap();
        let error = name.to_string().parse::<HumanReadableName<'_>>().unwrap_err();
        prop_assert_eq!(error.kind(), &ErrorKind::Link(LinkFault::InvalidLabel { len: 0 }));
    }
}

#[test]
fn what_is_no_such_text_is_refused_for_its_form() {
    let digits = |error: Error| match error.kind() {
        ErrorKind::InvalidId { digits } => *digits,
        kind => panic!("{kind:?}"),
    };
    assert_eq!(digits("0".repeat(63).parse::<Preimage>().unwrap_err()), 64);
    assert_eq!(digits("g".repeat(64).parse::<Preimage>().unwrap_err()), 64);
    assert_eq!(digits("00".parse::<OfferId>().unwrap_err()), 64);
    assert_eq!(digits("00".parse::<PaymentId>().unwrap_err()), 28);
    assert_eq!(digits("é".repeat(14).parse::<ClaimId>().unwrap_err()), 28);
    // Of no point that x is.
    let kind = |text: &str| text.parse::<Point>().unwrap_err().kind().clone();
    assert_eq!(kind(&format!("02{}05", "00".repeat(31))), ErrorKind::InvalidPoint);
    assert_eq!(kind("02"), ErrorKind::InvalidPoint);
    for text in ["", "1x2", "1x2x3x4", "16777216x0x0", "0x0x65536", "+1x2x3", "1x 2x3", "xx"] {
        assert_eq!(text.parse::<ShortChannelId>().unwrap_err().kind(), &ErrorKind::InvalidShortChannelId, "{text:?}");
    }
}
