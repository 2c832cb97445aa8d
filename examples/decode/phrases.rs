//! Words that pages of more than one kind of message share.

use bolt12::bitcoin::Network;
use bolt12::{BlindedPaths, ChainHash, RequestFields};

/// A chain by its name, or its hash.
pub(crate) fn chain(chain: ChainHash) -> String {
    match Network::try_from(chain) {
        Ok(network) => network.to_string(),
        Err(_) => format!("the chain {}", hex::encode(chain)),
    }
}

/// How much the payer's key tells.
pub(crate) fn payer_key(request: &RequestFields, message: &str, pays: &str) -> String {
    #[cfg(feature = "recurrence")]
    if request.recurrence().is_some() {
        return format!(
            "The payer's key is the same in every payment of the subscription: by itself it does not tell who {pays}."
        );
    }
    let _ = request;
    format!("The payer's key is meant for this {message} alone: by itself it does not tell who {pays}.")
}

/// A path that ends where it starts.
pub(crate) fn single_hops(paths: BlindedPaths<'_>, whose: &str, seen: &mut Vec<String>) {
    for (path, number) in paths.iter().zip(1..) {
        if path.hops().count() == 1 {
            seen.push(format!(
                "Path {number} has a single hop: it hides nothing, since it starts at the node of {whose}."
            ));
        }
    }
}
