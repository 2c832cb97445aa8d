//! Looking a name up by onion messages: from `₿user@domain` to what it stands for (DNS-1 to DNS-4, feature `onion`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::exchange::action::Action;
use crate::exchange::dns::{DnsMessage, OutgoingDnsMessage, ReceivedProof};
use crate::exchange::ids::{LookupId, PathId};
use crate::exchange::message::{Destination, MessageArrival};
use crate::exchange::payer::keys::Payer;
use crate::exchange::schedule::{Retry, Schedule, is_open};
use crate::exchange::secret::Token;
use crate::field::HumanReadableName;
use crate::names::ResolvedName;
use crate::onion::DnssecQuery;
use crate::units::UnixTime;

/// The lookup of one name: asks resolvers for a DNSSEC proof, one after the other and again, until one is good.
///
/// It needs neither a DNS client nor trust in the resolvers, which announce
/// [`dns_resolver`](crate::Feature::DNS_RESOLVER_OPTIONAL). Each learns the name, and who asks as far as the reply path
/// tells. A lookup takes seconds, and is not saved: after a crash, begin another.
///
/// ```
/// # #[cfg(feature = "dnssec")] {
/// use bolt12::exchange::{Action, Draft, Inbound, LookupState, Messenger, NameLookup, Payer, Route};
/// use bolt12::onion::{OnionMessage, PeerMessage};
/// use bolt12::secp256k1::PublicKey;
/// use bolt12::{ChainHash, Error, HumanReadableName, ResolvedName, UnixTime};
///
/// # struct Wallet { messenger: Messenger, payer: Payer, peer: PublicKey, lookup: NameLookup }
/// # impl Wallet {
/// fn begin(&self, name: &str, resolver: PublicKey, entropy: [u8; 32], now: UnixTime) -> Result<NameLookup, Error> {
///     self.payer.look_up(&HumanReadableName::parse(name)?, &[resolver], entropy, now, UnixTime(now.0 + 30))
/// }
///
/// /// What to send to a peer because of the lookup.
/// fn send(&mut self, now: UnixTime, randomness: [u8; 32]) -> Result<Option<PeerMessage>, Error> {
///     let Action::Send(outgoing) = self.lookup.poll(now) else { return Ok(None) };
///     let route = Route { through: &[self.peer], reply_through: &[self.peer], ..Route::default() };
///     self.messenger.send_dns(&outgoing, &route, randomness).map(Some)
/// }
///
/// /// Message 513 came from a peer.
/// fn receive(&mut self, message: Vec<u8>, now: UnixTime) {
///     let Ok(message) = OnionMessage::read(message) else { return };
///     let Ok(Inbound::Proof(answer)) = self.messenger.receive(&message) else { return };
///     if self.payer.lookup_of(&answer.arrival) == Some(self.lookup.id()) {
///         let _ = self.lookup.receive(&answer, now, ResolvedName::verify); // see `NameLookup::state`
///     }
/// }
///
/// /// The payment, once the name is resolved.
/// fn draft(&self, now: UnixTime) -> Result<Option<Draft>, Error> {
///     let LookupState::Resolved(resolved) = self.lookup.state() else { return Ok(None) };
///     let uri = resolved.uri()?;
///     let draft = self.payer.draft(uri.offer(ChainHash::BITCOIN)?, now, &[ChainHash::BITCOIN])?;
///     draft.resolved(resolved, now).map(Some)
/// }
/// # }
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NameLookup {
    payer: Payer,
    id: LookupId,
    name: HumanReadableName<'static>,
    query: DnssecQuery<'static>,
    resolvers: Vec<PublicKey>,
    schedule: Schedule,
    deadline: UnixTime,
    /// The resolvers that answered with what does not count.
    closed: Vec<u8>,
    /// What was wrong with it.
    last_refusal: Option<Error>,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Asking,
    Resolved(ResolvedName),
    Ended(Option<Error>),
}

