//! What is shown: phrases for the user, and for a log what helps and is no secret.

use std::collections::{BTreeMap, HashSet};
use std::error::Error as _;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{Activity, ConversationId, EndReason, LoadError, ManagerError, Objection, PaymentId, WaitsFor};
use bolt12::{
    ErrorKind, Field, LooksLike, MessageKind, Msat, Offer, OfferBuilder, PathLimits, Quantity, RequestArrival,
    RequestContext, Revealed, UnixTime,
};

const KEY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

fn ended() -> EndReason {
    EndReason::Deadline
}

/// Each activity: its phrase, and what has to happen next.
#[test]
fn an_activity_is_a_phrase_and_says_who_is_next() {
    let amount = Msat(9_000);
    let objection = Objection::AboveLimit { max: Msat(8_000) };
    let all = [
        (Activity::Saving, "this is being saved", Some(WaitsFor::Store)),
        (Activity::Signing, "an invoice request is to be signed", Some(WaitsFor::Signer)),
        (Activity::Asking { requests: 0 }, "an invoice is about to be requested", Some(WaitsFor::Payee)),
        (Activity::Asking { requests: 1 }, "an invoice request was sent", Some(WaitsFor::Payee)),
        (Activity::Asking { requests: 7 }, "7 invoice requests were sent", Some(WaitsFor::Payee)),
        (Activity::Published, "the refund can be claimed", Some(WaitsFor::Claimant)),
        (Activity::Quoted { amount }, "there is an invoice for 9 sat", Some(WaitsFor::Owner)),
        (
            Activity::NeedsApproval { amount, objection },
            "there is an invoice for 9 sat, which needs your approval: the invoice asks for more than your limit of 8 sat",
            Some(WaitsFor::Owner),
        ),
        (Activity::Paying { amount }, "9 sat is being paid", Some(WaitsFor::Node)),
        (Activity::Paid, "the payment has been made", None),
        (Activity::Ended(ended()), "the deadline passed before an invoice was paid", None),
        (Activity::Claiming, "the invoice for the refund was sent", Some(WaitsFor::Payer)),
        (Activity::NotDue { number: 3 }, "payment 3 is not due yet", Some(WaitsFor::NextPeriod)),
        (
            Activity::Overdue { number: 3 },
            "payment 3 is overdue, like the one before it, and is not made at once",
            Some(WaitsFor::NextPeriod),
        ),
        (Activity::RateNeeded, "a payment is due, but the exchange rate is unknown", Some(WaitsFor::Rate)),
        (
            Activity::Stopped(ended()),
            "this payment was not made: the deadline passed before an invoice was paid",
            Some(WaitsFor::Owner),
        ),
    ];
    for (activity, phrase, waits_for) in all {
        assert_eq!((activity.to_string().as_str(), activity.waits_for()), (phrase, waits_for));
    }
}

#[cfg(feature = "recurrence")]
#[test]
fn a_subscription_that_is_over_waits_for_nobody() {
    let over = Activity::Over(bolt12::exchange::SubscriptionEnd::Completed);
    assert_eq!((over.to_string().as_str(), over.waits_for()), ("all agreed payments were made", None));
}

/// No two sound the same, because that is all that a user sees of them.
#[test]
fn whoever_is_waited_for_has_a_phrase() {
    let all = [
        WaitsFor::Store,
        WaitsFor::Payee,
        WaitsFor::Claimant,
        WaitsFor::Payer,
        WaitsFor::Owner,
        WaitsFor::Node,
        WaitsFor::NextPeriod,
        WaitsFor::Rate,
        WaitsFor::Signer,
    ];
    let phrases: HashSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(phrases.len(), all.len());
    assert!(phrases.contains("somebody to claim it") && phrases.contains("its due date"), "{phrases:?}");
}

#[test]
fn objections_say_what_was_expected() {
    let price = Objection::OffPrice { estimate: Msat(21_000) };
    assert_eq!(price.to_string(), "the invoice is too far from the price, which is 21 sat at the current rate");
    let limits = PathLimits { max_fee: Msat(5_000), max_cltv_expiry_delta: 144 };
    let fees = Objection::FeeAboveLimit { limits };
    assert_eq!(fees.to_string(), "the fees exceed 5 sat, or the delay exceeds 144 blocks");
}

