//! Two `PeerManager`s, and connections between them in memory.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bolt12::onion::OnionMessage;
use bolt12::secp256k1::PublicKey;
use lightning::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use lightning::ln::peer_handler::{
    ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager, SocketDescriptor,
};
use lightning::sign::{KeysManager, NodeSigner, Recipient};
use lightning::types::features::{InitFeatures, NodeFeatures};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::LengthReadable;

pub(crate) struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// One end of a connection.
#[derive(Clone)]
pub(crate) struct End {
    id: u64,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl PartialEq for End {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for End {}

impl Hash for End {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl SocketDescriptor for End {
    fn send_data(&mut self, data: &[u8], _: bool) -> usize {
        self.sent.lock().expect("no panic").extend_from_slice(data);
        data.len()
    }

    fn disconnect_socket(&mut self) {}
}

/// What is to be sent, and how much arrived.
#[derive(Default)]
pub(crate) struct Queue {
    to_send: Mutex<VecDeque<msgs::OnionMessage>>,
    received: AtomicU64,
}

impl OnionMessageHandler for Queue {
    fn handle_onion_message(&self, _: PublicKey, message: &msgs::OnionMessage) {
        std::hint::black_box(message);
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    fn next_onion_message_for_peer(&self, _: PublicKey) -> Option<msgs::OnionMessage> {
        self.to_send.lock().expect("no panic").pop_front()
    }

    fn timer_tick_occurred(&self) {}
}

impl BaseMessageHandler for Queue {
    fn get_and_clear_pending_msg_events(&self) -> Vec<MessageSendEvent> {
        Vec::new()
    }

    fn peer_disconnected(&self, _: PublicKey) {}

    fn peer_connected(&self, _: PublicKey, _: &Init, _: bool) -> Result<(), ()> {
        Ok(())
    }

    fn provided_node_features(&self) -> NodeFeatures {
        NodeFeatures::empty()
    }

    fn provided_init_features(&self, _: PublicKey) -> InitFeatures {
        let mut features = InitFeatures::empty();
        features.set_onion_messages_optional();
        features
    }
}

type Manager = PeerManager<
    End,
    ErroringMessageHandler,
    IgnoringMessageHandler,
    Arc<Queue>,
    Silent,
    IgnoringMessageHandler,
    KeysManager,
    IgnoringMessageHandler,
>;

struct Node {
    manager: Manager,
    id: PublicKey,
    queue: Arc<Queue>,
}

impl Node {
    fn new(number: u8) -> Self {
        let keys = KeysManager::new(&[number; 32], 1, 1, true);
        let id = keys.get_node_id(Recipient::Node).expect("a node has an id");
        let queue = Arc::new(Queue::default());
        let handlers = MessageHandler {
            chan_handler: ErroringMessageHandler::new(),
            route_handler: IgnoringMessageHandler {},
            onion_message_handler: Arc::clone(&queue),
            custom_message_handler: IgnoringMessageHandler {},
            send_only_message_handler: IgnoringMessageHandler {},
        };
        let manager = PeerManager::new(handlers, 1, &[number; 32], Silent, keys);
        Self { manager, id, queue }
    }
}

/// Two nodes.
pub(crate) struct Theirs {
    one: Node,
    other: Node,
    ids: AtomicU64,
}

impl Theirs {
    pub(crate) fn new() -> Self {
        Self { one: Node::new(1), other: Node::new(2), ids: AtomicU64::new(0) }
    }

    pub(crate) fn connect(&self) -> [End; 2] {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        // Two nodes have one connection at most.
        let old = [0, 1].map(|_| End { id: id.saturating_sub(1), sent: Arc::default() });
        self.disconnect(&old);
        let ends = [0, 1].map(|_| End { id, sent: Arc::default() });
        let act = self.one.manager.new_outbound_connection(self.other.id, ends[0].clone(), None);
        self.other.manager.new_inbound_connection(ends[1].clone(), None).expect("a new connection");
        self.other.manager.read_event(&mut ends[1].clone(), &act.expect("a new connection")).expect("an honest peer");
        for _ in 0..2 {
            self.exchange(&ends);
        }
        assert!(self.one.manager.peer_by_node_id(&self.other.id).is_some());
        ends
    }

    /// Each reads what the other sent.
    fn exchange(&self, ends: &[End; 2]) {
        for (from, to, at) in [(&self.other, &self.one, 1), (&self.one, &self.other, 0)] {
            from.manager.process_events();
            let bytes = std::mem::take(&mut *ends[at].sent.lock().expect("no panic"));
            to.manager.read_event(&mut ends[1 - at].clone(), &bytes).expect("an honest peer");
        }
    }

    pub(crate) fn disconnect(&self, ends: &[End; 2]) {
        self.one.manager.socket_disconnected(&ends[0]);
        self.other.manager.socket_disconnected(&ends[1]);
    }

    /// Sends a message from one to the other.
    pub(crate) fn carry(&self, ends: &[End; 2], message: msgs::OnionMessage) {
        let before = self.other.queue.received.load(Ordering::Relaxed);
        self.one.queue.to_send.lock().expect("no panic").push_back(message);
        self.one.manager.process_events();
        let bytes = std::mem::take(&mut *ends[0].sent.lock().expect("no panic"));
        self.other.manager.read_event(&mut ends[1].clone(), &bytes).expect("an honest peer");
        // After 32 messages it sends no more until its ping has been answered.
        for _ in 0..2 {
            if self.other.queue.received.load(Ordering::Relaxed) == before {
                self.exchange(ends);
            }
        }
        assert_eq!(self.other.queue.received.load(Ordering::Relaxed), before + 1);
    }
}

/// The same message for `lightning`.
pub(crate) fn read(message: &OnionMessage) -> msgs::OnionMessage {
    msgs::OnionMessage::read_from_fixed_length_buffer(&mut message.payload()).expect("a message")
}
