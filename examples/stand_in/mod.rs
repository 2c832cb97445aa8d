//! Stands in for onion messages, in examples that are about something else.

use bolt12::BlindedPath;
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{Destination, IncomingMessage, MessageArrival, OutgoingMessage};
use bolt12::secp256k1::{Keypair, Secp256k1};

/// Stands in for sending a message in an onion, with a reply path, and opening it.
pub(crate) fn deliver(outgoing: &OutgoingMessage, from: &str) -> IncomingMessage {
    let arrival = match &outgoing.destination {
        Destination::Node(_) => MessageArrival::Direct,
        Destination::Path(path) => MessageArrival::path(path.hops().last().map(|hop| hop.encrypted_recipient_data)),
    };
    let reply_path = outgoing.reply_path_id.map(|path_id| path_to(from, path_id));
    IncomingMessage { kind: outgoing.message.kind(), bytes: outgoing.message.as_bytes().to_vec(), arrival, reply_path }
}

/// A blinded path of two hops. In a real one the path id is encrypted, and only the maker of the path can read it.
pub(crate) fn path_to(node: &str, path_id: impl AsRef<[u8]>) -> BlindedPath<'static> {
    let key = |seed: &[u8]| {
        let secret = sha256::Hash::hash(seed).to_byte_array();
        Keypair::from_seckey_slice(&Secp256k1::new(), &secret).expect("a key").public_key()
    };
    let path_id = path_id.as_ref();
    let blinded = |name: &str| key(&[name.as_bytes(), path_id].concat());
    let hops = [(blinded("a neighbour"), &[0; 33][..]), (blinded(node), path_id)];
    BlindedPath::new(key(b"a neighbour").into(), blinded("first path key"), hops).expect("two hops")
}
