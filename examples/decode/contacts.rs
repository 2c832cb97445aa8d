//! Who pays, for people and as JSON: what a request tells a contact.

use bolt12::{Field, RequestFields};
use serde_json::{Value, json};

use super::input::Views;

/// A field, and what is to be said of it if it is there.
pub(crate) type Row = (Field, Option<String>);

/// The rows of a request. The secret itself is nothing to show around.
pub(crate) fn request_rows(request: &RequestFields, views: &Views<'_>) -> [Row; 4] {
    let secret = request.contact_secret().map(|_| "(not shown: by it a contact recognises the payer)".to_owned());
    let offer = request.payer_offer().map(|offer| match offer {
        Ok(offer) => offer.to_string(),
        Err(error) => format!("(no offer: {error})"),
    });
    let name = request.payer_bip_353_name().map(|name| format!("{name}, if the DNS says so"));
    let signed = request.payer_bip_353_signature().map(|by| match (views.proof, request.payer_bip_353_name()) {
        (None, Some(_)) => format!("valid, by {}", by.key),
        // What it is over is hidden, or there is no name that it could be for.
        _ => format!("by {}, not verified", by.key),
    });
    [
        (Field::INVREQ_CONTACT_SECRET, secret),
        (Field::INVREQ_PAYER_OFFER, offer),
        (Field::INVREQ_PAYER_BIP_353_NAME, name),
        (Field::INVREQ_PAYER_BIP_353_SIGNATURE, signed),
    ]
}

/// The fields of a request.
pub(crate) fn request_json(request: &RequestFields) -> [(Field, Option<Value>); 4] {
    let secret = request.contact_secret().map(|secret| hex::encode(secret.to_byte_array()).into());
    let offer = request.payer_offer().map(|offer| match offer {
        Ok(offer) => offer.to_string().into(),
        Err(_) => Value::Null,
    });
    let name = request.payer_bip_353_name().map(|name| json!({ "name": name.user(), "domain": name.domain() }));
    let signed = request
        .payer_bip_353_signature()
        .map(|by| json!({ "offer_signing_key": by.key.to_string(), "signature": hex::encode(by.signature.as_ref()) }));
    [
        (Field::INVREQ_CONTACT_SECRET, secret),
        (Field::INVREQ_PAYER_OFFER, offer),
        (Field::INVREQ_PAYER_BIP_353_NAME, name),
        (Field::INVREQ_PAYER_BIP_353_SIGNATURE, signed),
    ]
}

/// What the issuer learns of who pays.
pub(crate) fn seen(request: &RequestFields) -> Option<&'static str> {
    request.contact_secret().map(|_| {
        "The issuer learns who pays, if it knows the payer: whoever has the secret can make it look so, and nothing else."
    })
}