#[test]
fn errors_of_a_manager_say_what_to_do_and_where_they_come_from() {
    let id = ConversationId::Payment(PaymentId([7; 14]));
    let hash = sha256::Hash::hash(b"");
    let refused = "lno1".parse::<Offer>().unwrap_err();
    let all = [
        (ManagerError::Unknown(id), "is unknown: load it"),
        (ManagerError::Exists(id), "already exists"),
        (ManagerError::Unsaved(id), "save and confirm it first"),
        (ManagerError::Open(id), "has not ended"),
        (ManagerError::TooMany { limit: 5 }, "the limit of 5 conversations"),
        (ManagerError::HashInUse { payment_hash: hash, by: id }, "do not pay this one"),
        (ManagerError::UnknownHash(hash), "it may have been made already"),
    ];
    for (error, what) in all {
        let text = error.to_string();
        let names = !matches!(error, ManagerError::TooMany { .. } | ManagerError::UnknownHash(_));
        assert!(text.contains(what) && names == text.contains(&id.to_string()), "{text}");
        assert!(error.source().is_none());
    }
    let error = ManagerError::Refused(refused.clone());
    assert_eq!(error.to_string(), refused.to_string());
    assert_eq!(error.source().map(ToString::to_string), Some(refused.to_string()));
    let all = [
        (LoadError::Invalid(refused.clone()), refused.to_string()),
        (LoadError::Exists(id), format!("{id} is already loaded: find out which of its states is the latest")),
        (LoadError::Removing(id), format!("{id} is being removed: confirm its removal first")),
    ];
    for (error, text) in all {
        assert_eq!(error.to_string(), text);
    }
}

/// In the order of their numbers, and the same number is the same field, whatever it is called.
#[test]
fn fields_are_keys_of_maps() {
    let fields = [Field::OFFER_ISSUER_ID, Field::OFFER_CHAINS, Field::INVREQ_AMOUNT, Field::OFFER_CHAINS];
    let map: BTreeMap<Field, u64> = fields.iter().map(|field| (*field, field.number())).collect();
    assert_eq!(map.into_values().collect::<Vec<_>>(), [2, 22, 82]);
    let set: HashSet<Field> = fields.into_iter().collect();
    assert_eq!(set.len(), 3);
    let numbered = Field::numbered(Field::OFFER_ISSUER_ID.number());
    assert!(set.contains(&numbered) && numbered == Field::OFFER_ISSUER_ID);
    assert_eq!(numbered.cmp(&Field::OFFER_ISSUER_ID), std::cmp::Ordering::Equal);
    assert_eq!(numbered.partial_cmp(&Field::OFFER_CHAINS), Some(std::cmp::Ordering::Greater));
}

#[test]
fn what_an_offer_reveals_is_a_sentence() {
    let five = Quantity::AtMost(5.try_into().unwrap());
    let one = OfferBuilder::new(KEY.parse().unwrap()).description("tea").build().unwrap();
    let sold = |quantity| Revealed::Quantity(quantity).to_string();
    assert_eq!(sold(Quantity::One), "one item can be bought at once");
    assert_eq!(sold(Quantity::Unlimited), "any number of items can be bought at once");
    assert_eq!(sold(five), "up to 5 items can be bought at once");
    assert!(Revealed::NoIssuerKey.to_string().contains("a key of the path signs the invoice"));
    assert_eq!(
        Revealed::Other(Field::numbered(33)).to_string(),
        "the offer has field 33, which is unknown to this software"
    );
    assert_eq!(Revealed::Other(Field::OFFER_FEATURES).to_string(), "the offer states its list of offer features");
    assert!(one.reveals().iter().any(|revealed| revealed.to_string() == "the description is \"tea\""));
}

#[test]
fn a_chain_without_a_name_is_called_unknown() {
    let strange = bolt12::ChainHash::from([7; 32]);
    let offer = OfferBuilder::new(KEY.parse().unwrap()).add_chain(bolt12::ChainHash::BITCOIN).add_chain(strange);
    let offer = offer.build().unwrap();
    let sentences: Vec<String> = offer.reveals().iter().map(|revealed| revealed.to_string()).collect();
    assert!(sentences.contains(&"the offer can be paid on bitcoin or an unknown chain".to_owned()), "{sentences:?}");
}

/// In a sentence, and as the specification has it.
#[test]
fn kinds_of_messages_are_called_by_their_names() {
    let all = [
        MessageKind::Offer,
        MessageKind::InvoiceRequest,
        MessageKind::Invoice,
        MessageKind::PayerProof,
        MessageKind::InvoiceError,
        #[cfg(feature = "async_payments")]
        MessageKind::StaticInvoice,
    ];
    for kind in all {
        let article = if kind.name().starts_with(['o', 'i']) { "an" } else { "a" };
        assert_eq!(kind.to_string(), format!("{article} {}", kind.name().replace('_', " ")));
    }
}