/// Where the lookup of a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupState<'a> {
    /// No proof that counts has come yet.
    Asking {
        /// How many queries were sent.
        attempts: u32,
    },
    /// What the name stands for.
    Resolved(&'a ResolvedName),
    /// Over: the deadline has passed, every resolver gave an answer that does not count, or the name stands for
    /// nothing. With what was wrong with the last answer, unless there was none.
    Ended(Option<&'a Error>),
}

impl Payer {
    /// Begins to look up a name by resolvers, which are asked one after the other and then again (at most 255 of them).
    /// Nothing is sent before it is [polled](NameLookup::poll). The entropy must be new; after the deadline it ends.
    ///
    /// # Errors
    ///
    /// [`InvalidLabel`](LinkFault::InvalidLabel) (NAM-3) and `TooLong` (DNS-1) for a name that cannot be looked up;
    /// [`NoResolver`](LinkFault::NoResolver) for an empty list.
    pub fn look_up(
        &self,
        name: &HumanReadableName<'_>,
        resolvers: &[PublicKey],
        entropy: [u8; 32],
        now: UnixTime,
        deadline: UnixTime,
    ) -> Result<NameLookup, Error> {
        let query = DnssecQuery::new(name)?;
        if resolvers.is_empty() {
            return Err(Error::new(ErrorKind::Link(LinkFault::NoResolver), Rule::Dns1));
        }
        let [ids, _] = self.lookups();
        let id = LookupId(ids.short(&[&entropy, query.name().as_bytes()]));
        let seed = u64::from_be_bytes(ids.short(&[&id.0]));
        Ok(NameLookup {
            payer: self.clone(),
            id,
            name: name.by_ref().into_owned(),
            query,
            resolvers: resolvers.iter().copied().take(u8::MAX.into()).collect(),
            schedule: Schedule::new(Retry::default(), now).seeded(seed),
            deadline,
            closed: Vec::new(),
            last_refusal: None,
            phase: Phase::Asking,
        })
    }

    /// Which lookup an answer belongs to (DNS-3). Costs a MAC. `None` if it came in another way.
    pub fn lookup_of(&self, arrival: &MessageArrival) -> Option<LookupId> {
        self.lookup_token(arrival).map(|token| LookupId(token.id))
    }

    fn lookup_token(&self, arrival: &MessageArrival) -> Option<Token> {
        let MessageArrival::Path(path_id) = arrival else { return None };
        let [_, paths] = self.lookups();
        Token::read(paths, path_id)
    }
}

impl NameLookup {
    /// Which lookup this is: what [`Payer::lookup_of`] finds in the path id of an answer.
    pub fn id(&self) -> LookupId {
        self.id
    }

    /// The name that is looked up.
    pub fn name(&self) -> &HumanReadableName<'static> {
        &self.name
    }

    /// How long to wait for answers, instead of about five seconds, growing to a minute.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.schedule = self.schedule.with(retry);
        self
    }

    /// The current state.
    pub fn state(&self) -> LookupState<'_> {
        match &self.phase {
            Phase::Asking => LookupState::Asking { attempts: self.schedule.attempts() },
            Phase::Resolved(resolved) => LookupState::Resolved(resolved),
            Phase::Ended(error) => LookupState::Ended(error.as_ref()),
        }
    }

    /// What to do now. Never blocks, and may be called at any time.
    pub fn poll(&mut self, now: UnixTime) -> Action<OutgoingDnsMessage> {
        if !matches!(self.phase, Phase::Asking) {
            return Action::Nothing;
        }
        if now > self.deadline {
            self.phase = Phase::Ended(self.last_refusal.take());
            return Action::Nothing;
        }
        let way = self.schedule.next(self.resolvers.len(), is_open(&self.closed), now);
        let asked = way.and_then(|way| Some((u8::try_from(way).ok()?, self.resolvers.get(way)?)));
        let Some((position, resolver)) = asked else {
            return Action::WaitUntil(self.schedule.next_at().min(self.deadline.next_second()));
        };
        let [_, paths] = self.payer.lookups();
        Action::Send(Box::new(OutgoingDnsMessage {
            message: DnsMessage::Query(self.query.clone()),
            destination: Destination::Node(*resolver),
            // DNS-3
            reply_path_id: Some(Token { id: self.id.0, generation: 0, position }.path_id(paths)),
        }))
    }

    /// Takes an answer. `verify` is `ResolvedName::verify` (feature `dnssec`), or whatever else verifies a proof in
    /// full for a name at a time (NAM-6, NAM-7).
    ///
    /// # Errors
    ///
    /// What is wrong with the answer, for a log. If it is the proof, or the name that it is for, that resolver is asked
    /// no more, and the others are (DNS-4): [poll](Self::poll). After the last of them, the lookup has ended; and also
    /// where the proof is good, and the name stands for no one link (NAM-4).
    ///
    /// `WrongArrival` for what came over another path than that of a query of this lookup (DNS-3), and
    /// `AlreadyAnswered`; neither changes anything.
    pub fn receive(
        &mut self,
        answer: &ReceivedProof,
        now: UnixTime,
        verify: impl FnOnce(&HumanReadableName<'_>, &[u8], UnixTime) -> Result<ResolvedName, Error>,
    ) -> Result<(), Error> {
        let token = self.payer.lookup_token(&answer.arrival).filter(|token| token.id == self.id.0);
        let token = token.ok_or(Error::new(ErrorKind::WrongArrival, Rule::Dns3))?;
        if !matches!(self.phase, Phase::Asking) || self.closed.contains(&token.position) {
            return Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Dns3));
        }
        let other_name = || Error::new(ErrorKind::Link(LinkFault::UnprovedName), Rule::Dns4);
        let proof = self.query.proof_in(&answer.proof).ok_or_else(other_name);
        let resolved = proof.and_then(|proof| verify(&self.name, proof, now));
        match resolved {
            Ok(resolved) if *resolved.name() == self.name => {
                self.phase = Phase::Resolved(resolved);
                Ok(())
            }
            Ok(_) => Err(self.refuse(token.position, other_name(), now)),
            Err(error) if is_final(&error) => {
                self.phase = Phase::Ended(Some(error.clone()));
                Err(error)
            }
            Err(error) => Err(self.refuse(token.position, error, now)),
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next resolver is asked at once.
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let token = self.payer.lookup_token(&MessageArrival::Path(*reply_path_id));
        if let Some(token) = token.filter(|token| token.id == self.id.0) {
            let open = is_open(&self.closed);
            self.schedule.unreachable(token.position.into(), self.resolvers.len(), open, now);
        }
    }

    /// Asks this resolver no more, and the next at once, if there is one.
    fn refuse(&mut self, position: u8, error: Error, now: UnixTime) -> Error {
        self.closed.push(position);
        self.last_refusal = Some(error.clone());
        self.schedule.hurry(now);
        if self.closed.len() >= self.resolvers.len() {
            self.phase = Phase::Ended(Some(error.clone()));
        }
        error
    }
}

/// Whether a proof that is good shows that nobody can be paid under the name: no other proof will show anything else.
fn is_final(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidUtf8 | ErrorKind::Link(LinkFault::NoPaymentRecord | LinkFault::SeveralPaymentRecords)
    )
}
