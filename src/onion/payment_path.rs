//! Blinded paths for payments: what an invoice is paid over, and what its hops do.

use alloc::vec::Vec;
use core::fmt;

use secp256k1::PublicKey;

use super::NextHop;
use super::data::{HopData, PaymentConstraints, PaymentRelay};
use super::path::{BlindedPathBuilder, MAX_DUMMY_HOPS, PathHop};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Features, PayInfo, ShortChannelId};
use crate::units::Msat;

const MILLION: u128 = 1_000_000;

/// A node of a payment path that forwards payments over a channel: what its `channel_update` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PaymentHop {
    /// The node.
    pub node_id: PublicKey,
    /// The channel, or its alias, over which the node forwards to the next.
    pub short_channel_id: ShortChannelId,
    /// What the node charges for that, and how long it delays.
    pub relay: PaymentRelay,
    /// The least that the node takes from the hop before it, in millisatoshi.
    pub htlc_minimum_msat: u64,
    /// The most that the node takes from the hop before it, in millisatoshi.
    pub htlc_maximum_msat: u64,
}

/// Makes a blinded path that an invoice can be paid over, and says what paying over it costs.
///
/// Every hop before the last is told its channel, `payment_relay` and `payment_constraints`; the last one its
/// `payment_constraints` and `path_id`. No feature is allowed, as BOLT 4 demands. Channel policies and the block height
/// come from the caller.
///
/// ```
/// use bolt12::onion::{PaymentHop, PaymentPathBuilder, PaymentRelay};
/// use bolt12::{Msat, ShortChannelId};
/// # use bolt12::secp256k1::PublicKey;
/// # let own: PublicKey = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// # let peer: PublicKey = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c".parse()?;
/// # let (path_id, random, height) = ([1; 32], [7; 32], 925_000);
/// // The peer's side of a channel with this node.
/// let hop = PaymentHop {
///     node_id: peer,
///     short_channel_id: ShortChannelId(925_117 << 40 | 12 << 16),
///     relay: PaymentRelay { cltv_expiry_delta: 34, fee_proportional_millionths: 10, fee_base_msat: 1_000 },
///     htlc_minimum_msat: 1,
///     htlc_maximum_msat: 400_000_000,
/// };
/// // 18 blocks for the recipient; the path can be used for about a day.
/// let (path, payinfo) = PaymentPathBuilder::new(own, path_id, 18, height + 144).through(hop).build(random)?;
/// assert_eq!(path.hops().count(), 2);
/// assert_eq!(payinfo.cltv_expiry_delta, 52);
/// assert_eq!(payinfo.fee(Msat(1_000_000)), Some(Msat(1_010)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PaymentPathBuilder {
    recipient: PublicKey,
    path_id: Vec<u8>,
    min_final_cltv_expiry_delta: u16,
    max_height: u32,
    through: Vec<PaymentHop>,
    dummy_hops: usize,
    dummy_relay: PaymentRelay,
    htlc_minimum_msat: u64,
    htlc_maximum_msat: u64,
    pads_end: bool,
}

impl PaymentPathBuilder {
    /// A path to a node, usually one's own.
    ///
    /// - `path_id`: what the recipient will know the payment by, a secret that only it can make (PTH-2)
    /// - `min_final_cltv_expiry_delta`: the blocks that the recipient wants to have left when a payment arrives
    /// - `max_height`: the last block height at which a payment over the path may be begun
    pub fn new(
        recipient: PublicKey,
        path_id: impl Into<Vec<u8>>,
        min_final_cltv_expiry_delta: u16,
        max_height: u32,
    ) -> Self {
        Self {
            recipient,
            path_id: path_id.into(),
            min_final_cltv_expiry_delta,
            max_height,
            through: Vec::new(),
            dummy_hops: 0,
            dummy_relay: PaymentRelay::default(),
            htlc_minimum_msat: 1,
            htlc_maximum_msat: Msat::MAX_MONEY.0,
            pads_end: true,
        }
    }

    /// Adds a node that forwards payments. The first is where the path starts: the introduction node.
    pub fn through(mut self, hop: PaymentHop) -> Self {
        self.through.push(hop);
        self
    }

    /// Hides how long the path is, and what its hops charge, by hops at its end that all are the recipient itself
    /// (PTH-1). What they charge the recipient gets; `PaymentRelay::default()` charges nothing.
    pub fn dummy_hops(mut self, count: usize, relay: PaymentRelay) -> Self {
        (self.dummy_hops, self.dummy_relay) = (count, relay);
        self
    }

    /// The least that the recipient takes at once, in millisatoshi; 1 if not set.
    pub fn htlc_minimum_msat(mut self, msat: u64) -> Self {
        self.htlc_minimum_msat = msat;
        self
    }

