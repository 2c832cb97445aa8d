//! The exchange on an LDK node, over its `OnionMessenger`.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use std::sync::Mutex;

use ldk::blinded_path::message::{MessageContext, MessageForwardNode, OffersContext};
use ldk::blinded_path::payment::ReceiveTlvs;
use ldk::ln::channel_state::ChannelDetails;
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::offers::invoice::Bolt12Invoice;
use ldk::offers::invoice_request::InvoiceRequest;
use ldk::onion_message::messenger::{
    Destination as TheirDestination, MessageRouter, MessageSendInstructions, Responder, ResponseInstruction,
};
use ldk::onion_message::offers::{OffersMessage, OffersMessageHandler};
use ldk::routing::router::Router;
use ldk::sign::ReceiveAuthKey;
use ldk::types::payment::PaymentHash;
use ldk::util::ser::Writeable;
use secp256k1::{PublicKey, Secp256k1, Signing, Verification};

use super::application::{Application, NotOurs, lock};
use super::convert::{ConversionError, from_payment_path};
use super::desk::Desk;
use crate::exchange::{Destination, IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage, PathId};
use crate::field::{BlindedPath, PayInfo};
use crate::tlv::TlvStream;
use crate::units::{Msat, UnixTime};

/// How many messages wait to be sent at most. The node asks for them whenever it handles its peers.
const MAX_PENDING: usize = 1_000;

/// What to put into a path that the node makes, so that it says over which of our paths a message came.
///
/// An LDK node does not put bytes of our choice into its paths, and does not read paths that hold a `path_id`. It
/// hands back a context, which it authenticates itself. This one holds 32 bytes and nothing else. LDK itself uses it
/// for payment hashes; the two are told apart by the MAC in a [`PathId`].
pub fn context(path_id: &PathId) -> OffersContext {
    OffersContext::InboundPayment { payment_hash: PaymentHash(path_id.0) }
}

/// How a message came: the way back from [`context`].
pub fn arrival(context: Option<&OffersContext>) -> MessageArrival {
    match context {
        None => MessageArrival::Direct,
        Some(OffersContext::InboundPayment { payment_hash }) => MessageArrival::Path(PathId(payment_hash.0)),
        Some(_) => MessageArrival::OtherPath,
    }
}

/// The way of an answer. `lightning` hides it, except from anyone who writes it down.
fn reply_path(responder: &Responder) -> Option<BlindedPath<'static>> {
    let bytes = responder.encode();
    let (_, start) = crate::tlv::bigsize::read(&bytes, 0).ok()?;
    let tlvs = TlvStream::read(bytes.get(start..)?.to_vec()).ok()?;
    BlindedPath::from_bytes(tlvs.value(0)?).ok().map(BlindedPath::into_owned)
}

/// What an LDK node needs to send a message: for
/// [`send_onion_message`](ldk::onion_message::messenger::OnionMessenger::send_onion_message). Its router makes the
/// reply path; where a node is not known to others, it has to start at a peer that is.
///
/// # Errors
///
/// What has no counterpart: see [`ConversionError`].
pub fn instructions(outgoing: &OutgoingMessage) -> Result<(OffersMessage, MessageSendInstructions), ConversionError> {
    let message = OffersMessage::try_from(&outgoing.message)?;
    let destination = match &outgoing.destination {
        Destination::Node(id) => TheirDestination::Node(*id),
        Destination::Path(path) => TheirDestination::BlindedPath(path.try_into()?),
    };
    let instructions = match &outgoing.reply_path_id {
        Some(path_id) => {
            MessageSendInstructions::WithReplyPath { destination, context: MessageContext::Offers(context(path_id)) }
        }
        None => MessageSendInstructions::WithoutReplyPath { destination },
    };
    Ok((message, instructions))
}

