//! Reads every field of a message through every accessor, and compares them with each other.

use std::hint::black_box;

use bolt12::{
    BlindedPath, BlindedPaths, ChainHash, Feature, Features, IntroductionNode, InvoiceFields, OfferAmount, OfferFields,
    PayInfo, Point, RequestFields, Text,
};

use super::{merkle, periods};

/// Calls `Debug` and `Display`, for their panics.
macro_rules! show {
    ($($value:expr),*) => {$(
        black_box(format!("{:?}", $value));
    )*};
}

/// The fields of an offer, wherever they stand.
pub fn offer(fields: &OfferFields) {
    show!(fields.metadata(), fields.currency(), fields.quantity_max(), fields.absolute_expiry(), fields.id());
    if let Some(chains) = fields.chains() {
        show!(chains);
        assert!(chains.iter().count() > 0);
        assert!(chains.iter().all(|chain| chains.contains(&chain) && fields.supports_chain(chain)));
    } else {
        assert!(fields.supports_chain(ChainHash::BITCOIN) && !fields.supports_chain(ChainHash::SIGNET));
    }
    match fields.amount() {
        Some(OfferAmount::Bitcoin(_)) => assert_eq!(fields.currency(), None),
        Some(OfferAmount::Currency { currency, .. }) => {
            assert_eq!(fields.currency(), Some(currency));
            assert_eq!(currency.as_str().parse(), Ok(currency));
        }
        None => {}
    }
    if let Some(amount) = fields.amount() {
        for digits in [0, 1, 2, 3, 18, 19, 20, 255] {
            assert!(!amount.with_minor_unit(digits).to_string().is_empty());
        }
        show!(amount, amount.to_string());
    }
    fields.description().iter().chain(&fields.issuer()).for_each(text);
    fields.features().iter().for_each(features);
    fields.paths().iter().for_each(paths);
    show!(fields.issuer_id());

    // SIG-6
    let id = merkle::root_of(fields.records());
    assert_eq!(fields.id().map(|id| id.to_byte_array()), id);
    assert!(fields.same_offer(fields));
    let known = fields.records().filter(|record| !fields.unknown().any(|unknown| unknown == *record));
    let is_known = |number: u64| number % 2 == 0 && (2..=22).contains(&number);
    assert!(
        known
            .map(|record| record.number())
            .all(|number| is_known(number) || cfg!(feature = "recurrence") && periods::TYPES.contains(&number))
    );
    #[cfg(feature = "recurrence")]
    periods::offer(fields);
}

/// The fields of a request or a refund, wherever they stand.
pub fn request(fields: &RequestFields) {
    offer(fields.offer());
    show!(fields.metadata(), fields.chain(), fields.amount(), fields.quantity(), fields.payer_id());
    show!(fields.price(), fields.amount().map(|amount| amount.to_string()));
    fields.features().iter().for_each(features);
    fields.payer_note().iter().for_each(text);
    fields.paths().iter().for_each(paths);
    if let Some(name) = fields.bip_353_name() {
        show!(name, name.to_string());
        // An empty part is read, and not written (RQW-8).
        let is_empty = name.user().is_empty() || name.domain().is_empty();
        assert_eq!(bolt12::HumanReadableName::new(name.user(), name.domain()).ok(), (!is_empty).then(|| name.clone()));
    }
    #[cfg(feature = "contacts")]
    {
        super::contacts::disclosed(fields);
        fields.payer_offer().iter().flatten().for_each(|told| offer(told));
    }
    #[cfg(feature = "recurrence")]
    show!(fields.recurrence(), fields.recurrence_start(), fields.recurrence().map(|payment| payment.period_index()));
    assert!(fields.unknown().all(|record| record.number() % 2 == 1));
}

/// The fields of an invoice.
pub fn invoice(fields: &InvoiceFields) {
    disclosed(fields);
    let (paths, payinfos) = (fields.paths(), fields.blindedpay());
    let count = paths.map_or(0, |paths| paths.count());
    assert_eq!(payinfos.map_or(0, |payinfos| payinfos.count()), count, "IVR-6");
    assert_eq!(fields.payment_paths().count(), count);
    let usable = fields.usable_paths(&[]).count();
    assert!((1..=count).contains(&usable), "IVR-7");
}

