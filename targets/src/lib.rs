//! The crate's work as text: what an offer says, and whether a proof holds. It is the same on every machine.

use bolt12::secp256k1::PublicKey;
use bolt12::{ChainHash, Error, Expectation, ExpectedPayee, Msat, Offer, PayerProof};

/// What a line of input says. It is an offer or a proof of a payment.
pub fn answer(line: &str) -> String {
    let said = if line.starts_with("lnp") { proof(line) } else { offer(line) };
    said.unwrap_or_else(|error| format!("refused: {error:#}"))
}

fn offer(text: &str) -> Result<String, Error> {
    let offer: Offer = text.parse()?;
    Ok(format!("offer {}: {offer:?}", offer.id()))
}

/// Who was paid for what, and two verdicts: for somebody who expects just that, and for somebody who expects more.
fn proof(text: &str) -> Result<String, Error> {
    let proof: PayerProof = text.parse()?;
    let verdict = |min_amount| proof.check(&expected(proof.node_id(), min_amount));
    Ok(format!("proof: {proof:?}; {:?}; {:?}", verdict(Msat(0)), verdict(Msat(u64::MAX))))
}

fn expected(payee: PublicKey, min_amount: Msat) -> Expectation<'static> {
    Expectation { payee: ExpectedPayee::NodeId(payee), chain: ChainHash::BITCOIN, min_amount, note: None }
}
