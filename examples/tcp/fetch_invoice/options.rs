//! The command line.

use std::time::Duration;

use bolt12::bitcoin::{Amount, Denomination};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    BitcoinUri, BlindedPath, BlindedPaths, Bolt12, HumanReadableName, IntroductionNode, Msat, Offer, Pasted, Refund,
    ResolvedName,
};

use super::channel::{Channel, Given, read_secret};
use super::failure::Failure;

pub(crate) const USAGE: &str = "\
Fetches the invoice for an offer, as a wallet without a node: connects to a Lightning node over TCP, asks with an
onion message, and checks what comes back.

  fetch_invoice OFFER --peer NODEID@HOST:PORT     prints the invoice
  fetch_invoice --refund REFUND --peer …          asks to be paid a refund (lnr1…)
  fetch_invoice NAME --resolver NODEID --peer …   looks a name up first, such as alice@example.com

With several --peer it asks through all of them. One without NODEID@ is the node where the offer's path starts, or that of
its issuer. OFFER may stand in a `bitcoin:` link, whose amount is paid if the offer has no price.

  --amount AMOUNT      what to pay, for an offer without a price, or to pay more
  --quantity NUMBER    how many items
  --note TEXT          something to say to the issuer
  --max AMOUNT         the most to pay, for an offer in another currency
  --rate PRICE         what a bitcoin costs in that currency, for example 100000.00 …
  --tolerance PERCENT  … and how far the invoice may be from that: 2 if not given
  --resolver NODEID    who is asked what a name stands for: a node that announces dns_resolver
  --deadline SECONDS   how long to wait, with the time to connect: 60 if not given

For a refund, the channel that the node --peer has with this one, without which nobody can pay the invoice:

  --channel SCID       the channel, like 925117x12x0
  --secret HEX         64 digits, from which the keys of the node with the channel follow
  --base MSAT          what the peer charges for a payment: 1000 if not given …
  --ppm NUMBER         … and for each million of it: 10 if not given
  --cltv BLOCKS        by how many blocks the peer delays a payment: 34 if not given
  --height NUMBER      the block height, so that the path expires 144 blocks later; if not given it does not

An AMOUNT has a unit: 25sat, 25000msat or 0.00000025btc.

The first line of the output is the invoice, and a summary follows. `decode` shows every field of an invoice.

Exit code: 0; 1 without an invoice; 2 for a mistake in the command.
";

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) subject: Subject,
    /// The nodes that are asked what a name stands for.
    pub(crate) resolvers: Vec<PublicKey>,
    /// What the name stands for, once that is known.
    pub(crate) resolved: Option<ResolvedName>,
    /// The link that the offer came in.
    pub(crate) link: Option<Box<BitcoinUri>>,
    /// Nodes, each with host and port.
    pub(crate) peers: Vec<(PublicKey, String)>,
    pub(crate) amount: Option<Msat>,
    pub(crate) quantity: Option<u64>,
    pub(crate) note: Option<String>,
    pub(crate) max: Option<Msat>,
    pub(crate) rate: Option<String>,
    pub(crate) tolerance_basis_points: Option<u32>,
    pub(crate) deadline: Duration,
    pub(crate) secret: Option<[u8; 32]>,
    /// The peer's channel with this node.
    pub(crate) channel: Option<Channel>,
}

#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Offer(Box<Offer>),
    Refund(Box<Refund>),
    /// What has to be looked up first.
    Name(Box<HumanReadableName<'static>>),
}