/// Paths for an offer or a refund, made by the node's router, at most so many.
///
/// Each position has its own path id ([`NewOffer::path_id`](crate::exchange::NewOffer::path_id),
/// [`NewRefund::path_id`](crate::exchange::NewRefund::path_id)), so the router is asked once for each. Of what it
/// gives, the first path is taken that starts where none does yet, or fewer than among these. LDK's routers make one
/// path for a node that is announced, and up to three for one that is not, through that many of `peers` which are, or
/// through the only one.
///
/// LDK's default router names the start by a channel. Anyone who knows no gossip cannot find that, and nobody can once
/// the channel is closed: for what is to last, and for payers without a node, give the
/// [`NodeIdMessageRouter`](ldk::onion_message::messenger::NodeIdMessageRouter).
///
/// # Errors
///
/// [`NoPath`] if the router makes none.
pub fn message_paths<R, T>(
    router: &R,
    recipient: PublicKey,
    receive_auth_key: ReceiveAuthKey,
    peers: &[MessageForwardNode],
    max: u8,
    path_id: impl Fn(u8) -> PathId,
    secp: &Secp256k1<T>,
) -> Result<Vec<BlindedPath<'static>>, NoPath>
where
    R: MessageRouter + ?Sized,
    T: Signing + Verification,
{
    let mut made: Vec<BlindedPath<'static>> = Vec::new();
    for position in 0..max {
        let context = MessageContext::Offers(context(&path_id(position)));
        let paths = router.create_blinded_paths(recipient, receive_auth_key, context, peers.to_vec(), secp);
        // The order may be another one each time: what counts is where a path starts.
        let mut starts: Vec<_> = made.iter().map(BlindedPath::introduction_node).collect();
        let is_new = |path: &BlindedPath<'_>| {
            let taken = starts.iter().position(|start| *start == path.introduction_node());
            taken.map(|at| starts.swap_remove(at)).is_none()
        };
        let Some(path) = paths.iter().flatten().flat_map(BlindedPath::try_from).find(is_new) else { break };
        made.push(path);
    }
    if made.is_empty() { Err(NoPath) } else { Ok(made) }
}

/// Paths for an invoice, made by the node's router, with what they cost.
///
/// `tlvs` hold the payment secret that the node's
/// [`create_inbound_payment`](ldk::ln::channelmanager::ChannelManager::create_inbound_payment) gave with the hash, and
/// what the node is told when it is paid. A payer's note does not belong there: payments have no room for it.
///
/// LDK's router takes channels that carry `amount`, and then the peer's fee off what they carry: where a path's
/// `htlc_maximum_msat` is less, the invoice can only be paid in parts
/// ([`MultiPart::Allowed`](crate::MultiPart::Allowed)).
///
/// # Errors
///
/// [`NoPath`] if the router makes none.
pub fn payment_paths<R, T>(
    router: &R,
    recipient: PublicKey,
    first_hops: Vec<ChannelDetails>,
    tlvs: ReceiveTlvs,
    amount: Msat,
    secp: &Secp256k1<T>,
) -> Result<Vec<(BlindedPath<'static>, PayInfo<'static>)>, NoPath>
where
    R: Router + ?Sized,
    T: Signing + Verification,
{
    let made = router.create_blinded_payment_paths(recipient, first_hops, tlvs, Some(amount.0), secp);
    let paths: Result<Vec<_>, _> = made.map_err(|()| NoPath)?.iter().map(from_payment_path).collect();
    paths.ok().filter(|paths| !paths.is_empty()).ok_or(NoPath)
}

/// The router made no path: the node is unknown to others and has no peer through which messages can reach it, or no
/// channel through which payments of this amount can. LDK's routers go through a peer that is unknown, too, only if
/// there is no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no path to this node")]
pub struct NoPath;

/// Nobody takes what is to be sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many messages are waiting to be sent")]
struct Full;

/// Runs a [`Desk`] on an LDK node: the `offers_handler` of its
/// [`OnionMessenger`](ldk::onion_message::messenger::OnionMessenger).
///
/// Messages that are not for the desk go to `inner`: the node's
/// [`ChannelManager`](ldk::ln::channelmanager::ChannelManager), or nobody.
///
/// What LDK does not read never gets here: requests for offers in another currency than bitcoin and of subscriptions,
/// invoices for those, and errors of other nodes, since LDK expects (and writes) a length in front of them.
/// [`OnionPeers`] reads them; both can run on one node, each with its own desk: payments of such offers are given up
/// here.
///
/// [`OnionPeers`]: super::OnionPeers
pub struct OffersHandler<D, H = IgnoringMessageHandler> {
    desk: D,
    inner: H,
    pending: Mutex<VecDeque<(OffersMessage, MessageSendInstructions)>>,
}

