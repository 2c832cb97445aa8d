//! Targets `onion_peel` and `onion_payload`: messages from the network, and what is in them.

use arbitrary::{Result, Unstructured};
use bolt12::onion::{
    BlindedPathBuilder, Contents, HopData, MAX_REPLY_HOPS, NextHop, OnionMessage, OnionMessageBuilder, PathHop,
    Payload, Peeled, Received, Refusal, Unblinded,
};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{BlindedPath, Direction, ErrorKind, MAX_LEN, ShortChannelId};

use super::{errors, keys, naive};

/// A message as bytes, if the first byte is even; otherwise a way that a message takes from its maker to its
/// recipient, where it arrives as it was sent or is refused.
pub fn peel(data: &[u8]) {
    match data.split_first() {
        Some((mode, bytes)) if mode % 2 == 0 => raw(bytes),
        Some((_, bytes)) => {
            // An input too short for a way is none.
            let _ = Way::read(&mut Unstructured::new(bytes)).map(|way| way.check());
        }
        None => {}
    }
}

/// Whatever the bytes are, each node takes or refuses them, and what it makes of them holds together.
fn raw(bytes: &[u8]) {
    let message = match OnionMessage::read(bytes.to_vec()) {
        Ok(message) => message,
        Err(error) => return errors::in_bytes(&error, bytes),
    };
    assert_eq!(message.as_bytes(), bytes);
    assert_eq!(OnionMessage::from_payload(message.payload()).expect("the same message"), message);
    assert_eq!(bytes.len(), 37 + message.packet().len());
    for node in keys::all() {
        match message.peel(node) {
            Ok(Peeled::Received(received)) => check_received(&received),
            Ok(Peeled::Forward(forward)) => {
                let next = forward.message().expect("a message that authenticated");
                assert_eq!(next.as_bytes().len(), bytes.len());
                assert_ne!(forward.next(), NextHop::NodeId(node.public_key()), "that was a dummy hop");
            }
            Err(refusal) => {
                let is_version_0 = message.packet().first() == Some(&0);
                assert!(is_version_0 || refusal == Refusal::Malformed);
                assert!(!refusal.to_string().is_empty());
            }
        }
    }
}

fn check_received(received: &Received) {
    let tlvs = received.payload().tlvs();
    let again = Payload::read(tlvs.as_bytes().to_vec()).expect("what was read can be read");
    assert_eq!(again.contents(), received.contents());
    assert_eq!(again.reply_path(), received.reply_path());
    assert_eq!(received.data().next(), None);
    assert_eq!(received.data().tlvs().get(6).map(|record| record.value()), received.path_id());
    assert!(!format!("{received:?}").is_empty());
}

/// A hop on the way: which of the nodes, and by which channel it finds the next.
type Hop = (u8, Option<u64>);

struct Way {
    session: [u8; 30],
    own: Vec<Hop>,
    through: Vec<Hop>,
    recipient: u8,
    dummies: u8,
    pad_to: u16,
    path_id: Option<Vec<u8>>,
    by_channel: Option<u64>,
    contents: Vec<u8>,
    kind: u8,
    is_direct: bool,
    reply: bool,
    field: Option<(u64, Vec<u8>)>,
    change: (u16, u8),
}

fn node(number: u8) -> &'static Keypair {
    &keys::all()[usize::from(number % 4)]
}

fn hop(&(number, channel): &Hop) -> PathHop {
    let hop = PathHop::new(node(number).public_key());
    channel.map_or(hop.clone(), |scid| hop.by_channel(ShortChannelId(scid)))
}

/// A few hops, so that a run is short.
fn hops(u: &mut Unstructured<'_>) -> Result<Vec<Hop>> {
    let count = u.int_in_range(0..=6)?;
    (0..count).map(|_| u.arbitrary()).collect()
}