    /// The most that the recipient takes at once, in millisatoshi; all the bitcoin there will ever be if not set.
    pub fn htlc_maximum_msat(mut self, msat: u64) -> Self {
        self.htlc_maximum_msat = msat;
        self
    }

    /// Lets the last hop be longer than the others, as long as the path id makes it: see
    /// [`BlindedPathBuilder::unpadded_end`]. A payment's onion has 1300 bytes, in which the whole path has to stand, so
    /// this is for path ids of more than a hundred or two.
    pub fn unpadded_end(mut self) -> Self {
        self.pads_end = false;
        self
    }

    /// What paying over the path costs and takes, dummy hops included.
    ///
    /// Fees are added up from the last hop to the first as BOLT 4 says, rounded up at each. It says nothing about the
    /// limits, which are LDK's: from the first hop to the last, each hop's own limit, or that of the hops before it
    /// where that is tighter, is reduced by the hop's fee to what can be forwarded at most. Both are rounded down, so a
    /// payment of just the minimum can be short of what a hop takes; one of a millisatoshi more is not.
    ///
    /// # Errors
    ///
    /// - `Overflow` for fees of more than 32 bits, or a delay of more than 16
    /// - `CannotCarry` for limits that leave nothing (EXC-11)
    pub fn payinfo(&self) -> Result<PayInfo<'static>, Error> {
        let overflow = || Error::of(Field::PAYMENT_RELAY, ErrorKind::Overflow, Rule::Tlv2);
        let cannot_carry = |min: u64, max: u64| {
            let kind = ErrorKind::CannotCarry { amount: Msat(min), min: Msat(min), max: Msat(max) };
            Error::of(Field::PAYMENT_CONSTRAINTS, kind, Rule::Exc11)
        };
        self.check_dummy_hops()?;
        let (fee_base_msat, fee_proportional_millionths) =
            self.hops().rev().try_fold((0, 0), |behind, hop| hop.relay.before(behind)).ok_or_else(overflow)?;
        let cltv_expiry_delta = self
            .hops()
            .try_fold(self.min_final_cltv_expiry_delta, |sum, hop| sum.checked_add(hop.relay.cltv_expiry_delta))
            .ok_or_else(overflow)?;
        let (mut min, mut max) = (1, Msat::MAX_MONEY.0);
        for hop in self.hops() {
            // What does not even cover the fee leaves no minimum behind the hop, and no payment.
            min = hop.relay.most_behind(hop.htlc_minimum_msat.max(min)).unwrap_or(1);
            max = hop.relay.most_behind(hop.htlc_maximum_msat.min(max)).ok_or_else(|| cannot_carry(min, 0))?;
        }
        let (min, max) = (self.htlc_minimum_msat.max(min), self.htlc_maximum_msat.min(max));
        if max < min {
            return Err(cannot_carry(min, max));
        }
        Ok(PayInfo::new(fee_base_msat, fee_proportional_millionths, cltv_expiry_delta, min, max))
    }

    /// Makes the path, with what paying over it costs. `session` is 32 random bytes, used for nothing else.
    ///
    /// The last hop's `max_cltv_expiry` is the path's last height and the recipient's delay; every hop before it adds
    /// its own.
    ///
    /// # Errors
    ///
    /// - `Overflow` and `CannotCarry` as for [`payinfo`](Self::payinfo), and `Overflow` for a `max_height` that leaves
    ///   no room for the delays in 32 bits
    /// - `InvalidSecret` for a `session` that is not a secret key, such as zeros
    /// - `TooManyEntries` for more than [`MAX_DUMMY_HOPS`] dummy hops (PTH-1), or more than 255 hops
    pub fn build(self, session: [u8; 32]) -> Result<(BlindedPath<'static>, PayInfo<'static>), Error> {
        let payinfo = self.payinfo()?;
        let no_features = Features::default();
        let told = |hop: PathHop, max_cltv_expiry, htlc_minimum_msat| {
            hop.payment_constraints(PaymentConstraints { max_cltv_expiry, htlc_minimum_msat })
                .allowed_features(&no_features)
        };
        // The delay that is left from each hop on.
        let mut left = payinfo.cltv_expiry_delta;
        let max_cltv_expiry = |left: u16| {
            let overflow = || Error::of(Field::PAYMENT_CONSTRAINTS, ErrorKind::Overflow, Rule::Tlv2);
            self.max_height.checked_add(left.into()).ok_or_else(overflow)
        };
        let mut forwarding = Vec::new();
        for hop in self.hops() {
            let node = PathHop::new(hop.node_id).payment_relay(hop.relay);
            // The recipient needs no channel to itself.
            let node = if hop.node_id == self.recipient { node } else { node.by_channel(hop.short_channel_id) };
            forwarding.push(told(node, max_cltv_expiry(left)?, hop.htlc_minimum_msat));
            left = left.saturating_sub(hop.relay.cltv_expiry_delta);
        }
        let last = told(PathHop::new(self.recipient), max_cltv_expiry(left)?, self.htlc_minimum_msat);
        let path = BlindedPathBuilder::new(last).path_id(self.path_id);
        let path = if self.pads_end { path } else { path.unpadded_end() };
        let path = forwarding.into_iter().fold(path, BlindedPathBuilder::through).build(session)?;
        Ok((path, payinfo))
    }

    fn check_dummy_hops(&self) -> Result<(), Error> {
        if self.dummy_hops > MAX_DUMMY_HOPS {
            return Err(Error::new(ErrorKind::TooManyEntries, Rule::Pth1));
        }
        Ok(())
    }

    /// The hops that forward, the recipient's own included.
    fn hops(&self) -> impl DoubleEndedIterator<Item = PaymentHop> + '_ {
        let dummy = PaymentHop {
            node_id: self.recipient,
            short_channel_id: ShortChannelId(0),
            relay: self.dummy_relay,
            htlc_minimum_msat: self.htlc_minimum_msat,
            htlc_maximum_msat: u64::MAX,
        };
        self.through.iter().copied().chain((0..self.dummy_hops).map(move |_| dummy))
    }
}