impl<A, D, H> OffersHandler<D, H>
where
    A: Application,
    D: Deref<Target = Desk<A>>,
    H: Deref,
    H::Target: OffersMessageHandler,
{
    /// A handler for a desk, and for what is not for it.
    pub fn new(desk: D, inner: H) -> Self {
        Self { desk, inner, pending: Mutex::default() }
    }

    /// The desk.
    pub fn desk(&self) -> &Desk<A> {
        &self.desk
    }

    /// Polls the desk, and gives the node what is to be sent: let it
    /// [handle its peers](ldk::ln::peer_handler::PeerManager::process_events) now. Returns when to come again; come
    /// after every change of a payment, too.
    pub fn poll(&self) -> Option<UnixTime> {
        let due = self.desk.poll();
        let sent = due.send.iter().filter(|outgoing| self.send_or_tell(outgoing)).count();
        // What cannot be sent one way is tried the next way, at once.
        if sent < due.send.len() { Some(self.desk.application().now()) } else { due.next }
    }

    /// Sends a message, for example an answer that took time. What cannot be sent is told to
    /// [`Application::not_sent`], and what has no counterpart is [given up](Desk::unsendable). Whether LDK finds a way
    /// is not known: it says so only to who calls its `send_onion_message`, with [`instructions`], and can tell
    /// [`Desk::unreachable`].
    pub fn send(&self, outgoing: &OutgoingMessage) {
        self.send_or_tell(outgoing);
    }

    fn send_or_tell(&self, outgoing: &OutgoingMessage) -> bool {
        let application = self.desk.application();
        match instructions(outgoing) {
            Ok(message) => match self.queue(message) {
                Ok(()) => return true,
                Err(error) => {
                    application.not_sent(outgoing, &error);
                    self.desk.unreachable(outgoing);
                }
            },
            Err(error) => {
                application.not_sent(outgoing, &error);
                // Is it the message, or the path?
                match OffersMessage::try_from(&outgoing.message) {
                    Ok(_) => self.desk.unreachable(outgoing),
                    Err(_) => self.desk.unsendable(outgoing),
                }
            }
        }
        false
    }

    fn queue(&self, message: (OffersMessage, MessageSendInstructions)) -> Result<(), Full> {
        let mut pending = lock(&self.pending);
        if pending.len() >= MAX_PENDING {
            return Err(Full);
        }
        pending.push_back(message);
        Ok(())
    }

    /// Gives a message to the desk. Returns an answer, which goes over the reply path.
    fn receive(
        &self,
        message: &OffersMessage,
        arrival: MessageArrival,
        responder: Option<&Responder>,
    ) -> Result<Option<OutgoingMessage>, NotOurs> {
        let receive = |kind, bytes, responder: Option<&Responder>| {
            let reply_path = responder.and_then(reply_path);
            self.desk.receive(IncomingMessage { kind, bytes, arrival, reply_path }, None)
        };
        match message {
            OffersMessage::InvoiceRequest(message) => {
                receive(OffersMessageKind::InvoiceRequest, InvoiceRequest::encode(message), responder)
            }
            // EXC-19: nobody is told what is wrong with an invoice.
            OffersMessage::Invoice(message) => {
                receive(OffersMessageKind::Invoice, Bolt12Invoice::encode(message), None)
            }
            OffersMessage::InvoiceError(error) => {
                let bytes = error.encode();
                let bytes = crate::invoice_error::without_length(&bytes).to_vec();
                receive(OffersMessageKind::InvoiceError, bytes, None)
            }
            OffersMessage::StaticInvoice(_) => Err(NotOurs),
        }
    }
}

impl<A, D, H> OffersMessageHandler for OffersHandler<D, H>
where
    A: Application,
    D: Deref<Target = Desk<A>>,
    H: Deref,
    H::Target: OffersMessageHandler,
{
    fn handle_message(
        &self,
        message: OffersMessage,
        context: Option<OffersContext>,
        responder: Option<Responder>,
    ) -> Option<(OffersMessage, ResponseInstruction)> {
        match self.receive(&message, arrival(context.as_ref()), responder.as_ref()) {
            Ok(answer) => {
                // It goes over the reply path, as what LDK would be told to respond with.
                answer.iter().for_each(|answer| self.send(answer));
                None
            }
            Err(NotOurs) => self.inner.handle_message(message, context, responder),
        }
    }

    fn release_pending_messages(&self) -> Vec<(OffersMessage, MessageSendInstructions)> {
        let mut messages: Vec<_> = lock(&self.pending).drain(..).collect();
        messages.extend(self.inner.release_pending_messages());
        messages
    }
}

impl<D, H> fmt::Debug for OffersHandler<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffersHandler").field("pending", &lock(&self.pending).len()).finish_non_exhaustive()
    }
}