impl Options {
    /// Reads the words of the command line, without `--help`.
    pub(crate) fn read(words: &[String]) -> Result<Self, Failure> {
        let (mut offer, mut refund, mut peers) = (None, None, Vec::new());
        let (mut amount, mut quantity, mut note, mut max, mut rate) = (None, None, None, None, None);
        let (mut tolerance_basis_points, mut deadline) = (None, Duration::from_secs(60));
        let (mut secret, mut channel, mut resolvers) = (None, Given::default(), Vec::new());
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                if offer.replace(word).is_some() {
                    return Err(Failure::misuse("there is more than one offer"));
                }
                continue;
            }
            let mut value = || words.next().ok_or_else(|| Failure::misuse(format!("{word} wants a value")));
            match word {
                "--peer" => peers.push(value()?),
                "--refund" => refund = Some(value()?),
                "--resolver" => {
                    let wrong = |_| Failure::misuse("--resolver wants a node id: 66 hexadecimal digits");
                    resolvers.push(value()?.parse().map_err(wrong)?);
                }
                "--amount" => amount = Some(read_amount(value()?)?),
                "--max" => max = Some(read_amount(value()?)?),
                "--quantity" => match number(word, value()?)? {
                    0 => return Err(Failure::misuse("--quantity is 1 at least")),
                    items => quantity = Some(items),
                },
                "--note" => note = Some(value()?.to_owned()),
                "--rate" => rate = Some(value()?.to_owned()),
                "--tolerance" => tolerance_basis_points = Some(read_percent(value()?)?),
                "--deadline" => deadline = Duration::from_secs(number(word, value()?)?),
                "--secret" => {
                    let wrong = || Failure::misuse("--secret wants 64 hexadecimal digits");
                    secret = Some(read_secret(value()?).ok_or_else(wrong)?);
                }
                option if Given::knows(option) => channel.read(option, value()?).map_err(Failure::misuse)?,
                _ => return Err(Failure::misuse(format!("there is no option {word}; --help tells which there are"))),
            }
        }
        let text = offer.or(refund).unwrap_or_default();
        let subject = match (offer, refund) {
            (Some(offer), None) => read_subject(offer)?,
            (None, Some(refund)) => match read_subject(refund)? {
                refund @ Subject::Refund(_) => refund,
                _ => return Err(Failure::misuse("that is an offer, not a refund: leave out --refund")),
            },
            (None, None) => return Err(Failure::misuse("no offer was given; --help tells more")),
            (Some(_), Some(_)) => return Err(Failure::misuse("either an offer or a refund")),
        };
        // What would have no effect is a misunderstanding.
        let terms = [
            ("--amount", amount.is_some()),
            ("--max", max.is_some()),
            ("--quantity", quantity.is_some()),
            ("--note", note.is_some()),
            ("--rate", rate.is_some()),
            ("--tolerance", tolerance_basis_points.is_some()),
        ];
        match (&subject, terms.iter().find(|(_, is_given)| *is_given)) {
            (Subject::Refund(_), Some((option, _))) => {
                return Err(Failure::misuse(format!("{option} is for offers: a refund says all of that")));
            }
            (Subject::Name(_), _) if resolvers.is_empty() => {
                return Err(Failure::misuse("a name has to be looked up: --resolver NODEID says by whom"));
            }
            (Subject::Offer(_) | Subject::Refund(_), _) if !resolvers.is_empty() => {
                return Err(Failure::misuse("--resolver is for a name, such as alice@example.com"));
            }
            (Subject::Offer(offer), _) if rate.is_some() && offer.currency().is_none() => {
                return Err(Failure::misuse("--rate is for an offer with a price in another currency"));
            }
            _ => {}
        }
        let link = match Pasted::read(text) {
            Ok(Pasted::Uri(link)) => Some(link),
            _ => None,
        };
        // URI-5
        if let (Some(link), Subject::Offer(offer), None) = (&link, &subject, amount) {
            amount = link.amount_for(offer).map_err(|error| Failure::misuse(error.to_string()))?;
        }
        if tolerance_basis_points.is_some() && (rate.is_none() || max.is_some()) {
            return Err(Failure::misuse("--tolerance is for --rate, and without --max"));
        }
        let channel = channel.channel().map_err(Failure::misuse)?;
        match (&subject, &channel) {
            (Subject::Offer(_) | Subject::Name(_), Some(_)) => {
                return Err(Failure::misuse("--channel is for --refund"));
            }
            (_, Some(_)) if secret.is_none() => {
                return Err(Failure::misuse("--channel wants --secret as well: whose channel is it?"));
            }
            _ => {}
        }
        if peers.is_empty() {
            return Err(Failure::misuse("--peer NODEID@HOST:PORT is missing"));
        }
        let peers = peers.into_iter().map(|peer| read_peer(peer, &subject)).collect::<Result<_, _>>()?;
        Ok(Self {
            subject,
            resolvers,
            resolved: None,
            link,
            peers,
            amount,
            quantity,
            note,
            max,
            rate,
            tolerance_basis_points,
            deadline,
            secret,
            channel,
        })
    }
}

