//! Messages about names, as they arrive and as they go out (bLIP 32, feature `onion`).

use alloc::vec::Vec;

use crate::error::{Error, Field};
use crate::exchange::ids::PathId;
use crate::exchange::message::{Destination, MessageArrival};
use crate::field::{BlindedPath, Brought};
use crate::onion::{DnssecProof, DnssecQuery};

/// One of the two messages about names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsMessage {
    /// TLV 65536 of an onion message (DNS-1).
    Query(DnssecQuery<'static>),
    /// TLV 65538 of an onion message (DNS-2).
    Proof(DnssecProof<'static>),
}

impl DnsMessage {
    /// The TLV of an onion message that carries it.
    pub const fn tlv_type(&self) -> u64 {
        match self {
            Self::Query(_) => Field::ONION_DNSSEC_QUERY.number(),
            Self::Proof(_) => Field::ONION_DNSSEC_PROOF.number(),
        }
    }

    /// The bytes, as that TLV holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Query(query) => query.to_bytes(),
            Self::Proof(proof) => proof.to_bytes(),
        }
    }
}

/// A message about a name to send: see [`Messenger::send_dns`](crate::exchange::Messenger::send_dns).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingDnsMessage {
    /// What to send.
    pub message: DnsMessage,
    /// Where.
    pub destination: Destination,
    /// If an answer is wanted: send it with a reply path made for this message alone, whose last hop holds this
    /// path id (DNS-3). Otherwise send no reply path.
    pub reply_path_id: Option<PathId>,
}

/// Somebody asks for the proof of a name: what a resolver gets (DNS-1, DNS-5).
///
/// Anyone who is not a resolver drops it. A resolver gets the proof for [`name`](Self::name) from elsewhere: the TXT
/// records there, what they are an alias of, and all signatures from the root down. The question costs the asker
/// nothing, and says nothing of who asks.
#[derive(Clone, Debug)]
pub struct ReceivedQuery {
    query: DnssecQuery<'static>,
    reply_path: BlindedPath<'static>,
}

impl ReceivedQuery {
    pub(crate) fn new(query: DnssecQuery<'static>, reply_path: BlindedPath<'static>) -> Self {
        Self { query, reply_path }
    }

    pub(crate) fn reply_path(&self) -> &BlindedPath<'static> {
        &self.reply_path
    }

    pub(crate) fn set_brought(&mut self, brought: Brought) {
        self.reply_path.set_brought(brought);
    }

    /// The DNS name whose TXT records are asked for, with a period at the end: printable ASCII, and otherwise whatever
    /// a stranger wrote.
    pub fn name(&self) -> &str {
        self.query.name()
    }

    /// What to send with the proof: over the query's reply path, and only there (DNS-3). The proof is not looked at;
    /// whoever asked verifies it (DNS-5).
    ///
    /// # Errors
    ///
    /// `TooLong` for a proof of more than 65535 bytes (DNS-2). An onion message holds about half as many.
    pub fn answer(&self, proof: &[u8]) -> Result<OutgoingDnsMessage, Error> {
        Ok(OutgoingDnsMessage {
            message: DnsMessage::Proof(self.query.answer(proof)?.into_owned()),
            destination: Destination::Path(self.reply_path.clone()),
            reply_path_id: None,
        })
    }
}

/// A resolver answers, or somebody who says so: for the [`NameLookup`](crate::exchange::NameLookup) that
/// [`Payer::lookup_of`](crate::exchange::Payer::lookup_of) finds (DNS-2, DNS-3).
#[derive(Clone, Debug)]
pub struct ReceivedProof {
    /// The name that it is said to be for, and the proof, which nobody has looked at.
    pub proof: DnssecProof<'static>,
    /// How it came.
    pub arrival: MessageArrival,
}
