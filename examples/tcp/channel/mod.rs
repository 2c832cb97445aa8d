//! The channel that invoices are paid over, as its other end says on the command line of whoever made them.

use bolt12::bitcoin::hex::FromHex;
use bolt12::onion::{PaymentHop, PaymentPathBuilder, PaymentRelay};
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, Error, Msat, PayInfo, ShortChannelId};

/// The blocks that the recipient wants to have left.
const MIN_FINAL_CLTV_EXPIRY_DELTA: u16 = 18;

/// For how many blocks a path can be used, about a day.
const BLOCKS: u32 = 144;

/// The last height of a path that does not expire: the greatest that is no time, with room for delays.
const NEVER: u32 = 499_900_000;

/// A channel, and what the peer at its other end charges for payments to us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    scid: ShortChannelId,
    relay: PaymentRelay,
    max_height: u32,
}

/// What was said about it so far.
#[derive(Debug, Default)]
pub(crate) struct Given {
    scid: Option<ShortChannelId>,
    base: Option<u32>,
    ppm: Option<u32>,
    cltv: Option<u16>,
    height: Option<u32>,
}

impl Given {
    /// Whether an option is about the channel.
    pub(crate) fn knows(option: &str) -> bool {
        ["--channel", "--base", "--ppm", "--cltv", "--height"].contains(&option)
    }

    /// Reads such an option.
    pub(crate) fn read(&mut self, option: &str, value: &str) -> Result<(), String> {
        match option {
            "--channel" => self.scid = Some(scid(value).ok_or("--channel looks like 925117x12x0")?),
            "--base" => self.base = Some(number(option, value)?),
            "--ppm" => self.ppm = Some(number(option, value)?),
            "--cltv" => self.cltv = Some(number(option, value)?),
            _ => self.height = Some(number(option, value)?),
        }
        Ok(())
    }

    /// The channel, if there is one. What is not said about it is as Core Lightning has it.
    pub(crate) fn channel(&self) -> Result<Option<Channel>, String> {
        let Some(scid) = self.scid else {
            let rest = [self.base.is_some(), self.ppm.is_some(), self.cltv.is_some(), self.height.is_some()];
            return match rest.contains(&true) {
                true => Err("--base, --ppm, --cltv and --height are for --channel".to_owned()),
                false => Ok(None),
            };
        };
        let relay = PaymentRelay {
            fee_base_msat: self.base.unwrap_or(1_000),
            fee_proportional_millionths: self.ppm.unwrap_or(10),
            cltv_expiry_delta: self.cltv.unwrap_or(34),
        };
        let max_height = self.height.map_or(NEVER, |height| height.saturating_add(BLOCKS));
        Ok(Some(Channel { scid, relay, max_height }))
    }
}

/// A path to a node, through a peer if it has a channel with it. Without one the path is as that of a node with public
/// channels, and nobody finds a way to where it starts.
pub(crate) fn payment_path(
    node_id: PublicKey,
    path_id: Vec<u8>,
    through: Option<(PublicKey, Channel)>,
    random: [u8; 32],
) -> Result<(BlindedPath<'static>, PayInfo<'static>), Error> {
    let max_height = through.map_or(NEVER, |(_, channel)| channel.max_height);
    let path = PaymentPathBuilder::new(node_id, path_id, MIN_FINAL_CLTV_EXPIRY_DELTA, max_height);
    let path = match through {
        None => path,
        Some((peer, channel)) => path.through(PaymentHop {
            node_id: peer,
            short_channel_id: channel.scid,
            relay: channel.relay,
            htlc_minimum_msat: 1,
            htlc_maximum_msat: Msat::MAX_MONEY.0,
        }),
    };
    path.build(random)
}

/// A secret of 64 hexadecimal digits.
pub(crate) fn read_secret(text: &str) -> Option<[u8; 32]> {
    FromHex::from_hex(text).ok()
}

/// Block, index and output.
fn scid(text: &str) -> Option<ShortChannelId> {
    let mut parts = text.split('x');
    let mut part = |bits: u32| parts.next()?.parse::<u64>().ok().filter(|part| *part < 1 << bits);
    let scid = part(24)? << 40 | part(24)? << 16 | part(16)?;
    parts.next().is_none().then_some(ShortChannelId(scid))
}

fn number<N: std::str::FromStr>(option: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{option} wants a whole number that is not too large, not {text:?}"))
}
