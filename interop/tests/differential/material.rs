//! Keys, paths and numbers that both sides build their messages from.

use std::sync::OnceLock;

use bolt12::bitcoin::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ChainHash, Direction, IntroductionNode, PayInfo, ShortChannelId, UnixTime};
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
use lightning::util::ser::Readable;

/// The keys that tests hold the secrets of, so that a message they name can be signed again.
pub(crate) const KEYS: [u8; 4] = [0x41, 0x42, 0x43, 0x44];
pub(crate) const ISSUER: u8 = KEYS[0];
pub(crate) const PAYER: u8 = KEYS[1];
pub(crate) const PAYEE: u8 = KEYS[2];

/// A time at which nothing here has expired. The builders of `lightning` look at the system's clock,
/// so expiries that matter are far away.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const FAR: u64 = 40_000_000_000;

pub(crate) const HASH: [u8; 32] = [0x77; 32];

pub(crate) const SIGNET: ChainHash = ChainHash::SIGNET;

pub(crate) fn secp() -> &'static Secp256k1<All> {
    static CONTEXT: OnceLock<Secp256k1<All>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::new)
}

/// A key, computed once: without optimisation that takes long.
pub(crate) fn keypair(secret: u8) -> Keypair {
    static PAIRS: [OnceLock<Keypair>; 256] = [const { OnceLock::new() }; 256];
    *PAIRS[usize::from(secret)].get_or_init(|| Keypair::from_seckey_slice(secp(), &[secret; 32]).unwrap())
}

pub(crate) fn key(secret: u8) -> PublicKey {
    keypair(secret).public_key()
}

/// The key among [`KEYS`] that has this public form.
pub(crate) fn keypair_of(point: &[u8]) -> Option<Keypair> {
    KEYS.into_iter().map(keypair).find(|pair| pair.public_key().serialize() == point)
}

/// A path of two hops that starts at a node.
pub(crate) fn node_path(last: u8) -> BlindedPath<'static> {
    let hops = [(key(0x12), &[0xee; 51][..]), (key(last), &[0xdd; 3][..])];
    BlindedPath::new(key(0x11).into(), key(0x13), hops).unwrap()
}

/// A path of one hop that starts at an end of a channel.
pub(crate) fn channel_path(last: u8) -> BlindedPath<'static> {
    let start = IntroductionNode::Channel {
        scid: ShortChannelId(539_268 << 40 | 845 << 16 | 1),
        direction: Direction::NodeTwo,
    };
    BlindedPath::new(start, key(0x14), [(key(last), &[][..])]).unwrap()
}

pub(crate) fn their_path(path: &BlindedPath<'_>) -> BlindedMessagePath {
    BlindedMessagePath::read(&mut path.as_bytes()).unwrap()
}

pub(crate) fn payinfo(fee_base_msat: u32) -> PayInfo<'static> {
    PayInfo {
        fee_base_msat,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        // More than a double can hold exactly.
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: bolt12::Features::new([bolt12::Feature(3)]).unwrap(),
    }
}

/// The payment path of `lightning` that equals [`node_path`] with [`payinfo`].
pub(crate) fn their_payment_path(path: &BlindedPath<'_>, payinfo: &PayInfo<'_>) -> BlindedPaymentPath {
    let path = their_path(path);
    let lightning::blinded_path::IntroductionNode::NodeId(start) = *path.introduction_node() else {
        panic!("payment paths of lightning start at a node")
    };
    let mut flags = payinfo.features.as_bytes().to_vec();
    flags.reverse();
    let payinfo = BlindedPayInfo {
        fee_base_msat: payinfo.fee_base_msat,
        fee_proportional_millionths: payinfo.fee_proportional_millionths,
        cltv_expiry_delta: payinfo.cltv_expiry_delta,
        htlc_minimum_msat: payinfo.htlc_minimum_msat,
        htlc_maximum_msat: payinfo.htlc_maximum_msat,
        features: lightning::types::features::BlindedHopFeatures::from_le_bytes(flags),
    };
    let hops = path.blinded_hops().to_vec();
    BlindedPaymentPath::from_blinded_path_and_payinfo(start, path.blinding_point(), hops, payinfo)
}
