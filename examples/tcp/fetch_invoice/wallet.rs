//! A wallet without a node: connects, asks, and waits.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bolt12::exchange::{ClaimState, EndReason, LookupState, OutgoingMessage, State};
use bolt12::peers::SendError;
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, IntroductionNode, Invoice, Msat, UnixTime};

use super::asking::{Wallet, What, seconds};
use super::beside::beside;
use super::failure::Failure;
use super::net::{Keys, Net, now, random};
use super::options::{Options, Subject, start_of};
use super::peering::Target;
use super::progress::Progress;

/// How long to listen for an objection to an invoice that was sent for a refund.
const OBJECTION: Duration = Duration::from_secs(5);

/// How often to look whether something happened.
const LOOK: Duration = Duration::from_millis(50);

/// Whether every path starts at a channel, as those of LDK nodes do. Where one names its start, it is the better way.
fn starts_at_channels(options: &Options) -> bool {
    let is_channel = |path: BlindedPath<'_>| matches!(path.introduction_node(), IntroductionNode::Channel { .. });
    options.subject.paths().is_some_and(|paths| paths.iter().all(is_channel))
}

/// Whether a peer speaks of a rate limit: "Ratelimited onion_message", "rate limit exceeded", or the like.
pub(crate) fn is_about_rate_limits(said: &str) -> bool {
    let letter = |c: char| if c.is_ascii_alphabetic() { c.to_ascii_lowercase() } else { ' ' };
    let words: String = [' '].into_iter().chain(said.chars().map(letter)).collect();
    words.contains(" ratelimit") || words.contains(" rate limit")
}

/// Does what was asked for.
pub(crate) fn run(options: &Options, progress: &mut Progress) -> Result<Invoice, Failure> {
    let keys = Keys::new(options.secret.unwrap_or_else(random)).map_err(Failure::misuse)?;
    let deadline = UnixTime(now().0.saturating_add(options.deadline.as_secs()));
    let wallet = Wallet::new(options, &keys, deadline)?;
    let net = Net::new(keys.node, wallet);
    let targets = options.peers.iter().map(|(id, address)| Target::new(*id, address.clone())).collect();
    let options = options.clone();
    let asked = Asked { options, net: Arc::clone(&net), targets, deadline, sent: Sent::default() };
    let result = asked.converse(progress);
    net.close();
    progress.clear();
    result
}

struct Asked {
    options: Options,
    net: Arc<Net<Wallet>>,
    targets: Vec<Target>,
    deadline: UnixTime,
    sent: Sent,
}

/// What became of what was sent.
#[derive(Default)]
struct Sent {
    last: Option<OutgoingMessage>,
    count: u32,
    failed: u32,
    why: String,
    waited: Duration,
}

impl Asked {
    /// Connects, as often as it takes, and waits for the end.
    fn converse(mut self, progress: &mut Progress) -> Result<Invoice, Failure> {
        loop {
            let mut is_new = false;
            for target in &mut self.targets {
                is_new |= target.turn(&self.net);
            }
            if self.targets.iter().any(Target::is_up) {
                // Who is connected again is asked again at once: what waited there is lost.
                if let (true, Some(last)) = (is_new, self.sent.last.clone()) {
                    self.send(last)?;
                }
                self.ask_for_name()?;
                while let Some(outgoing) = self.net.application.poll()? {
                    if !self.send(outgoing)? {
                        break;
                    }
                }
            } else if let Some(failure) = self.nobody(progress) {
                return Err(failure);
            }
            self.net.turn();
            self.take_name(progress)?;
            if let Some(result) = self.look(progress) {
                return result;
            }
            progress.turn();
            thread::sleep(LOOK);
        }
    }

    /// Asks the next resolver, if it is time, through a peer that is connected.
    fn ask_for_name(&mut self) -> Result<(), Failure> {
        while let Some(query) = self.net.application.poll_name() {
            match self.net.send_dns(&query) {
                Ok(_) => {}
                Err(SendError::Message(error)) => return Err(Failure::of(&error)),
                Err(error) => {
                    self.sent.why = error.to_string();
                    self.net.application.unreachable(query.reply_path_id.as_ref());
                    break;
                }
            }
        }
        Ok(())
    }

