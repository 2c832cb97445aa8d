//! `init`: what a peer says first, about itself.

use alloc::vec::Vec;

use bitcoin::constants::ChainHash;

use crate::error::{Error, ErrorKind, Rule};
use crate::field::{Cursor, Feature, Features, Value};
use crate::tlv::{MAX_LEN, TlvStream, bigsize::BigSize};

/// What a peer does with the onion messages of somebody who has no channel with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnionMessages {
    /// It takes them, and passes them on, as often as it likes.
    Accepted,
    /// It drops them without a word: only those with whom it has a channel are heard
    /// (`option_onion_messages_only_channels`).
    OnlyOverChannels,
    /// It does not know what they are.
    Unknown,
}

/// Message 16, `init`: which features a node has, and which chains it cares for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    features: Features<'static>,
    networks: Option<Vec<ChainHash>>,
}

impl Init {
    pub(super) const TYPE: u16 = 16;

    /// `networks`, among the fields.
    const NETWORKS: u64 = 1;

    /// 38 and 39, `option_onion_messages`.
    pub(super) const ONION_MESSAGES: [Feature; 2] = [Feature(38), Feature(39)];
    /// 66 and 67, `option_onion_messages_only_channels`.
    const ONLY_CHANNELS: [Feature; 2] = [Feature(66), Feature(67)];

    pub(super) fn new(features: Features<'static>, networks: Vec<ChainHash>) -> Self {
        Self { features, networks: Some(networks).filter(|networks| !networks.is_empty()) }
    }

    /// The features: a compulsory (even) one is needed by anyone who wants channels with the node, but never ends a
    /// connection here.
    pub fn features(&self) -> &Features<'static> {
        &self.features
    }

    /// The chains that the node cares for, if it names any.
    pub fn networks(&self) -> Option<&[ChainHash]> {
        self.networks.as_deref()
    }

    /// What becomes of onion messages that are sent over this connection.
    pub fn onion_messages(&self) -> OnionMessages {
        let has = |pair: [Feature; 2]| pair.into_iter().any(|feature| self.features.contains(feature));
        match () {
            // Some nodes set these bits alone, without those of the feature that they restrict.
            () if has(Self::ONLY_CHANNELS) => OnionMessages::OnlyOverChannels,
            () if has(Self::ONION_MESSAGES) => OnionMessages::Accepted,
            () => OnionMessages::Unknown,
        }
    }

    /// Whether two nodes that say this have a chain in common. Who names none may care for any.
    pub(super) fn shares_network(&self, other: &Self) -> bool {
        match (&self.networks, &other.networks) {
            (Some(ours), Some(theirs)) => ours.iter().any(|network| theirs.contains(network)),
            _ => true,
        }
    }

    /// The first feature that is compulsory here and not even optional for the other.
    pub(super) fn first_missing_from(&self, other: &Self) -> Option<Feature> {
        let has = |feature: Feature| {
            let optional = Feature(feature.bit() | 1);
            other.features.contains(feature) || other.features.contains(optional)
        };
        self.features.iter().find(|feature| feature.is_compulsory() && !has(*feature))
    }

    /// Reads the message without its type. Unknown fields with odd numbers are skipped (TLV-4).
    pub(super) fn read(payload: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(payload);
        let len = cursor.u16()?;
        let global = cursor.take(len.into())?;
        let len = cursor.u16()?;
        let local = cursor.take(len.into())?;
        let rest = payload.get(cursor.offset()..).unwrap_or_default();
        let tlvs = TlvStream::read(rest.to_vec())?;
        if let Some(record) = tlvs.records().find(|record| record.number() % 2 == 0) {
            return Err(Error::new(ErrorKind::UnknownEvenField, Rule::Tlv4).at(record.offset()));
        }
        let networks = match tlvs.value(Self::NETWORKS) {
            Some(value) if value.len() % 32 != 0 => return Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3)),
            Some(value) => Some(value.chunks_exact(32).filter_map(|hash| ChainHash::decode(hash).ok()).collect()),
            None => None,
        };
        let [global, local] = [global, local].map(Features::from_bytes);
        let features = Features::new(global.iter().chain(local.iter()))?;
        Ok(Self { features, networks })
    }

    /// The message, with its type.
    pub(super) fn write(&self) -> Result<Vec<u8>, Error> {
        let too_long = |len| Error::new(ErrorKind::TooLong { len, max: MAX_LEN }, Rule::D7);
        let features = self.features.as_bytes();
        let mut message = Vec::new();
        message.extend_from_slice(&Self::TYPE.to_be_bytes());
        message.extend_from_slice(&[0, 0]);
        message.extend_from_slice(&u16::try_from(features.len()).map_err(|_| too_long(features.len()))?.to_be_bytes());
        message.extend_from_slice(features);
        if let Some(networks) = &self.networks {
            let len = networks.len().saturating_mul(32);
            message.extend_from_slice(BigSize::new(Self::NETWORKS).as_ref());
            message.extend_from_slice(BigSize::new(len as u64).as_ref());
            networks.iter().for_each(|network| message.extend_from_slice(network.as_bytes()));
        }
        if message.len() > MAX_LEN {
            return Err(too_long(message.len()));
        }
        Ok(message)
    }
}
