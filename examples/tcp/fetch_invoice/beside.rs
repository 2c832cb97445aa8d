//! What a `bitcoin:` link has beside its offer.

use bolt12::{BitcoinUri, Instruction, Msat, Offer, OfferAmount};

const ON_CHAIN: &str = "an on-chain address";

/// What else is in the link that somebody who pays should know, without a word of the link's author. `asked` is the
/// amount that is asked for, if it is not the offer's price.
pub(crate) fn beside(link: &BitcoinUri, offer: &Offer, asked: Option<Msat>) -> Option<String> {
    let mut has = Vec::new();
    let price = offer.amount();
    let is_meant =
        |amount: Msat| asked == Some(amount) || asked.is_none() && price == Some(OfferAmount::Bitcoin(amount));
    if let Some(amount) = link.amount().filter(|amount| !is_meant(*amount)) {
        let meant = if asked.is_some() { "--amount" } else { "the offer's price" };
        has.push(format!("an amount of {amount}, in place of which {meant} counts"));
    }
    let others = link.instructions().iter().filter_map(|instruction| match instruction {
        Instruction::Offer(other) if **other == *offer => None,
        Instruction::Offer(_) => Some("another offer"),
        Instruction::UnreadableOffer { .. } => Some("an offer that cannot be read"),
        Instruction::Lightning(_) => Some("a Lightning invoice"),
        Instruction::SilentPayment(_) => Some("a silent payment address"),
        Instruction::PrivatePayment(_) => Some("a private payment address"),
        Instruction::Address { .. } => Some(ON_CHAIN),
        _ => Some("a way to pay that is unknown here"),
    });
    let pop = link.proof_of_payment().filter(|pop| pop.may_be_opened());
    let others = link.address().map(|_| ON_CHAIN).into_iter().chain(others);
    for other in others.chain(pop.map(|_| "something to open after paying")) {
        if !has.iter().any(|had| had == other) {
            has.push(other.to_owned());
        }
    }
    (!has.is_empty()).then(|| format!("the link also has {}", has.join(", and ")))
}