/// Leaves out the `path_id`.
impl fmt::Debug for PaymentPathBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentPathBuilder")
            .field("recipient", &self.recipient)
            .field("through", &self.through)
            .field("dummy_hops", &self.dummy_hops)
            .field("max_height", &self.max_height)
            .finish_non_exhaustive()
    }
}

impl PaymentRelay {
    /// What a hop forwards of an amount that comes in, as BOLT 4 says: without the fee, rounded up. `None` if the
    /// amount does not exceed the fee.
    pub fn amount_to_forward(&self, amount: Msat) -> Option<Msat> {
        let rest = u128::from(amount.0.checked_sub(self.fee_base_msat.into())?);
        let forwarded = rest.checked_mul(MILLION)?.div_ceil(self.price());
        u64::try_from(forwarded).ok().filter(|msat| *msat > 0).map(Msat)
    }

    /// The most that a hop can be asked to forward so that what comes in is no more than this: its fee on that, rounded
    /// down as payers do, included. `None` if that is zero.
    fn most_behind(&self, incoming: u64) -> Option<u64> {
        let rest = u128::from(incoming.checked_sub(self.fee_base_msat.into())?);
        // x and its fee, rounded down, are at most `rest` exactly if x · price is less than (rest + 1) · 1,000,000.
        let most = rest.checked_add(1)?.checked_mul(MILLION)?.checked_sub(1)?.checked_div(self.price())?;
        u64::try_from(most).ok().filter(|msat| *msat > 0)
    }

    /// The fees of the path that starts with this hop, from those of the path behind it. BOLT 4's rounding.
    fn before(&self, (base, millionths): (u32, u32)) -> Option<(u32, u32)> {
        let round_up = |product: u128| product.div_ceil(MILLION);
        let base = round_up(u128::from(base).checked_mul(self.price())?).checked_add(self.fee_base_msat.into())?;
        let behind = u128::from(millionths).checked_add(MILLION)?;
        let millionths = round_up(behind.checked_mul(self.price())?).checked_sub(MILLION)?;
        Some((base.try_into().ok()?, millionths.try_into().ok()?))
    }

    /// What a million costs, in the proportional part.
    fn price(&self) -> u128 {
        u128::from(self.fee_proportional_millionths).saturating_add(MILLION)
    }
}

/// The part of a payment that is on its way between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Htlc {
    /// How much it is.
    pub amount: Msat,
    /// The block height at which it can be taken back.
    pub cltv_expiry: u32,
}

/// What the node of a hop does with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStep {
    /// It passes the payment on. Where the next hop is the node itself, this was a dummy hop: the node takes off the
    /// next one, with the next path key.
    Forward {
        /// The channel to the next node, or its key.
        next: NextHop,
        /// What goes there.
        outgoing: Htlc,
    },
    /// It is the recipient, who recognises the payment by the [`path_id`](HopData::path_id).
    Receive,
}

