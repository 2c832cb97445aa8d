//! Targets `peer_handshake` and `peer_frames`: bytes from a peer, before and after it has shown who it is.

use std::collections::VecDeque;
use std::sync::OnceLock;

use bolt12::bitcoin::Network;
use bolt12::onion::OnionMessage;
use bolt12::peer::{Config, Connection, ConnectionError, Event, SendError};
use bolt12::{ChainHash, UnixTime};

use super::keys;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// The most that waits to be sent: three of the longest messages.
const MOST: usize = 3 * 65_569;

/// A connection of one side, the same every time.
fn start(is_outbound: bool) -> Connection {
    let config = Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin));
    let (ours, theirs) = (keys::payer(), keys::issuer());
    match is_outbound {
        true => Connection::outbound(ours, theirs.public_key(), [0x51; 32], &config, NOW).expect("a key"),
        false => Connection::inbound(theirs, [0x52; 32], &config, NOW).expect("a key"),
    }
}

/// What an honest peer sends to the side that connects, and to the other: handshake, `init`, a ping and a warning.
pub fn honest(is_outbound: bool) -> &'static [u8] {
    static BYTES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let both = BYTES.get_or_init(|| {
        let (mut one, mut other) = (start(true), start(false));
        let mut sent = [Vec::new(), Vec::new()];
        for step in 0..5 {
            for at in [1, 0] {
                let (from, to) = if at == 1 { (&mut one, &mut other) } else { (&mut other, &mut one) };
                let bytes = from.transmit().to_vec();
                from.transmitted(bytes.len());
                feed(to, &bytes, usize::MAX).1.expect("an honest peer");
                sent[at].extend(bytes);
            }
            if step == 2 {
                for connection in [&mut one, &mut other] {
                    connection.send_raw(&[0, 18, 0, 5, 0, 0]).expect("connected");
                    connection.warn("a warning").expect("connected");
                }
            }
        }
        sent
    });
    &both[usize::from(!is_outbound)]
}

/// Lets bytes arrive in pieces.
fn feed(connection: &mut Connection, bytes: &[u8], piece: usize) -> (Vec<Event>, Result<(), ConnectionError>) {
    let mut events = Vec::new();
    for mut piece in bytes.chunks(piece) {
        loop {
            match connection.receive(&mut piece, NOW) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty(), "everything was taken");
    }
    (events, Ok(()))
}

/// Bytes from whoever has none of the keys: the first byte says which side they are for, and the second how large the
/// pieces are. They may begin as an honest peer's.
pub fn handshake(data: &[u8]) {
    let Some((&[side, piece], bytes)) = data.split_first_chunk() else { return };
    let is_outbound = side % 2 == 0;
    let honest = honest(is_outbound);
    let same = honest.iter().zip(bytes).take_while(|(honest, byte)| honest == byte).count();

    let mut whole = start(is_outbound);
    let (events, result) = feed(&mut whole, bytes, usize::MAX);
    let mut pieces = start(is_outbound);
    assert_eq!(feed(&mut pieces, bytes, usize::from(piece).max(1)), (events.clone(), result.clone()));
    assert_eq!(whole.transmit(), pieces.transmit());

    // Nothing is taken but what the honest peer sent: the keys are not to be had.
    let mut until = start(is_outbound);
    let (expected, _) = feed(&mut until, &bytes[..same], usize::MAX);
    assert_eq!(events, expected);
    match result {
        Ok(()) => {
            let error = whole.disconnected();
            assert!(!error.to_string().is_empty());
            assert_eq!(whole.wake_at(), None);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(whole.receive(&mut &bytes[..], NOW), Err(error.clone()));
            assert_eq!(whole.poll(NOW), Err(error));
        }
    }
}

/// What a message leads to, by rules written down once more.
#[derive(PartialEq)]
enum Outcome {
    Event,
    Nothing,
    End,
}

fn outcome(message: &[u8]) -> Outcome {
    let Some((kind, payload)) = message.split_first_chunk() else { return Outcome::End };
    let kind = u16::from_be_bytes(*kind);
    let len_at = |at: usize| Some(usize::from(u16::from_be_bytes(payload.get(at..at + 2)?.try_into().ok()?)));
    let holds = |before: usize| len_at(before).is_some_and(|len| payload.len() >= before + 2 + len);
    let if_else = |condition, yes| if condition { yes } else { Outcome::End };
    match kind {
        1 | 17 => if_else(holds(32), Outcome::Event),
        18 => if_else(holds(2), Outcome::Nothing),
        513 => if_else(holds(33) && len_at(33).is_some_and(|len| len > 66), Outcome::Event),
        // About channels, which do not exist here: nobody looks at what is said of them.
        32..=254 if kind % 2 == 0 => Outcome::Nothing,
        256 | 258 | 262 | 264 => Outcome::Nothing,
        _ => if_else(kind % 2 == 1, Outcome::Nothing),
    }
}

