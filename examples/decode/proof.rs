//! What people need to know of a payer proof: what it proves, what it hides, and who sees what.

use bolt12::bitcoin::constants::ChainHash;
use bolt12::{Disclosure, Field, PayerProof};

use super::phrases;

/// The fields whose absence means something: each has a row, whether disclosed or not.
pub(crate) const TELLING: [Field; 13] = [
    Field::OFFER_CURRENCY,
    Field::OFFER_AMOUNT,
    Field::OFFER_DESCRIPTION,
    Field::OFFER_PATHS,
    Field::OFFER_ISSUER,
    Field::OFFER_QUANTITY_MAX,
    Field::OFFER_ISSUER_ID,
    Field::INVREQ_CHAIN,
    Field::INVREQ_QUANTITY,
    Field::INVREQ_PAYER_NOTE,
    Field::INVREQ_BIP_353_NAME,
    Field::INVOICE_CREATED_AT,
    Field::INVOICE_AMOUNT,
];

/// What was verified, and what a proof cannot prove.
pub(crate) fn verified(proof: &PayerProof) -> String {
    let mut text =
        "It is VALID: the payee's key signed an invoice with these fields, the preimage that only a payment\n\
                    reveals is known, and the payer's key signed this proof."
            .to_owned();
    // Not what the proof says of the field: that the payee did not sign.
    match proof.chain() {
        Some(ChainHash::BITCOIN) => {}
        Some(chain) => {
            text.push_str(&format!("\nIt was NOT PAID WITH BITCOIN, but on {}.", phrases::chain(chain)));
        }
        None => {
            text.push_str("\nIt does not show on which chain: these may be coins of a test network.");
        }
    }
    text.push_str(if proof.note().is_some_and(|note| !note.is_empty()) {
        "\nEverybody who has it can show it. If the note holds no challenge that you gave, it does not tell who does."
    } else {
        "\nEverybody who has it can show it. No note holds a challenge that you gave, so it does not tell who does."
    });
    text
}

/// What stands in place of a field that is not disclosed, if that means something.
pub(crate) fn undisclosed(proof: &PayerProof, field: Field) -> Option<&'static str> {
    match proof.disclosure(field) {
        _ if !TELLING.contains(&field) => None,
        Disclosure::Disclosed => None,
        Disclosure::Hidden => Some("(hidden)"),
        Disclosure::Absent => Some("(not in the invoice)"),
        Disclosure::HiddenOrAbsent => Some("(hidden or not in the invoice: that cannot be told)"),
    }
}

/// How many fields are hidden.
pub(crate) fn hidden(proof: &PayerProof) -> String {
    match proof.omitted_tlvs().count() {
        0 => "only the payer's metadata, which no proof shows".to_owned(),
        1 => "1 field, beside the payer's metadata, which no proof shows".to_owned(),
        count => format!("{count} fields, beside the payer's metadata, which no proof shows"),
    }
}

/// Who learns what from a proof.
pub(crate) fn seen(proof: &PayerProof, seen: &mut Vec<String>) {
    seen.push("Compare the payee's key with the one that you expect: nothing else tells who was paid.".into());
    seen.push("The payee knows the preimage too, and could make a proof of a payment that never was.".into());
    seen.push(phrases::payer_key(proof.request(), "payment", "paid"));
    seen.push("Who passed the payment on can recognise it by its payment hash.".into());
    if proof.omitted_tlvs().next().is_some() {
        seen.push(
            "Hidden fields cannot be guessed. How many there are, and between which of the others, everybody sees."
                .into(),
        );
    }
    for (field, paths, whose) in [
        (Field::OFFER_PATHS, proof.offer().paths(), "the issuer"),
        (Field::INVREQ_PATHS, proof.request().paths(), "the payer"),
        (Field::INVOICE_PATHS, proof.paths(), "the payee"),
    ] {
        if let Some(paths) = paths {
            seen.push(format!("Everybody sees where the paths to {whose} start ({field})."));
            phrases::single_hops(paths, whose, seen);
        }
    }
}
