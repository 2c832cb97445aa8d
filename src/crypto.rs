//! Ciphers and MACs that several layers need, each said once.

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key or a hash that is wiped when it is dropped.
#[cfg(feature = "onion")]
pub(crate) type Bytes32 = Zeroizing<[u8; 32]>;

/// HMAC-SHA256 under a key of at most 64 bytes, which is all there is here.
pub(crate) fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC pads a short key with zeros, so this is the same key.
    let mut block = Zeroizing::new([0; 64]);
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    Hmac::new((&*block).into())
}

#[cfg(feature = "peer")]
pub(crate) use aead::TAG_LEN;
#[cfg(feature = "onion")]
pub(crate) use aead::{open, seal};

/// ChaCha20-Poly1305.
#[cfg(feature = "onion")]
mod aead {
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};

    use super::Bytes32;

    /// The bytes that authenticate.
    pub(crate) const TAG_LEN: usize = 16;

    /// Encrypts in place. Nothing here is long enough to be refused.
    pub(crate) fn seal(key: &Bytes32, nonce: [u8; 12], associated: &[u8], bytes: &mut [u8]) -> [u8; TAG_LEN] {
        let cipher = ChaCha20Poly1305::new((&**key).into());
        cipher.encrypt_inout_detached(&nonce.into(), associated, bytes.into()).map_or([0; TAG_LEN], Into::into)
    }

    /// Decrypts in place what has its tag at the end, and returns it without. Compares in constant time; what is not
    /// authentic is left as it is.
    pub(crate) fn open<'a>(
        key: &Bytes32,
        nonce: [u8; 12],
        associated: &[u8],
        bytes: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let (text, tag) = bytes.split_last_chunk_mut::<TAG_LEN>()?;
        let cipher = ChaCha20Poly1305::new((&**key).into());
        cipher.decrypt_inout_detached(&nonce.into(), associated, (&mut *text).into(), &Tag::from(*tag)).ok()?;
        Some(text)
    }
}