    /// Goes on with what the name stands for, once that is known.
    fn take_name(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let resolved = match &*self.net.application.look() {
            What::Name(lookup) => match lookup.state() {
                LookupState::Asking { attempts: 0 } => return Ok(()),
                LookupState::Asking { attempts } => {
                    progress.say(format!("looking up {} (query {attempts})", lookup.name()));
                    return Ok(());
                }
                LookupState::Resolved(resolved) => resolved.clone(),
                LookupState::Ended(Some(error)) => return Err(Failure::of(error)),
                LookupState::Ended(None) => {
                    let text = format!("no resolver answered in {}", seconds(self.options.deadline));
                    return Err(Failure::new("not_resolved", text));
                }
            },
            _ => return Ok(()),
        };
        self.net.application.resolved(&mut self.options, resolved, self.deadline)?;
        if let (Some(name), Some(link), Subject::Offer(offer)) =
            (&self.options.resolved, &self.options.link, &self.options.subject)
        {
            let beside = beside(link, offer, self.options.amount).map_or(String::new(), |beside| format!("; {beside}"));
            progress.keep(format!("{} stands for an offer{beside}", name.name()));
        }
        Ok(())
    }

    /// Nobody is connected: why, if that is to stay so.
    fn nobody(&mut self, progress: &mut Progress) -> Option<Failure> {
        let failures: Vec<_> = self.targets.iter().filter_map(Target::failure).collect();
        if failures.len() == self.targets.len() {
            let more: String = failures.iter().skip(1).map(|failure| format!("; {}", failure.text())).collect();
            let first = failures.first()?;
            return Some(Failure::new(first.code(), format!("{}{more}", first.text())));
        }
        if now() > self.deadline {
            let who: Vec<_> = self.targets.iter().map(|target| target.address.as_str()).collect();
            let text = format!("nobody was connected after {}: {}", seconds(self.options.deadline), who.join(", "));
            return Some(Failure::new("not_connected", text));
        }
        let doing: Vec<_> =
            self.targets.iter().filter(|target| target.failure().is_none()).map(Target::doing).collect();
        progress.say(doing.join("; "));
        None
    }

    /// Returns whether it is on its way.
    fn send(&mut self, outgoing: OutgoingMessage) -> Result<bool, Failure> {
        // Whose channel it is, is not known here. Any other peer cannot open what it gets, and drops it.
        let starts: Vec<_> = match starts_at_channels(&self.options) {
            true => self.targets.iter().filter(|target| target.is_up()).map(|target| Some(target.id)).collect(),
            false => vec![None],
        };
        let mut is_sent = false;
        for start in starts {
            match self.net.send_from(start, &outgoing) {
                Ok(_) => is_sent = true,
                Err(SendError::Message(error)) => return Err(Failure::of(&error)),
                Err(error) => self.sent.why = error.to_string(),
            }
        }
        if is_sent {
            self.sent.count += 1;
            self.sent.last = Some(outgoing);
        } else {
            self.sent.failed += 1;
            self.net.application.unreachable(outgoing.reply_path_id.as_ref());
        }
        Ok(is_sent)
    }

    /// Whether it is over, and what is happening.
    fn look(&mut self, progress: &mut Progress) -> Option<Result<Invoice, Failure>> {
        let net = Arc::clone(&self.net);
        let waiting = net.waiting();
        let mut what = net.application.look();
        match &mut *what {
            What::Payment(payment) => {
                let max = payment.max_amount();
                let next = match payment.state() {
                    State::Asking { attempts } => {
                        let ways = self.ways();
                        if self.sent.count == 0 && self.sent.failed >= ways {
                            return Some(Err(self.unreachable("no path of the offer")));
                        }
                        if attempts > 0 && self.targets.iter().any(Target::is_up) {
                            progress.say(asking(attempts, ways, waiting));
                        }
                        return None;
                    }
                    State::Quoted(quote) => quote.payment_hash(),
                    State::NeedsApproval { objection, .. } => {
                        progress.say(format!("not paid: {objection}"));
                        return None;
                    }
                    State::Ended(end) => return Some(Err(self.ended(end, Some(max)))),
                    State::Paying(_) | State::Paid(_) => return None,
                };
                match payment.begin(next, now(), None).map(|_| payment.state()) {
                    Ok(State::Paying(payable)) => Some(Ok(payable.invoice().clone())),
                    Ok(_) => None,
                    Err(error) => Some(Err(Failure::of(&error))),
                }
            }
            // Taken before.
            What::Name(_) => None,
            What::Claim(claim) => match claim.state() {
                ClaimState::Sending if self.sent.count == 0 && self.sent.failed > 0 => {
                    Some(Err(self.unreachable("no path of the refund")))
                }
                ClaimState::Sending if self.sent.waited > OBJECTION => Some(Ok(claim.invoice().clone())),
                ClaimState::Sending => {
                    if self.sent.count > 0 {
                        progress.say("the invoice is sent, listening whether somebody objects");
                        self.sent.waited += LOOK;
                    }
                    None
                }
                // Silence is all there is to hear.
                ClaimState::Ended(EndReason::Deadline) if self.sent.count > 0 => Some(Ok(claim.invoice().clone())),
                ClaimState::Ended(EndReason::Deadline) => {
                    let text = format!("the invoice could not be sent in {}", seconds(self.options.deadline));
                    Some(Err(Failure::new("deadline", text)))
                }
                ClaimState::Ended(end) => Some(Err(self.ended(end, None))),
                _ => Some(Ok(claim.invoice().clone())),
            },
        }
    }

