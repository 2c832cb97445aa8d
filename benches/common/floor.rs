//! What no implementation can avoid: the primitives, and nothing around them.
#![allow(dead_code, reason = "every benchmark uses its own share")]

use std::collections::BTreeSet;

use bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{All, Keypair, Message, PublicKey, Secp256k1, SecretKey, XOnlyPublicKey, schnorr};
use bolt12::{
    BlindedPath, BlindedPaths, IntroductionNode, InvoiceFields, OfferFields, Point, RequestFields, TlvRecord,
};
use lightning::util::ser::{BigSize, Writeable};
use sha2::block_api::compress256;

use crate::measure::Side;
use crate::table::Floors;

/// The primitives that an operation needs. An empty one needs none.
#[derive(Clone, Default)]
pub(crate) struct Floor {
    /// Points that are computed with: each takes a square root.
    keys: BTreeSet<[u8; 33]>,
    /// Points that only have to be on the curve: each takes a Jacobi symbol.
    checked: BTreeSet<[u8; 33]>,
    blocks: Vec<[u8; 64]>,
    derive: Option<SecretKey>,
    sign: Option<Keypair>,
    verify: Vec<(schnorr::Signature, Message, XOnlyPublicKey)>,
}

impl Floor {
    /// Decompressing one point.
    pub(crate) fn point(key: &PublicKey) -> Self {
        Self::default().and_keys([*key])
    }

    /// Checking the distinct points of an offer.
    pub(crate) fn offer(offer: &OfferFields) -> Self {
        let mut floor = Self::default().and_paths(offer.paths());
        floor.checked.extend(offer.issuer_id().map(|key| key.serialize()));
        floor
    }

    /// The same for a request. What verifies a signature is decompressed.
    pub(crate) fn request(request: &RequestFields) -> Self {
        let mut floor = Self::offer(request.offer()).and_paths(request.paths());
        floor.checked.extend(request.payer_id().map(|key| key.serialize()));
        floor
    }

    /// The same for an invoice.
    pub(crate) fn invoice(invoice: &InvoiceFields) -> Self {
        Self::request(invoice.request()).and_keys(invoice.node_id()).and_paths(invoice.paths())
    }

    /// Decompressing keys.
    pub(crate) fn and_keys(mut self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        self.keys.extend(keys.into_iter().map(|key| key.serialize()));
        self
    }

    fn and_paths(self, paths: Option<BlindedPaths<'_>>) -> Self {
        paths.iter().flat_map(|paths| paths.iter()).fold(self, |floor, path| floor.and_path(&path))
    }

    /// Checking the points of a path.
    pub(crate) fn and_path(mut self, path: &BlindedPath<'_>) -> Self {
        if let IntroductionNode::NodeId(point) = path.introduction_node() {
            self.checked.insert(point.to_bytes());
        }
        self.checked.insert(path.first_path_key().to_bytes());
        self.checked.extend(path.hops().map(|hop| hop.blinded_node_id.to_bytes()));
        self
    }