#[test]
fn what_is_no_message_is_called_what_it_is() {
    let all = [
        (LooksLike::Bolt11, "a BOLT 11 invoice"),
        (LooksLike::Bolt11Test, "a BOLT 11 invoice for a test network"),
        (LooksLike::NodeId, "the id of a Lightning node"),
        (LooksLike::NodeAddress, "the address of a Lightning node"),
        (LooksLike::OnchainAddress, "an on-chain bitcoin address"),
        (LooksLike::SilentPayment, "a silent payment address"),
        (LooksLike::Lnurl, "an LNURL"),
        (LooksLike::HumanReadableName, "a name that has to be looked up first"),
        (LooksLike::Uri, "a payment link"),
        (LooksLike::WebAddress, "a web address"),
        (LooksLike::Secret, "a secret key or recovery phrase"),
        (LooksLike::Unknown, "something else"),
    ];
    for (found, name) in all {
        assert_eq!(found.to_string(), name);
    }
}

/// What the invoice will say, and none of the request.
#[test]
fn an_accepted_request_shows_its_answer() {
    let payer = bolt12::secp256k1::Keypair::from_seckey_slice(&Default::default(), &[7; 32]).unwrap();
    let offer = OfferBuilder::new(KEY.parse().unwrap()).description("tea").amount_msat(Msat(9_000)).build().unwrap();
    let chains = &[bolt12::ChainHash::BITCOIN];
    let usable = offer.usable(UnixTime(1), chains).unwrap();
    let request = bolt12::InvoiceRequestBuilder::new(usable, payer.public_key(), [1; 16]).build().unwrap();
    let request = request.sign(&payer).unwrap();
    let (arrival, now) = (RequestArrival::Direct, UnixTime(1));
    let context = RequestContext { offer: &offer, arrival, now, chains, rate: None, max_amount: None };
    let accepted = request.accept(&context).unwrap();
    assert_eq!(format!("{accepted:?}"), format!("AcceptedRequest {{ amount: Msat(9000), node_id: {KEY}, .. }}"));
}

#[test]
fn what_is_not_signed_yet_shows_its_fields() {
    let payer: bolt12::secp256k1::PublicKey = KEY.parse().unwrap();
    let offer = OfferBuilder::new(payer).description("tea").amount_msat(Msat(1)).build().unwrap();
    let usable = offer.usable(UnixTime(1), &[bolt12::ChainHash::BITCOIN]).unwrap();
    let unsigned = bolt12::InvoiceRequestBuilder::new(usable, payer, [1; 16]).build().unwrap();
    let shown = format!("{unsigned:?}");
    assert!(shown.starts_with("Unsigned") && shown.contains("tea") && shown.contains(KEY), "{shown}");
}

#[test]
fn a_path_id_of_an_invoice_is_not_shown() {
    assert_eq!(format!("{:?}", bolt12::exchange::PaymentPathId(vec![7; 40])), "PaymentPathId(..)");
}

/// An offer's text is as long as the builder says before it is built, and what it cannot build has no length.
#[test]
fn the_length_of_an_offer_is_known_before() {
    let builder = OfferBuilder::new(KEY.parse().unwrap()).description("tea");
    assert_eq!(builder.text_len().unwrap(), builder.clone().build().unwrap().to_string().len());
    let error = builder.amount_msat(Msat(0)).text_len().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Zero);
}

/// The beginning of a text ends before a character and never in one.
#[test]
fn a_text_is_cut_between_characters() {
    let text = bolt12::Text::new("für zwei");
    let starts: Vec<&str> = (0..=4).map(|max| text.start(max).as_raw()).collect();
    assert_eq!(starts, ["", "f", "f", "fü", "für"]);
    assert_eq!((text.start(9), text.start(usize::MAX)), (text, text));
}

#[cfg(feature = "onion")]
mod onions {
    use super::*;
    use bolt12::onion::NextHop;
    use bolt12::{Direction, ShortChannelId};

    #[test]
    fn the_next_hop_is_a_node_or_a_channel() {
        let scid: ShortChannelId = "539268x845x1".parse().unwrap();
        assert_eq!(NextHop::NodeId(KEY.parse().unwrap()).to_string(), KEY);
        assert_eq!(NextHop::Channel(scid).to_string(), "539268x845x1");
        assert_eq!(NextHop::ChannelEnd(scid, Direction::NodeOne).to_string(), "539268x845x1/0");
        assert_eq!(NextHop::ChannelEnd(scid, Direction::NodeTwo).to_string(), "539268x845x1/1");
    }
}
