//! HKDF, and the cipher of one direction with its changing keys.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::{self, Bytes32, TAG_LEN, mac};

/// After so many uses a key is replaced, which is after half as many messages.
const USES: u64 = 1000;

/// HKDF-SHA256 without `info`: two keys.
pub(super) fn hkdf(salt: &Bytes32, input: &[u8]) -> (Bytes32, Bytes32) {
    let finish = |mac: Hmac<Sha256>| Zeroizing::new(mac.finalize().into_bytes().into());
    let extracted: Bytes32 = finish(mac(salt.as_slice()).chain_update(input));
    let first: Bytes32 = finish(mac(extracted.as_slice()).chain_update([1]));
    let second = finish(mac(extracted.as_slice()).chain_update(first.as_slice()).chain_update([2]));
    (first, second)
}

/// Encrypts in place.
pub(super) fn seal(key: &Bytes32, number: u64, associated: &[u8], bytes: &mut [u8]) -> [u8; TAG_LEN] {
    crypto::seal(key, nonce(number), associated, bytes)
}

/// Decrypts in place what has its tag at the end, and returns it without.
pub(super) fn open<'a>(key: &Bytes32, number: u64, associated: &[u8], bytes: &'a mut [u8]) -> Option<&'a mut [u8]> {
    crypto::open(key, nonce(number), associated, bytes)
}

/// Little-endian, unlike everything else.
fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some(end) = nonce.last_chunk_mut() {
        *end = number.to_le_bytes();
    }
    nonce
}

/// The cipher of one direction.
pub(super) struct Cipher {
    key: Bytes32,
    /// From which the next key follows.
    chaining: Bytes32,
    uses: u64,
}

impl Cipher {
    pub(super) fn new(key: Bytes32, chaining: Bytes32) -> Self {
        Self { key, chaining, uses: 0 }
    }

    pub(super) fn seal(&mut self, bytes: &mut [u8]) -> [u8; TAG_LEN] {
        let tag = seal(&self.key, self.uses, &[], bytes);
        self.used();
        tag
    }

    pub(super) fn open<'a>(&mut self, bytes: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let text = open(&self.key, self.uses, &[], bytes)?;
        self.used();
        Some(text)
    }

    fn used(&mut self) {
        self.uses = self.uses.saturating_add(1);
        if self.uses >= USES {
            (self.chaining, self.key) = hkdf(&self.chaining, self.key.as_slice());
            self.uses = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn key(&self) -> Bytes32 {
        self.key.clone()
    }
}