/// One of two that are connected.
struct Side {
    connection: Connection,
    /// What the other sent and this has not answered for yet.
    expected: VecDeque<Vec<u8>>,
    /// Whether something was changed on its way here.
    is_tampered: bool,
    end: Option<ConnectionError>,
}

impl Side {
    /// Checks what came of bytes that arrived.
    fn received(&mut self, events: Vec<Event>, result: Result<(), ConnectionError>) {
        for event in events {
            // What the other says by itself: about channels, and about its end.
            let own = match &event {
                Event::Warning(notice) => {
                    let text = notice.text().as_raw();
                    text == "there are no channels here" || text.starts_with("the peer sent a")
                }
                _ => false,
            };
            if own {
                continue;
            }
            let message = loop {
                let message = self.expected.pop_front().expect("something was sent");
                match outcome(&message) {
                    Outcome::Event => break message,
                    Outcome::Nothing => {}
                    Outcome::End => panic!("this ends the connection: {message:?}"),
                }
            };
            match event {
                Event::OnionMessage(read) => {
                    assert!(message.starts_with(read.as_bytes()));
                    assert_eq!(OnionMessage::read(read.as_bytes().to_vec()), Ok(read));
                }
                Event::Warning(_) => assert_eq!(message[..2], [0, 1]),
                Event::Error(_) => assert_eq!(message[..2], [0, 17]),
                other => panic!("{other:?}"),
            }
        }
        let Err(error) = result else { return };
        match error {
            ConnectionError::NotAuthentic => assert!(self.is_tampered),
            ConnectionError::Flooded => {}
            ConnectionError::UnknownMessage { .. }
            | ConnectionError::InvalidMessage { .. }
            | ConnectionError::WrongTime { .. } => {
                let end = self.expected.iter().find(|message| outcome(message) != Outcome::Nothing);
                assert!(end.is_some_and(|message| is_end(message)), "{error}");
            }
            ref other => panic!("{other}"),
        }
        assert!(!error.to_string().is_empty());
        self.end = Some(error);
    }
}

fn is_end(message: &[u8]) -> bool {
    outcome(message) == Outcome::End
}

/// What two that are connected do, and what happens on the way: each action is a byte and what it needs.
pub fn frames(data: &[u8]) {
    let mut sides = [start(true), start(false)].map(|connection| Side {
        connection,
        expected: VecDeque::new(),
        is_tampered: false,
        end: None,
    });
    for step in 0..6 {
        carry(&mut sides, step % 2, usize::MAX, 0, true);
    }
    assert!(sides.iter().all(|side| side.connection.is_connected()));

    let mut rest = data;
    let mut now = NOW;
    while let Some((&[action, detail], after)) = rest.split_first_chunk() {
        rest = after;
        let from = usize::from(action & 1);
        match action >> 1 & 7 {
            // A message from the input, perhaps with much behind it.
            0..=3 => {
                let (message, after) = rest.split_at(usize::from(detail).min(rest.len()));
                rest = after;
                let zeros = if action & 0x40 == 0 { 0 } else { usize::from(action >> 7) * 60_000 + 300 };
                let message = [message, &vec![0; zeros]].concat();
                match sides[from].connection.send_raw(&message) {
                    Ok(()) => sides[1 - from].expected.push_back(message),
                    Err(SendError::InvalidLength { len }) => assert!(len < 2),
                    Err(SendError::Full { waiting }) => assert!(waiting + message.len() > MOST / 4),
                    Err(SendError::Closed(error)) => assert_eq!(Some(error), sides[from].end),
                    Err(other) => panic!("{other}"),
                }
            }
            // Some bytes move on; one of them may be changed.
            4 => carry(&mut sides, from, usize::from(detail) + 1, 0, false),
            5 => carry(&mut sides, from, usize::MAX, 0, false),
            6 => carry(&mut sides, from, usize::from(detail) + 1, action >> 4, false),
            // Time passes.
            _ => {
                now = UnixTime(now.0 + u64::from(detail % 32));
                let side = &mut sides[from];
                let wake_at = side.connection.wake_at();
                match side.connection.poll(now) {
                    Ok(()) => assert!(side.connection.wake_at().is_some_and(|wake_at| wake_at > now)),
                    Err(ConnectionError::Unresponsive { after }) => {
                        assert!(wake_at.is_none_or(|wake_at| wake_at <= now));
                        side.end = Some(ConnectionError::Unresponsive { after });
                    }
                    Err(error) => assert_eq!(Some(error), side.end),
                }
            }
        }
        assert!(sides.iter().all(|side| side.connection.transmit().len() <= MOST));
    }

    // Without tampering everything arrives, up to what ends a connection.
    for _ in 0..4 {
        carry(&mut sides, 0, usize::MAX, 0, false);
        carry(&mut sides, 1, usize::MAX, 0, false);
    }
    for side in &sides {
        if side.end.is_none() && !side.is_tampered {
            assert!(side.expected.iter().all(|message| outcome(message) == Outcome::Nothing));
        }
        assert!(!format!("{:?}", side.connection).is_empty());
    }
}