    /// Over how many paths can be asked.
    fn ways(&self) -> u32 {
        self.options.subject.paths().map_or(1, |paths| u32::try_from(paths.count()).unwrap_or(u32::MAX))
    }

    fn unreachable(&self, what: &str) -> Failure {
        let text = format!("{what} can be reached through {}: {}", self.names(), self.sent.why);
        Failure::new("unreachable", text)
    }

    /// Those who were asked.
    fn names(&self) -> String {
        let were_up = self.targets.iter().filter(|target| target.was_up);
        let names: Vec<_> = were_up.map(|target| target.id.to_string()).collect();
        names.join(" or ")
    }

    fn ended(&self, end: &EndReason, max: Option<Msat>) -> Failure {
        match end {
            // The text is a stranger's: it is shown with everything escaped that could deceive.
            EndReason::Refused(told) => {
                let text = told.error().map_or("it does not say why".to_owned(), |text| text.to_string());
                let field = told.erroneous_field().and_then(|field| field.name());
                let field = field.map_or(String::new(), |field| format!(" (about {field})"));
                Failure::new("refused", format!("the issuer refused: {text}{field}"))
            }
            EndReason::Deadline => self.silence(),
            EndReason::TooExpensive { .. } | EndReason::OffPrice { .. } => {
                let allowed = max.map_or(String::new(), |max| format!("; allowed were {max}"));
                Failure::new("too_expensive", format!("{end}{allowed}"))
            }
            EndReason::QuoteExpired => Failure::new("expired", "every invoice had expired when it came"),
            _ => Failure::new("ended", end.to_string()),
        }
    }

    /// Why nothing came, as far as that can be guessed.
    fn silence(&self) -> Failure {
        let (time, names) = (seconds(self.options.deadline), self.names());
        let said = self.targets.iter().flat_map(|target| target.said.last().map(|said| (target.id, said)));
        let said: Vec<_> = said.collect();
        if let Some((id, said)) = said.iter().find(|(_, said)| is_about_rate_limits(said)) {
            let text = format!("no invoice came in {time}: {id} limits how often it is asked, and said {said:?}");
            return Failure::new("rate_limited", text);
        }
        if self.sent.count == 0 {
            let text = format!("nothing could be sent in {time}: {}", self.why_not_sent());
            return Failure::new("not_connected", text);
        }
        let is_peer = |id: PublicKey| self.targets.iter().any(|target| target.was_up && target.id == id);
        let guess = match (self.options.subject.paths(), self.options.subject.node_id()) {
            (None, Some(id)) if !is_peer(id) => {
                format!(
                    "the offer has no path, and {names} is not connected to its issuer {id}, or dropped the request"
                )
            }
            (None, _) => format!("{names} dropped the request"),
            (Some(_), _) if starts_at_channels(&self.options) => {
                format!("the offer's path starts at a channel, and that is none of {names}")
            }
            (Some(paths), _) => match paths.iter().filter_map(|path| start_of(&path)).find(|id| is_peer(*id)) {
                Some(id) => format!("{id}, where the offer's path starts, dropped the request"),
                None => format!(
                    "{names} is not connected to the node where the offer's path starts, and dropped the request"
                ),
            },
        };
        let last = said.last().map_or(String::new(), |(id, said)| format!("; {id} said {said:?}"));
        Failure::new("deadline", format!("no invoice came in {time}: either nobody is there, or {guess}{last}"))
    }

    fn why_not_sent(&self) -> String {
        if self.sent.why.is_empty() { "nobody was connected".to_owned() } else { self.sent.why.clone() }
    }
}

/// What is happening while an answer is waited for.
fn asking(attempts: u32, ways: u32, waiting: usize) -> String {
    let path = attempts.saturating_sub(1) % ways + 1;
    let again = if attempts > ways { ", retrying" } else { "" };
    let waits = match waiting {
        0 => String::new(),
        waiting => format!("; {waiting} messages wait until the peer takes them"),
    };
    format!("asking over path {path} of {ways}{again} (attempt {attempts}){waits}")
}

/// Whether what is asked for is one of ours to be paid.
pub(crate) fn is_claim(options: &Options) -> bool {
    matches!(options.subject, Subject::Refund(_))
}
