//! What it takes to write a request that says who pays.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use secp256k1::{Keypair, PublicKey};

use crate::builder::seal;
use crate::contacts::{self, NameSignature, name_digest, put_signature};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::offer::Offer;
use crate::signature::sign;
use crate::tlv::TlvStream;

/// The experimental types of a request.
pub(super) const TYPES: RangeInclusive<u64> = 2_000_000_000..=2_999_999_999;

/// Refuses a key that is not the one named.
pub(super) fn check_key(named: &PublicKey, key: &Keypair) -> Result<(), Error> {
    if named.x_only_public_key().0 == key.x_only_public_key().0 {
        Ok(())
    } else {
        Err(Error::of(Field::INVREQ_PAYER_BIP_353_SIGNATURE, ErrorKind::WrongKey, Rule::Con3))
    }
}

/// Completes metadata with a MAC over all that it covers, then signs for the name.
pub(super) fn seal_and_sign(
    bytes: Vec<u8>,
    key: &Keypair,
    mac: impl FnOnce([&[u8]; 2]) -> [u8; 16],
) -> Result<Vec<u8>, Error> {
    let tlvs = TlvStream::read(bytes)?;
    let tag = mac(contacts::without_signature(&tlvs, &(1..=*TYPES.end())));
    let mut bytes = tlvs.into_bytes();
    seal(&mut bytes, |_| tag);
    let tlvs = TlvStream::read(bytes)?;
    if let Some(signed) = contacts::value::<NameSignature>(&tlvs, Field::INVREQ_PAYER_BIP_353_SIGNATURE) {
        check_key(&signed.key.public_key()?, key)?;
    }
    let signature = sign(name_digest(&tlvs), key);
    Ok(put_signature(tlvs, &signature))
}

/// CON-2, CON-3: what a request says of who pays, also where it was added by number.
pub(super) fn check_written(tlvs: &TlvStream) -> Result<(), Error> {
    contacts::check_written(tlvs)?;
    if let Some(contacts::PayerOffer(bytes)) = contacts::value(tlvs, Field::INVREQ_PAYER_OFFER) {
        Offer::try_from(bytes).map_err(|error| error.in_field(Field::INVREQ_PAYER_OFFER).against(Rule::Con2))?;
    }
    contacts::verify(tlvs)
}
