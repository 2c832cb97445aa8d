//! What several of these tests make: forged messages, and claims of a refund.

use bolt12::exchange::{Action, Claim, Destination, IncomingMessage, Payee, Retry};
use bolt12::secp256k1::Keypair;
use bolt12::{Preimage, Refund, UnixTime};

use super::messages::{NOW, path, payinfo};
use super::naive::{self, Record};
use super::sides::{CHAINS, deliver};

/// A message with other records, signed with any key.
pub(super) fn forged(name: &str, bytes: &[u8], key: &Keypair, change: impl FnOnce(&mut Vec<Record>)) -> Vec<u8> {
    let mut records = naive::parse(bytes).unwrap();
    records.retain(|record| record.number != 240);
    change(&mut records);
    records.sort_by_key(|record| record.number);
    naive::concat(&naive::sign(name, records, key))
}

/// A claim of a refund, with an invoice of its own.
pub(super) fn claim(claimer: &Payee, refund: &Refund, hash: u8) -> Claim {
    let accepted = claimer.claim(refund, NOW, CHAINS).unwrap();
    let invoice = accepted.invoice(Preimage([hash; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    accepted.sign(invoice, UnixTime(NOW.0 + 600), Retry::default()).unwrap()
}

/// What a claim sends, as it arrives.
pub(super) fn sent(claim: &mut Claim) -> IncomingMessage {
    let Action::Send(outgoing) = claim.poll(NOW).unwrap() else { panic!() };
    assert!(matches!((&outgoing.destination, outgoing.reply_path_id), (Destination::Path(_), Some(_))), "RQR-12");
    deliver(&outgoing, 0x66)
}
