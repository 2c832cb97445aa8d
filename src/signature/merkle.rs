//! The merkle tree over a message's records (SIG-1, SIG-2, SIG-3).

use core::ops::RangeInclusive;

use super::sha256::{Padded, Tag, Words, to_bytes};
use crate::tlv::{TlvRecord, TlvStream, bigsize::BigSize};

/// The types that hold signatures, and are not part of what is signed.
pub(crate) const SIGNATURE_TYPES: RangeInclusive<u64> = 240..=1000;

/// The merkle root over all records that are not signatures, or `None` if there are none.
///
/// Takes time linear in the length of the records, and no allocation.
pub(crate) fn root<'a>(records: impl Iterator<Item = TlvRecord<'a>>) -> Option<[u8; 32]> {
    let mut records = signed(records).peekable();
    let nonces = Nonces::new(records.peek()?.as_bytes());
    let mut tree = Tree::default();
    tree.push_all(&nonces, records);
    tree.hash()
}

/// What is signed of a message.
fn signed<'a>(records: impl Iterator<Item = TlvRecord<'a>>) -> impl Iterator<Item = TlvRecord<'a>> {
    records.filter(|record| !SIGNATURE_TYPES.contains(&record.number()))
}

/// The tree over a message's first records. A message that begins with the same records goes on from here, and need not
/// hash them again.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    leaves: u32,
    /// Room for 31 leaves, which is more than all known fields of a request.
    subtrees: [Words; 5],
}

impl Start {
    /// The root over a message's records, and the start up to a type, unless that has too many records.
    pub(crate) fn and_root(tlvs: &TlvStream, end: u64) -> (Option<Self>, Option<[u8; 32]>) {
        let Some(first) = signed(tlvs.records()).next() else { return (None, None) };
        let nonces = Nonces::new(first.as_bytes());
        let mut tree = Tree::default();
        tree.push_all(&nonces, signed(tlvs.records()).filter(|record| record.number() < end));
        let start = Self::of(&tree);
        tree.push_all(&nonces, signed(tlvs.records()).filter(|record| record.number() >= end));
        (start, tree.hash())
    }

    fn of(tree: &Tree<Words>) -> Option<Self> {
        let subtrees = *tree.subtrees.first_chunk()?;
        (tree.leaves >> subtrees.len() == 0).then_some(Self { leaves: tree.leaves, subtrees })
    }

    /// The root over the records of a message that begins with these.
    pub(crate) fn root(&self, tlvs: &TlvStream) -> Option<[u8; 32]> {
        let nonces = Nonces::new(signed(tlvs.records()).next()?.as_bytes());
        let mut tree = Tree { leaves: self.leaves, ..Tree::default() };
        for (subtree, known) in tree.subtrees.iter_mut().zip(&self.subtrees) {
            *subtree = *known;
        }
        tree.push_all(&nonces, signed(tlvs.records()).skip(self.leaves as usize));
        tree.hash()
    }
}

/// A record, and its type, laid out for hashing.
#[derive(Default)]
struct Leaf<'a> {
    record: Padded<'a>,
    number: Padded<'a>,
}

impl<'a> Leaf<'a> {
    /// Whether there is a record.
    #[inline]
    fn lay_out(&mut self, record: Option<TlvRecord<'a>>) -> bool {
        if let Some(record) = record {
            self.record.lay_out(record.as_bytes());
            self.number.lay_out(record.type_bytes());
        }
        record.is_some()
    }
}

/// The nonces beside the leaves, which keep a leaf from being guessed: hashes of the types, tagged
/// with the first record.
pub(crate) struct Nonces(Tag);

impl Nonces {
    pub(crate) fn new(first_record: &[u8]) -> Self {
        Self(Tag::new([b"LnNonce", first_record]))
    }

    pub(crate) fn hash(&self, number: u64) -> Words {
        self.0.hash(BigSize::new(number).as_ref())
    }
}

/// An inner node: the smaller hash comes first (SIG-2).
#[inline]
pub(crate) fn branch(a: &Words, b: &Words) -> Words {
    Tag::BRANCH.hash_sorted(a, b)
}

/// A tree that grows leaf by leaf, whatever its nodes are: hashes, for signing and verifying; and for
/// proofs, hashes that may be unknown.
///
/// Joining pairs level by level from the left, where an odd one out moves up (SIG-3), is counting in
/// binary: after n leaves there is one complete subtree for each bit that is set in n. Nodes are joined
/// in post-order.
#[derive(Default)]
pub(crate) struct Tree<N> {
    leaves: u32,
    // Streams have at most 65535 bytes, so fewer than 2^16 records.
    subtrees: [N; 16],
}

impl Tree<Words> {
    /// Adds the leaves of records.
    fn push_all<'a>(&mut self, nonces: &Nonces, mut records: impl Iterator<Item = TlvRecord<'a>>) {
        let mut next = Leaf::default();
        let mut is_there = next.lay_out(records.next());
        while is_there {
            let leaf = Tag::LEAF.hash_padded(&next.record);
            let nonce = nonces.0.hash_padded(&next.number);
            is_there = next.lay_out(records.next());
            self.push(branch(&leaf, &nonce), &mut |left, right| branch(&left, &right));
        }
    }

    fn hash(&self) -> Option<[u8; 32]> {
        self.root(&mut |left, right| branch(&left, &right)).map(|root| to_bytes(&root))
    }
}

impl<N: Copy> Tree<N> {
    /// Adds the next leaf, and joins the subtrees that it completes.
    pub(crate) fn push(&mut self, mut node: N, join: &mut impl FnMut(N, N) -> N) {
        for (level, subtree) in self.subtrees.iter_mut().enumerate() {
            if self.leaves >> level & 1 == 0 {
                *subtree = node;
                break;
            }
            node = join(*subtree, node);
        }
        self.leaves += 1;
    }

    /// Joins what is left, the smallest and rightmost subtree first.
    pub(crate) fn root(&self, join: &mut impl FnMut(N, N) -> N) -> Option<N> {
        let present = self.subtrees.iter().enumerate().filter(|(level, _)| self.leaves >> level & 1 == 1);
        present.map(|(_, subtree)| *subtree).reduce(|right, left| join(left, right))
    }
}
