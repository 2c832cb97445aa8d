//! BIP 340 tagged hashes, from the compression function of the `sha2` crate.
//!
//! Everything that is hashed here starts with a 64-byte block that never changes, the tag twice.
//! Its state is a constant, so a hash costs one compression for a short message and two for a pair
//! of hashes, and nothing else. `sha2` finds the CPU's SHA instructions with and without `std`.

use sha2::Digest;
use sha2::block_api::compress256;
use sha2::digest::{array::Array, consts::U64};

/// A hash as the eight words that the compression function works on. Words compare like the
/// big-endian bytes they stand for.
pub(crate) type Words = [u32; 8];

/// The state after `SHA256(tag) || SHA256(tag)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(Words);

/// The block that ends a message of 64 bytes after the tag's 64: 0x80, zeros, 1024 bits.
const END_OF_PAIR: [u8; 64] = {
    let mut block = [0; 64];
    block[0] = 0x80;
    block[62] = 0x04;
    block
};

impl Tag {
    /// `LnLeaf`
    pub(crate) const LEAF: Self = Self(LEAF);
    /// `LnBranch`
    pub(crate) const BRANCH: Self = Self(BRANCH);
    /// `lightning` `invoice_request` `signature`
    pub(crate) const INVOICE_REQUEST: Self = Self(INVOICE_REQUEST);
    /// `lightning` `invoice` `signature`
    pub(crate) const INVOICE: Self = Self(INVOICE);

    /// `lightning` `static_invoice` `signature` (STA-2)
    #[cfg(feature = "async_payments")]
    pub(crate) const STATIC_INVOICE: Self = Self(STATIC_INVOICE);

    /// `lightning` `payer_proof` `proof_signature`
    pub(crate) const PAYER_PROOF: Self = Self(PAYER_PROOF);

    /// A tag that is made of parts, which is not known beforehand.
    pub(crate) fn new(parts: [&[u8]; 2]) -> Self {
        let mut sha = sha2::Sha256::new();
        for part in parts {
            sha.update(part);
        }
        let hash: [u8; 32] = sha.finalize().into();
        let mut whole = [0; 64];
        whole.copy_from_slice([hash; 2].as_flattened());
        let mut state = INITIAL;
        compress256(&mut state, &[whole]);
        Self(state)
    }

    /// The hash of a message of any length.
    pub(crate) fn hash(self, message: &[u8]) -> Words {
        let mut padded = Padded::default();
        padded.lay_out(message);
        self.hash_padded(&padded)
    }

    /// The hash of a message that was laid out before.
    #[inline]
    pub(crate) fn hash_padded(self, message: &Padded<'_>) -> Words {
        #[cfg(test)]
        crate::work::step();
        let mut state = self.0;
        if !message.whole.is_empty() {
            compress256(&mut state, message.whole);
        }
        compress256(&mut state, message.rest.get(..message.used).unwrap_or(&message.rest));
        state
    }

    /// The hash of two hashes, the smaller one first.
    #[inline]
    pub(crate) fn hash_sorted(self, a: &Words, b: &Words) -> Words {
        #[cfg(test)]
        crate::work::step();
        // No processor can predict which one it is: two addresses are selected without a branch.
        let (first, second) = if is_less(b, a) { (b, a) } else { (a, b) };
        let mut blocks = [[0; 64], END_OF_PAIR];
        let [pair, _] = &mut blocks;
        pair.copy_from_slice([to_bytes(first), to_bytes(second)].as_flattened());
        let mut state = self.0;
        compress256(&mut state, &blocks);
        state
    }
}

/// A message in blocks, with the padding that ends it.
///
/// A processor hashes while it lays out the next message, but it cannot load a block at once that it has
/// just stored piece by piece.
#[derive(Clone, Copy)]
pub(crate) struct Padded<'a> {
    whole: &'a [[u8; 64]],
    rest: [[u8; 64]; 2],
    used: usize,
}

impl Default for Padded<'_> {
    fn default() -> Self {
        Self { whole: &[], rest: [[0; 64]; 2], used: 0 }
    }
}

impl<'a> Padded<'a> {
    /// Takes the place of the message before.
    #[inline]
    pub(crate) fn lay_out(&mut self, message: &'a [u8]) {
        let (whole, rest) = Array::<u8, U64>::slice_as_chunks(message);
        self.whole = Array::cast_slice_to_core(whole);
        self.used = if rest.len() < 56 { 1 } else { 2 };
        let bits = (message.len() as u64).saturating_add(64).saturating_mul(8);
        let blocks = self.rest.get_mut(..self.used).unwrap_or_default().as_flattened_mut();
        blocks.fill(0);
        let Some((start, end)) = blocks.split_at_mut_checked(rest.len()) else { return };
        start.copy_from_slice(rest);
        if let Some(first) = end.first_mut() {
            *first = 0x80;
        }
        if let Some(last) = end.last_chunk_mut() {
            *last = bits.to_be_bytes();
        }
    }
}

/// Whether a hash is the smaller one, decided by the first words in all cases that occur.
#[inline]
fn is_less(a: &Words, b: &Words) -> bool {
    let ([a_first, ..], [b_first, ..]) = (a, b);
    if a_first == b_first { is_less_in_all(a, b) } else { a_first < b_first }
}

