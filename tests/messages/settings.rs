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

#[cfg(feature = "recurrence")]
mod subscriptions {
    use bolt12::exchange::{Action, FeeLimit, Limit, OffersMessage, Payer};
    use bolt12::{ChainHash, HumanReadableName, Msat, OfferBuilder, Recurrence, TimeUnit, UnixTime};

    use super::KEY;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    // RQW-8, REC-12: what the draft was told is in the request, or saved with the subscription.
    #[test]
    fn a_subscription_is_asked_for_as_it_was_drafted() {
        let recurrence = Recurrence::every(1, TimeUnit::Days).unwrap();
        let offer = OfferBuilder::new(KEY.parse().unwrap()).description("a podcast").amount_msat(Msat(9_000));
        let offer = offer.recurrence(recurrence).build().unwrap();
        let draft = || Payer::new([5; 32]).subscribe(&offer, NOW, &[ChainHash::BITCOIN]).unwrap().payments(3);
        let name = HumanReadableName::parse("alice@example.com").unwrap();
        let until = UnixTime(NOW.0 + 600);
        let limit = FeeLimit { base: Msat(7), basis_points: 3, max_cltv_expiry_delta: 99 };
        let plain = draft().limit(Limit::AtMost(Msat(9_000))).start([1; 32], NOW, until).unwrap();
        let fees = draft().limit(Limit::AtMost(Msat(9_000))).fee_limit(limit).start([1; 32], NOW, until).unwrap();
        assert_ne!(plain.to_bytes(), fees.to_bytes());
        let mut named = draft().bip_353_name(name.clone()).start([1; 32], NOW, until).unwrap();
        let Action::Send(message) = named.poll(NOW, None).unwrap() else { panic!() };
        let OffersMessage::InvoiceRequest(request) = message.message else { panic!() };
        assert_eq!(request.bip_353_name(), Some(name));
    }
}