/// The same where any field may be missing: in a payer proof.
pub fn disclosed(fields: &InvoiceFields) {
    request(fields.request());
    show!(fields.created_at(), fields.relative_expiry(), fields.expires_at(), fields.payment_hash(), fields.amount());
    show!(fields.node_id(), fields.multi_part());
    #[cfg(feature = "recurrence")]
    show!(fields.recurrence_basetime());
    fields.paths().iter().for_each(paths);
    fields.features().iter().for_each(features);
    for payinfo in fields.blindedpay().iter().flat_map(|payinfos| payinfos.iter()) {
        self::payinfo(&payinfo);
    }
    if let Some(fallbacks) = fields.fallbacks() {
        show!(fallbacks);
        for fallback in fallbacks.iter() {
            show!(fallback);
            for chain in [ChainHash::BITCOIN, ChainHash::TESTNET3, ChainHash::REGTEST, fields.request().chain()] {
                let Some(address) = fallback.address(chain) else { continue };
                // IVR-12: an address stands for just this program.
                let script = address.script_pubkey();
                assert_eq!(bolt12::Fallback::from_script(&script), Ok(fallback.clone()));
                assert!(fallback.version <= 16 && (2..=40).contains(&fallback.program.len()));
            }
        }
    }
    assert!(fields.unknown().all(|record| record.number() % 2 == 1));
}

/// Untrusted text: what is shown of it needs no escape any more.
pub fn text(text: &Text<'_>) {
    let shown = text.to_string();
    assert_eq!(Text::new(&shown).to_string(), shown);
    assert!(shown.len() >= text.as_raw().len());
    assert_eq!(text.is_empty(), text.as_raw().is_empty());
    show!(text);
}

fn payinfo(payinfo: &PayInfo<'_>) {
    show!(payinfo);
    features(&payinfo.features);
}

fn features(features: &Features<'_>) {
    show!(features);
    let set: Vec<Feature> = features.iter().collect();
    assert!(set.is_sorted());
    assert_eq!(set.len() as u32, features.as_bytes().iter().map(|byte| byte.count_ones()).sum());
    let few = || set.iter().take(64);
    assert!(few().all(|feature| features.contains(*feature)));
    assert_eq!(features.first_unknown(&[]), set.iter().copied().find(|feature| feature.is_compulsory()));
    show!(few().map(|feature| (feature.bit(), feature.name())).collect::<Vec<_>>());
    // D9: written in the shortest form.
    if set.iter().all(|feature| feature.bit() <= 0xffff) {
        let written = Features::new(set).expect("not too large");
        let shortest = features.as_bytes().iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<_>>();
        assert_eq!(written.as_bytes(), shortest);
    }
}

/// The paths of one field.
pub fn paths(paths: &BlindedPaths<'_>) {
    show!(paths);
    assert!(paths.count() > 0, "D8");
    for path in paths.iter() {
        let alone = BlindedPath::from_bytes(path.as_bytes()).expect("a path of a message reads alone");
        assert_eq!(alone, path);
        assert_eq!(path.hops().last().map(|hop| hop.blinded_node_id), Some(path.last_blinded_node_id()));
        // Taken apart and put together again.
        let key = |point: Point| point.public_key().expect("on the curve");
        let hops = path.hops().map(|hop| (key(hop.blinded_node_id), hop.encrypted_recipient_data)).collect::<Vec<_>>();
        let first = key(path.first_path_key());
        let rebuilt = BlindedPath::new(path.introduction_node(), first, hops).expect("it was a path");
        assert_eq!(rebuilt, path);
        if let IntroductionNode::Channel { scid, direction } = path.introduction_node() {
            show!(scid, scid.to_string(), direction);
        }
        assert_eq!(path.clone().into_owned(), path);
    }
}