/// Why the node of a hop does not take part in a payment.
///
/// This is for the node alone: the payer is told `invalid_onion_blinding`, whatever the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentRefusal {
    /// It could be taken back too late: the path has expired.
    #[error("the payment expires at height {cltv_expiry}, and its path allows {max} at most")]
    ExpiryTooHigh {
        /// The height at which it could be taken back.
        cltv_expiry: u32,
        /// The last height that the path allows.
        max: u32,
    },
    /// It is less than the path allows.
    #[error("the payment is {amount}, and its path carries no less than {min}")]
    BelowMinimum {
        /// How much it is.
        amount: Msat,
        /// The least that the path allows.
        min: Msat,
    },
    /// It does not exceed the fee of the hop.
    #[error(
        "the payment is {amount}, which does not exceed the fee of {} and {} millionths",
        Msat(relay.fee_base_msat.into()),
        relay.fee_proportional_millionths
    )]
    BelowFee {
        /// How much it is.
        amount: Msat,
        /// The fee.
        relay: PaymentRelay,
    },
    /// It could be taken back too early: before the hop's delay.
    #[error("the payment expires at height {cltv_expiry}, which leaves no {delta} blocks")]
    ExpiryTooLow {
        /// The height at which it could be taken back.
        cltv_expiry: u32,
        /// The blocks of the delay.
        delta: u16,
    },
    /// The path allows a feature that is not known, by its bit. None is known today.
    #[error("the path allows feature {0}, which this version does not know; try a newer one")]
    UnknownFeature(u32),
    /// The hop is told both a channel and a node to pass the payment on to.
    #[error("the path names both a channel and a node as the next hop")]
    TwoNextHops,
    /// The hop is to pass the payment on, and not told its fee: the path is one for messages.
    #[error("the path is one for messages: it names no fee for a payment")]
    NoRelay,
}

impl HopData {
    /// What the node of this hop does with a payment that arrives over the path: the inverse of
    /// [`PaymentPathBuilder`].
    ///
    /// The recipient checks the rest: that enough blocks are left at the current height, and that the path id belongs
    /// to something that it sold for this amount.
    ///
    /// ```
    /// use bolt12::Msat;
    /// use bolt12::onion::{HopData, Htlc, PaymentStep};
    /// // Channel 0x0x1, 50 blocks, 10 sat for each payment; up to height 750150, 50 msat at least.
    /// let data = HopData::read(hex::decode("020800000000000000010a080032000000002710\
    ///     0c05000b724632")?)?;
    /// let incoming = Htlc { amount: Msat(110_125), cltv_expiry: 749_150 };
    /// let Ok(PaymentStep::Forward { outgoing, .. }) = data.payment(incoming) else { panic!() };
    /// assert_eq!(outgoing, Htlc { amount: Msat(100_125), cltv_expiry: 749_100 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The [reason](PaymentRefusal) why the payment has to fail, by BOLT 4's rules for readers of
    /// `encrypted_recipient_data`: its amount or its height is outside the limits of the hop
    /// ([`PaymentConstraints`]), an allowed feature is unknown, or the data is not that of a payment path.
    pub fn payment(&self, incoming: Htlc) -> Result<PaymentStep, PaymentRefusal> {
        let Htlc { amount, cltv_expiry } = incoming;
        if let Some(PaymentConstraints { max_cltv_expiry, htlc_minimum_msat }) = self.payment_constraints() {
            if cltv_expiry > max_cltv_expiry {
                return Err(PaymentRefusal::ExpiryTooHigh { cltv_expiry, max: max_cltv_expiry });
            }
            if amount.0 < htlc_minimum_msat {
                return Err(PaymentRefusal::BelowMinimum { amount, min: Msat(htlc_minimum_msat) });
            }
        }
        if let Some(feature) = self.allowed_features().and_then(|features| features.iter().next()) {
            return Err(PaymentRefusal::UnknownFeature(feature.0));
        }
        if [Field::SHORT_CHANNEL_ID, Field::NEXT_NODE_ID].iter().all(|field| self.tlvs().contains(field.number())) {
            return Err(PaymentRefusal::TwoNextHops);
        }
        let Some(next) = self.next() else { return Ok(PaymentStep::Receive) };
        let relay = self.payment_relay().ok_or(PaymentRefusal::NoRelay)?;
        let delta = relay.cltv_expiry_delta;
        let outgoing = Htlc {
            amount: relay.amount_to_forward(amount).ok_or(PaymentRefusal::BelowFee { amount, relay })?,
            cltv_expiry: cltv_expiry
                .checked_sub(delta.into())
                .ok_or(PaymentRefusal::ExpiryTooLow { cltv_expiry, delta })?,
        };
        Ok(PaymentStep::Forward { next, outgoing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As many as arrive with their fee, and no payment of nothing.
    #[test]
    fn nothing_is_left_behind_a_fee_that_takes_all() {
        let relay = PaymentRelay { cltv_expiry_delta: 0, fee_proportional_millionths: 10_000, fee_base_msat: 100 };
        assert_eq!([0, 99, 100, 101].map(|incoming| relay.most_behind(incoming)), [None, None, None, Some(1)]);
        for incoming in 101..2_000 {
            let most = relay.most_behind(incoming).unwrap();
            let with_fee = |amount: u64| amount + 100 + amount * 10_000 / 1_000_000;
            assert!(with_fee(most) <= incoming && incoming < with_fee(most + 1), "{incoming}");
        }
    }
}