impl Way {
    fn read(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            session: u.arbitrary()?,
            own: hops(u)?,
            through: hops(u)?,
            recipient: u.arbitrary()?,
            dummies: u.arbitrary()?,
            pad_to: u.int_in_range(0..=600)?,
            path_id: u.arbitrary()?,
            by_channel: u.arbitrary()?,
            kind: u.arbitrary()?,
            is_direct: u.arbitrary()?,
            reply: u.arbitrary()?,
            change: u.arbitrary()?,
            field: u.arbitrary()?,
            contents: u.arbitrary()?,
        })
    }

    fn session(&self, number: u8) -> [u8; 32] {
        let mut session = [number; 32];
        session[1..31].copy_from_slice(&self.session);
        session
    }

    fn contents(&self) -> Contents<'_> {
        match self.kind % 3 {
            0 => Contents::InvoiceRequest(&self.contents),
            1 => Contents::Invoice(&self.contents),
            _ => Contents::InvoiceError(&self.contents),
        }
    }

    fn path(&self) -> Option<BlindedPath<'static>> {
        let mut path = BlindedPathBuilder::own(node(self.recipient)).dummy_hops(usize::from(self.dummies % 12));
        path = self.through.iter().fold(path, |path, through| path.through(hop(through)));
        path = path.pad_to(self.pad_to.into());
        if let Some(id) = &self.path_id {
            path = path.path_id(id.clone());
        }
        if let Some(scid) = self.by_channel {
            path = path.introduction_by_channel(ShortChannelId(scid), Direction::NodeOne);
        }
        let path = match path.build(self.session(1)) {
            Ok(path) => path,
            Err(error) => {
                errors::any(&error);
                return None;
            }
        };
        let lens: Vec<usize> = path.hops().map(|hop| hop.encrypted_recipient_data.len()).collect();
        assert!(lens.iter().all(|len| *len == lens[0]), "PTH-1");
        assert_eq!(BlindedPath::from_bytes(path.as_bytes()).expect("a path"), path);
        Some(path)
    }

    fn check(&self) {
        let recipient = node(self.recipient);
        let Some(path) = self.path() else { return };
        let reply = BlindedPathBuilder::new(node(1).public_key()).build(self.session(2)).expect("a path");
        let mut message = match self.is_direct {
            true => OnionMessageBuilder::to_node(recipient.public_key(), self.contents()),
            false => OnionMessageBuilder::over(&path, self.contents()),
        };
        message = self.own.iter().fold(message, |message, own| message.through(hop(own)));
        if self.by_channel.is_some() && !self.is_direct {
            let start = self.through.first().map_or(self.recipient, |(number, _)| *number);
            message = message.introduction(node(start).public_key());
        }
        if self.reply {
            message = message.reply_path(&reply);
        }
        if let Some((number, value)) = &self.field {
            message = message.field(*number, value.clone());
        }
        let outgoing = match message.build(self.session(3)) {
            Ok(outgoing) => outgoing,
            Err(error) => return errors::any(&error),
        };
        let through: &[Hop] = if self.is_direct { &[] } else { &self.through };
        let numbers: Vec<u8> = self.own.iter().chain(through).map(|(number, _)| *number).collect();
        self.refuses_a_change(&outgoing.message, numbers.first().copied().unwrap_or(self.recipient));

        // Every node finds the next, and may itself be several hops in a row.
        let hops: Vec<Hop> = self.own.iter().chain(through).copied().collect();
        let mut message = outgoing.message;
        for (at, (number, channel)) in hops.iter().enumerate() {
            let next = numbers.get(at + 1).copied().unwrap_or(self.recipient);
            let Ok(Peeled::Forward(forward)) = message.peel(node(*number)) else { panic!("hop {at}") };
            let by_id = NextHop::NodeId(node(next).public_key());
            assert_eq!(forward.next(), channel.map_or(by_id, |scid| NextHop::Channel(ShortChannelId(scid))));
            message = forward.message().expect("an honest message");
        }
        let Ok(Peeled::Received(received)) = message.peel(recipient) else { panic!("the last hop") };
        check_received(&received);
        assert_eq!(received.contents(), Some(self.contents()));
        assert_eq!(received.path_id(), self.path_id.as_deref().filter(|_| !self.is_direct));
        assert_eq!(received.reply_path(), Some(reply).filter(|_| self.reply));
        let last = received.signing_key().public_key();
        assert!(self.is_direct || path.last_blinded_node_id() == last, "PTH-3");
    }

    /// One changed byte, anywhere but in type and length.
    fn refuses_a_change(&self, message: &OnionMessage, first: u8) {
        let (at, change) = self.change;
        let mut bytes = message.as_bytes().to_vec();
        let at = 2 + usize::from(at) % (bytes.len() - 2);
        if change == 0 || (35..37).contains(&at) {
            return;
        }
        bytes[at] ^= change;
        let refusal = OnionMessage::read(bytes).expect("as long as before").peel(node(first)).expect_err("changed");
        assert!(refusal.is_unauthenticated(), "byte {at}");
    }
}