    /// The compressions of a merkle root.
    pub(crate) fn and_root<'a>(self, records: impl Iterator<Item = TlvRecord<'a>>) -> Self {
        let records = signed(records);
        // Beside the leaf, the nonce takes one block, and joining the two takes two.
        let leaves: usize = records.iter().map(|record| blocks(record.as_bytes().len()) + 3).sum();
        let branches = 2 * (records.len() - 1);
        self.and_blocks(nonce_tag(&records) + leaves + branches)
    }

    /// The compressions of the digest that is signed (SIG-4).
    pub(crate) fn and_digest<'a>(self, records: impl Iterator<Item = TlvRecord<'a>>) -> Self {
        self.and_root(records).and_blocks(1)
    }

    /// The compressions that rebuild the digest of an invoice from a proof that shows some of its records.
    pub(crate) fn and_rebuilt<'a>(
        self,
        records: impl Iterator<Item = TlvRecord<'a>>,
        shown: impl Fn(u64) -> bool,
    ) -> Self {
        let records = signed(records);
        let is_shown: Vec<bool> = records.iter().map(|record| shown(record.number())).collect();
        // The proof has the nonces, and the hash of whatever is hidden as a whole.
        let shown = records.iter().zip(&is_shown).filter(|(_, is_shown)| **is_shown);
        let leaves: usize = shown.map(|(record, _)| blocks(record.as_bytes().len()) + 2).sum();
        let branches = 2 * joins(is_shown).iter().filter(|join| **join).count();
        self.and_blocks(leaves + branches + 1)
    }

    /// The compressions of what a proof says of an invoice: the nonces of what it shows, and the hash of whatever
    /// is hidden as a whole.
    pub(crate) fn and_hidden<'a>(
        self,
        records: impl Iterator<Item = TlvRecord<'a>>,
        shown: impl Fn(u64) -> bool,
    ) -> Self {
        let records = signed(records);
        let is_shown: Vec<bool> = records.iter().map(|record| shown(record.number())).collect();
        let hashed = |(record, is_shown): (&TlvRecord<'_>, &bool)| match is_shown {
            true => 1,
            false => blocks(record.as_bytes().len()) + 3,
        };
        let leaves: usize = records.iter().zip(&is_shown).map(hashed).sum();
        let branches = 2 * joins(is_shown).iter().filter(|join| !**join).count();
        self.and_blocks(nonce_tag(&records) + leaves + branches)
    }

    /// The compression of a preimage.
    pub(crate) fn and_preimage(self) -> Self {
        self.and_blocks(1)
    }

    fn and_blocks(mut self, count: usize) -> Self {
        self.blocks.resize(self.blocks.len() + count, [0x5a; 64]);
        self
    }

    /// Making a key pair from its secret.
    pub(crate) fn and_derive(mut self, key: &Keypair) -> Self {
        self.derive = Some(key.secret_key());
        self
    }

    pub(crate) fn and_sign(mut self, key: &Keypair) -> Self {
        self.sign = Some(*key);
        self
    }

    /// Verifying a signature of what was signed: how long it takes depends on every bit.
    pub(crate) fn and_verify(mut self, signature: schnorr::Signature, digest: [u8; 32], key: PublicKey) -> Self {
        self.verify.push((signature, Message::from_digest(digest), key.x_only_public_key().0));
        self
    }

    /// Both floors: with a symbol for each point that is only checked, and with a root for every point.
    pub(crate) fn sides(self, context: &Secp256k1<All>) -> Floors<'_> {
        let mut roots = self.clone();
        roots.keys.append(&mut roots.checked);
        Floors { least: self.side(context), roots: Some(roots.side(context)) }
    }

    pub(crate) fn side(self, context: &Secp256k1<All>) -> Side<'_> {
        let message = Message::from_digest([0x42; 32]);
        let checked: Vec<_> = self.checked.difference(&self.keys).copied().collect();
        let keys: Vec<_> = self.keys.into_iter().collect();
        Side::new(
            || (),
            move |()| {
                let keys = keys.iter().filter_map(|key| PublicKey::from_slice(key).ok()).count();
                let checked = checked.iter().filter_map(|point| Point::try_from(*point).ok()).count();
                let mut state = [0; 8];
                compress256(&mut state, &self.blocks);
                let key = self.derive.map(|secret| Keypair::from_secret_key(context, &secret));
                let signed = self.sign.map(|key| context.sign_schnorr_no_aux_rand(&message, &key));
                for (signature, message, key) in &self.verify {
                    context.verify_schnorr(signature, message, key).expect("a valid signature");
                }
                (keys, checked, state, key, signed)
            },
        )
    }
}

/// The digest that is signed (SIG-1 to SIG-4), computed plainly.
pub(crate) fn digest<'a>(name: &str, records: impl Iterator<Item = TlvRecord<'a>>) -> [u8; 32] {
    let records = signed(records);
    let nonce_tag = [b"LnNonce", records[0].as_bytes()].concat();
    let mut level: Vec<[u8; 32]> = records
        .iter()
        .map(|record| {
            let kind = record.as_bytes().len()
                - record.value().len()
                - BigSize(record.value().len() as u64).serialized_length();
            branch(tagged(b"LnLeaf", record.as_bytes()), tagged(&nonce_tag, &record.as_bytes()[..kind]))
        })
        .collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| pair.iter().copied().reduce(branch).expect("one or two")).collect();
    }
    tagged(format!("lightning{name}signature").as_bytes(), &level[0])
}

fn branch(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    tagged(b"LnBranch", &[a.min(b), a.max(b)].concat())
}

fn tagged(tag: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag).to_byte_array();
    sha256::Hash::hash(&[&tag, &tag, message].concat()).to_byte_array()
}

/// The records that a signature covers.
fn signed<'a>(records: impl Iterator<Item = TlvRecord<'a>>) -> Vec<TlvRecord<'a>> {
    records.filter(|record| !(240..=1000).contains(&record.number())).collect()
}

/// The blocks of the tag of a message's nonces.
fn nonce_tag(records: &[TlvRecord<'_>]) -> usize {
    1 + blocks("LnNonce".len() + records[0].as_bytes().len())
}

/// Every inner node of a tree: whether anything below it is shown.
fn joins(mut level: Vec<bool>) -> Vec<bool> {
    let mut joins = Vec::new();
    while level.len() > 1 {
        joins.extend(level.chunks_exact(2).map(|pair| pair.contains(&true)));
        level = level.chunks(2).map(|pair| pair.contains(&true)).collect();
    }
    joins
}

/// The blocks of a message, with the padding that ends it. A tag's own block is computed beforehand.
fn blocks(len: usize) -> usize {
    (len + 9).div_ceil(64)
}