/// Lets so many bytes arrive at the other side, with a change in the last one.
fn carry(sides: &mut [Side; 2], from: usize, count: usize, change: u8, is_handshake: bool) {
    let waiting = sides[from].connection.transmit();
    let mut bytes = waiting[..waiting.len().min(count)].to_vec();
    sides[from].connection.transmitted(bytes.len());
    let to = &mut sides[1 - from];
    if let Some(last) = bytes.last_mut().filter(|_| change != 0) {
        *last ^= change;
        to.is_tampered = true;
    }
    if to.end.is_some() {
        return;
    }
    let (events, result) = feed(&mut to.connection, &bytes, count.clamp(1, 1_448));
    match is_handshake {
        true => result.expect("an honest peer"),
        false => to.received(events, result),
    }
}

/// Inputs for `peer_handshake`: what honest peers send, whole and in part, and what others do.
pub fn handshake_seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (side, name) in [(0, "outbound"), (1, "inbound")] {
        let honest = honest(side == 0);
        for len in [0, 1, 49, 50, 115, 116, honest.len() - 1, honest.len()] {
            let len = len.min(honest.len());
            seeds.push((format!("{name}-{len}"), [&[side, 7][..], &honest[..len]].concat()));
        }
        seeds.push((format!("{name}-web"), [&[side, 1][..], b"HTTP/1.1 400 Bad Request\r\n"].concat()));
    }
    seeds
}

/// Inputs for `peer_frames`: each kind of message once, and what happens on the way.
pub fn frames_seeds() -> Vec<(String, Vec<u8>)> {
    let say = |message: &[u8]| [&[0, message.len() as u8][..], message].concat();
    let onion = [&[2, 1][..], &[2; 33], &[0, 100], &[0; 100]].concat();
    let notice = |kind| [&[0, kind][..], &[0; 32], &[0, 5], b"hello"].concat();
    let messages: [(&str, Vec<u8>); 10] = [
        ("onion", onion.clone()),
        ("onion-extension", [&onion[..], &[1, 1, 1]].concat()),
        ("warning", notice(1)),
        ("error", notice(17)),
        ("ping", vec![0, 18, 1, 0, 0, 2, 9, 9]),
        ("ping-largest", vec![0, 18, 255, 251, 0, 0]),
        ("channel", [&[0, 136][..], &[7; 40]].concat()),
        ("gossip", [&[1, 2][..], &[7; 40]].concat()),
        ("even", vec![2, 2]),
        ("init", vec![0, 16, 0, 0, 0, 0]),
    ];
    let mut seeds: Vec<_> = messages.iter().map(|(name, message)| ((*name).to_owned(), say(message))).collect();
    let [onion, ping] = [say(&onion), say(&[0, 18, 255, 251, 0, 0])];
    seeds.push(("pieces".to_owned(), [&onion[..], &[8, 3, 8, 30, 9, 9], &onion, &[8, 0]].concat()));
    seeds.push(("changed".to_owned(), [&onion[..], &[0x1c, 20]].concat()));
    seeds.push(("flood".to_owned(), [&ping[..], &[10, 0]].concat().repeat(6)));
    seeds.push(("silence".to_owned(), [14, 31].repeat(8)));
    seeds.push(("many".to_owned(), [&onion[..], &[10, 0]].concat().repeat(8)));
    seeds
}