fn read_subject(text: &str) -> Result<Subject, Failure> {
    if let Ok(Pasted::Name(name)) = Pasted::read(text) {
        return Ok(Subject::Name(Box::new(name.into_owned())));
    }
    match text.parse::<Bolt12>() {
        Ok(Bolt12::Offer(offer)) => Ok(Subject::Offer(offer)),
        Ok(Bolt12::Refund(refund)) => Ok(Subject::Refund(refund)),
        Ok(_) => Err(Failure::misuse("that is neither an offer nor a refund; `decode` shows what it is")),
        Err(error) => Err(Failure::misuse(error.to_string())),
    }
}

impl Subject {
    pub(crate) fn paths(&self) -> Option<BlindedPaths<'_>> {
        match self {
            Self::Offer(offer) => offer.paths(),
            Self::Refund(refund) => refund.paths(),
            Self::Name(_) => None,
        }
    }

    /// The node that is reached without a path.
    pub(crate) fn node_id(&self) -> Option<PublicKey> {
        match self {
            Self::Offer(offer) => offer.issuer_id(),
            Self::Refund(refund) => Some(refund.payer_id()),
            Self::Name(_) => None,
        }
    }

    /// The node where the first message goes, if that is said.
    fn start(&self) -> Option<PublicKey> {
        match self.paths().and_then(|paths| paths.iter().next()) {
            None => self.node_id(),
            Some(path) => start_of(&path),
        }
    }
}

/// The node where a path starts, if it names no channel instead.
pub(crate) fn start_of(path: &BlindedPath<'_>) -> Option<PublicKey> {
    match path.introduction_node() {
        IntroductionNode::NodeId(point) => point.public_key().ok(),
        IntroductionNode::Channel { .. } => None,
    }
}

fn read_peer(text: &str, subject: &Subject) -> Result<(PublicKey, String), Failure> {
    let wrong = || Failure::misuse("a peer looks like NODEID@HOST:PORT, with 66 hexadecimal digits before the @");
    let nameless = || Failure::misuse("what is asked for names no node, so --peer has to: NODEID@HOST:PORT");
    let (id, address) = match text.split_once('@') {
        Some((id, address)) => (id.parse().map_err(|_| wrong())?, address),
        None if text.contains(':') => (subject.start().ok_or_else(nameless)?, text),
        None => return Err(wrong()),
    };
    match address.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok((id, address.to_owned())),
        _ => Err(wrong()),
    }
}

/// An amount with its unit: without one, somebody would be wrong by a factor of a thousand.
pub(crate) fn read_amount(text: &str) -> Result<Msat, Failure> {
    let wrong = || Failure::misuse(format!("{text:?} is no amount like 25sat, 25000msat or 0.00000025btc"));
    let digits = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    if let Some(msat) = text.strip_suffix("msat") {
        return digits(msat).map(Msat);
    }
    let sat = match (text.strip_suffix("sat"), text.strip_suffix("btc")) {
        (Some(sat), _) => digits(sat)?,
        (_, Some(btc)) => Amount::from_str_in(btc.trim(), Denomination::Bitcoin).map_err(|_| wrong())?.to_sat(),
        _ => return Err(wrong()),
    };
    sat.checked_mul(1_000).map(Msat).ok_or_else(wrong)
}

fn read_percent(text: &str) -> Result<u32, Failure> {
    let wrong = || Failure::misuse(format!("{text:?} is no percentage with at most two decimals"));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 2 {
        return Err(wrong());
    }
    format!("{whole}{decimals:0<2}").parse().map_err(|_| wrong())
}

fn number(option: &str, text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::misuse(format!("{option} wants a whole number, not {text:?}")))
}