#[cold]
fn is_less_in_all(a: &Words, b: &Words) -> bool {
    a < b
}

/// The hash as bytes.
///
/// Not inlined: alone it becomes vector instructions, and what then loads the bytes as vectors need not wait for
/// pieces.
#[inline(never)]
pub(crate) fn to_bytes(words: &Words) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// A hash from its bytes.
pub(crate) fn words(bytes: [u8; 32]) -> Words {
    let mut words = Words::default();
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

/// SHA-256's initial state.
const INITIAL: Words = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

// The states of the tags above, which `the_tags_are_their_states` recomputes.
const LEAF: Words = [0xff4e15f6, 0xfd39a617, 0xefe87add, 0x290b63b6, 0x5af6e070, 0x05f331d3, 0x37ad5915, 0x95eeb163];
const BRANCH: Words = [0x6414d6c7, 0x95ce2701, 0xc82ff68b, 0xd5c46ba7, 0xfeb4734c, 0x87fc3808, 0xf178e85a, 0xb91d4a6d];
const INVOICE_REQUEST: Words =
    [0x5745e3f0, 0xbdab8c03, 0xa94698bf, 0x86915d4d, 0x9a44123e, 0x4a6eb699, 0xf795e36f, 0x65268f19];
const INVOICE: Words = [0xb3c02c85, 0x1b4482b7, 0xbcdfd579, 0x5060bdd0, 0x0f8c6cd7, 0xfec97b5d, 0x2088b03a, 0xd17b39f4];
#[cfg(feature = "async_payments")]
const STATIC_INVOICE: Words =
    [0x39c3d53f, 0x95259cbb, 0x8b6077cb, 0xef621f18, 0xebd2e12e, 0x2756a026, 0xac83c4e4, 0x5f59a0f1];
const PAYER_PROOF: Words =
    [0xf99d5a7a, 0xd53e3d2d, 0x6b5cf864, 0x00b5e3d3, 0x44db77c7, 0xade348e2, 0x6cc4fa36, 0x757c21d6];

#[cfg(test)]
mod tests {
    use super::*;

    /// SIG-4: the constants are what the tags' texts hash to.
    #[test]
    fn the_tags_are_their_states() {
        let tags: &[(Tag, [&[u8]; 2])] = &[
            (Tag::LEAF, [b"LnLeaf", b""]),
            (Tag::BRANCH, [b"LnBranch", b""]),
            (Tag::INVOICE_REQUEST, [b"lightninginvoice_request", b"signature"]),
            (Tag::INVOICE, [b"lightninginvoice", b"signature"]),
            (Tag::PAYER_PROOF, [b"lightningpayer_proof", b"proof_signature"]),
            #[cfg(feature = "async_payments")]
            (Tag::STATIC_INVOICE, [b"lightningstatic_invoice", b"signature"]),
        ];
        for (tag, text) in tags {
            assert_eq!(*tag, Tag::new(*text));
        }
    }

    /// SIG-2: the tag of the nonces, whatever the first record is.
    #[test]
    fn a_tag_of_any_length_is_the_state_after_its_hash_twice() {
        use bitcoin::hashes::{Hash, HashEngine, sha256};
        let rest: alloc::vec::Vec<u8> = (0..200).collect();
        for len in 0..rest.len() {
            let tag = sha256::Hash::hash(&[b"LnNonce", &rest[..len]].concat());
            let mut engine = sha256::Hash::engine();
            engine.input(tag.as_ref());
            engine.input(tag.as_ref());
            engine.input(b"message");
            let expected = sha256::Hash::from_engine(engine).to_byte_array();
            assert_eq!(to_bytes(&Tag::new([b"LnNonce", &rest[..len]]).hash(b"message")), expected, "{len} bytes");
        }
    }

    /// SIG-2: equal hashes, and those that differ late, are in order too.
    #[test]
    fn a_pair_hashes_the_same_either_way() {
        let same = [7; 8];
        for at in 0..8 {
            let mut other = same;
            other[at] += 1;
            let expected = Tag::BRANCH.hash([to_bytes(&same), to_bytes(&other)].as_flattened());
            assert_eq!(Tag::BRANCH.hash_sorted(&same, &other), expected);
            assert_eq!(Tag::BRANCH.hash_sorted(&other, &same), expected);
        }
        assert_eq!(Tag::BRANCH.hash_sorted(&same, &same), Tag::BRANCH.hash([to_bytes(&same); 2].as_flattened()));
    }

    #[test]
    fn a_message_of_any_length_hashes_as_in_another_implementation() {
        use bitcoin::hashes::{Hash, HashEngine, sha256};
        let tag = sha256::Hash::hash(b"LnLeaf");
        let message: alloc::vec::Vec<u8> = (0..200).collect();
        for len in 0..message.len() {
            let mut engine = sha256::Hash::engine();
            engine.input(tag.as_ref());
            engine.input(tag.as_ref());
            engine.input(&message[..len]);
            let expected = sha256::Hash::from_engine(engine).to_byte_array();
            assert_eq!(to_bytes(&Tag::LEAF.hash(&message[..len])), expected, "{len} bytes");
        }
    }
}
