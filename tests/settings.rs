//! Settings have the effect that they are for, and conversions keep what they convert.

use std::collections::HashSet;

use bolt12::secp256k1::PublicKey;
use bolt12::{BitcoinUriBuilder, KnownFeatures, Offer, OfferBuilder, Point};

const KEY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

fn offer(description: &str) -> Offer {
    OfferBuilder::new(KEY.parse().unwrap()).description(description).build().unwrap()
}

#[test]
fn messages_are_members_of_sets() {
    let set: HashSet<Offer> = ["tea", "milk", "tea"].map(offer).into_iter().collect();
    assert_eq!(set.len(), 2);
    assert!(set.contains(&offer("milk")) && !set.contains(&offer("coffee")));
}

#[test]
fn a_point_is_a_key_and_a_key_is_a_point() {
    let point: Point = KEY.parse().unwrap();
    let key = PublicKey::try_from(point).unwrap();
    assert_eq!((key.to_string().as_str(), Point::from(key)), (KEY, point));
}

#[test]
fn defaults_are_what_they_say() {
    assert_eq!(KnownFeatures::default(), KnownFeatures::DEFAULT);
    let built = |builder: BitcoinUriBuilder| builder.offer(offer("tea")).build().unwrap().to_string();
    assert_eq!(built(BitcoinUriBuilder::default()), built(BitcoinUriBuilder::new()));
}

#[cfg(feature = "onion")]
mod lookups {
    use std::time::Duration;

    use bolt12::exchange::{Action, Payer, Retry};
    use bolt12::{HumanReadableName, UnixTime};

    use super::KEY;

    const NOW: UnixTime = UnixTime(1_000);

    // DNS-3: nobody answers; the resolver is asked again when the owner said so.
    #[test]
    fn a_lookup_waits_as_long_as_it_was_told() {
        let name = HumanReadableName::parse("alice@example.com").unwrap();
        let next = |retry: Option<Retry>| {
            let resolvers = [KEY.parse().unwrap()];
            let lookup = Payer::new([5; 32]).look_up(&name, &resolvers, [3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
            let mut lookup = match retry {
                Some(retry) => lookup.retry(retry),
                None => lookup,
            };
            let Action::Send(query) = lookup.poll(NOW) else { panic!() };
            assert_eq!(query.message.tlv_type(), 65536);
            let Action::WaitUntil(at) = lookup.poll(NOW) else { panic!() };
            at.0 - NOW.0
        };
        // Half more or less, so that not everybody comes back at once.
        assert!((2..=8).contains(&next(None)), "{}", next(None));
        let hundred = Duration::from_secs(100);
        let slow = next(Some(Retry { first: hundred, max: hundred }));
        assert!((50..=150).contains(&slow), "{slow}");
    }
}

#[cfg(feature = "contacts")]
#[test]
fn a_contact_is_paid_over_its_new_offer() {
    let mut contact = bolt12::exchange::Contact::new(bolt12::ContactSecret::from_byte_array([7; 32]), offer("old"));
    contact.replace_offer(offer("new"));
    assert_eq!(contact.offer(), &offer("new"));
}