/// What a payload may hold one of: the messages of BOLT 12, a query for a name with its answer (bLIP 32), and the
/// messages about payments that are held.
const CONTENTS: &[u64] = &[
    64,
    66,
    68,
    65536,
    65538,
    #[cfg(feature = "async_payments")]
    70,
    #[cfg(feature = "async_payments")]
    72,
    #[cfg(feature = "async_payments")]
    74,
];

/// Bytes as the payload of a last hop, and as what a hop is told: read exactly if a naive reader reads them.
pub fn payload(data: &[u8]) {
    let records = naive::records(data).filter(|_| data.len() <= MAX_LEN);
    let values = |known: fn(u64, &[u8]) -> bool| {
        records
            .as_ref()
            .is_some_and(|records| records.iter().all(|record| known(record.number, &data[record.value..record.end])))
    };
    let messages = records.iter().flatten().filter(|record| record.number >= 64).count();
    let is_payload = messages < 2
        && values(|number, value| match number {
            2 => BlindedPath::from_bytes(value).is_ok_and(|path| path.hops().count() <= MAX_REPLY_HOPS),
            4 => true,
            number if CONTENTS.contains(&number) => true,
            _ => number % 2 == 1,
        });
    match Payload::read(data.to_vec()) {
        Ok(payload) => {
            assert!(is_payload, "{payload:?}");
            assert_eq!(payload.tlvs().as_bytes(), data);
            let value = |number| payload.tlvs().get(number).map(|record| record.value());
            assert_eq!(payload.reply_path().as_ref().map(BlindedPath::as_bytes), value(2));
            assert_eq!(payload.encrypted_recipient_data(), value(4));
            assert_eq!(
                payload.contents().map(|contents| contents.as_bytes()),
                CONTENTS.iter().copied().find_map(value)
            );
        }
        Err(error) => {
            errors::in_bytes(&error, data);
            assert!(!is_payload, "{error:#}");
        }
    }

    let is_truncated = |value: &[u8], max: usize| value.len() <= max && value.first() != Some(&0);
    let is_data = records.iter().flatten().all(|record| {
        let value = &data[record.value..record.end];
        match record.number {
            2 => value.len() == 8,
            4 | 8 => value.len() == 33 && PublicKey::from_slice(value).is_ok(),
            6 | 14 => true,
            10 => value.get(6..).is_some_and(|rest| is_truncated(rest, 4)),
            12 => value.get(4..).is_some_and(|rest| is_truncated(rest, 8)),
            number => number % 2 == 1,
        }
    });
    match HopData::read(data.to_vec()) {
        Ok(read) => {
            assert!(is_data && records.is_some(), "{read:?}");
            assert_eq!(read.tlvs().as_bytes(), data);
            let has = |number| read.tlvs().contains(number);
            assert_eq!(read.next().is_some(), has(2) || has(4));
            assert_eq!(read.next_path_key_override().is_some(), has(8));
            assert_eq!(read.path_id().is_some(), has(6));
            assert_eq!(read.payment_relay().is_some(), has(10));
            assert_eq!(read.payment_constraints().is_some(), has(12));
            assert_eq!(read.allowed_features().is_some(), has(14));
        }
        Err(error) => {
            errors::in_bytes(&error, data);
            assert!(!is_data || records.is_none(), "{error:#}");
        }
    }

    // As encrypted data, nobody can have made it.
    let error = Unblinded::new(keys::issuer(), &keys::payer().public_key(), data).expect_err("not encrypted");
    assert_eq!(error.kind(), &ErrorKind::DoesNotDecrypt);
}
