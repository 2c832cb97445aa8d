//! The command line.

use std::num::NonZeroU64;

use bolt12::secp256k1::PublicKey;
use bolt12::{CurrencyCode, MinorUnits, Msat, OfferAmount, Rate};

use super::channel::{Channel, Given, read_secret};

pub(crate) const USAGE: &str = "\
Makes an offer and answers requests for it, as an issuer without a node, for tests and demonstrations. Without
--channel nobody can pay its invoices; with it, payments reach the node that has the same secret.

  serve_offers                        an offer for 3.50 USD, on 127.0.0.1:9735

  --listen ADDRESS:PORT    where to listen; port 0 takes a free one
  --price PRICE            3.50USD, 25sat, 25000msat, or `any`
  --rate PRICE[,PRICE…]    what a bitcoin costs in that currency: 100000.00 if not given. With several, each
                           request takes the next
  --description TEXT       what is sold
  --max-quantity NUMBER    up to so many at once
  --hide                   the offer leads here over a blinded path, and is signed with a key of its own
  --hide-key               the same, without a key: the end of the path signs
  --refund AMOUNT          publishes a refund of so much as well, with a signature and without
  --secret HEX             64 digits, from which all keys follow; new ones if not given
  --channel SCID           the channel, like 925117x12x0, over which invoices are paid …
  --through NODEID         … and the peer at its other end
  --base MSAT              what the peer charges for a payment: 1000 if not given …
  --ppm NUMBER             … and for each million of it: 10 if not given
  --cltv BLOCKS            by how many blocks the peer delays a payment: 34 if not given
  --height NUMBER          the block height, so that paths expire 144 blocks later; if not given they do not

It prints the address for `fetch_invoice --peer`, and the offer; then a line for each request.

Exit code: 0 when it is stopped; 1 if it cannot listen; 2 for a mistake in the command.
";

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) price: Option<OfferAmount>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) description: String,
    pub(crate) max_quantity: Option<NonZeroU64>,
    pub(crate) way: Way,
    pub(crate) refund: Option<Msat>,
    pub(crate) secret: Option<[u8; 32]>,
    /// The peer and its channel.
    pub(crate) through: Option<(PublicKey, Channel)>,
}

/// How the offer leads here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the node id, which signs.
    Node,
    /// Over a path, with a key of the offer's own.
    Path,
    /// Over a path, whose last key signs.
    PathAlone,
}

impl Options {
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let (mut listen, mut price, mut rates) = ("127.0.0.1:9735".to_owned(), "3.50USD", None);
        let (mut description, mut max_quantity, mut way) = ("a cup of coffee".to_owned(), None, Way::Node);
        let (mut refund, mut secret, mut channel, mut peer) = (None, None, Given::default(), None);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word {
                "--listen" => listen = value()?.to_owned(),
                "--price" => price = value()?,
                "--rate" => rates = Some(value()?),
                "--description" => description = value()?.to_owned(),
                "--max-quantity" => {
                    let wrong = |_| "--max-quantity wants a whole number, from 1";
                    max_quantity = Some(value()?.parse().map_err(wrong)?);
                }
                "--hide" => way = Way::Path,
                "--hide-key" => way = Way::PathAlone,
                "--refund" => refund = Some(read_msat(value()?).ok_or("--refund wants an amount like 25sat")?),
                "--secret" => secret = Some(read_secret(value()?).ok_or("--secret wants 64 hexadecimal digits")?),
                "--through" => peer = Some(value()?.parse().map_err(|_| "--through wants 66 hexadecimal digits")?),
                option if Given::knows(option) => channel.read(option, value()?)?,
                _ => return Err(format!("there is no option {word}; --help tells which there are")),
            }
        }
        let price = read_price(price)?;
        let rates = match price {
            Some(OfferAmount::Currency { currency, .. }) => read_rates(currency, rates.unwrap_or("100000.00"))?,
            _ if rates.is_some() => return Err("--rate is for a price in a currency".to_owned()),
            _ => Vec::new(),
        };
        let through = match (peer, channel.channel()?) {
            (Some(peer), Some(channel)) if secret.is_some() => Some((peer, channel)),
            (None, None) => None,
            _ => return Err("--channel, --through and --secret go together: whose channel is it?".to_owned()),
        };
        Ok(Self { listen, price, rates, description, max_quantity, way, refund, secret, through })
    }
}

fn read_msat(text: &str) -> Option<Msat> {
    match text.strip_suffix("msat") {
        Some(msat) => msat.parse().ok().map(Msat),
        None => text.strip_suffix("sat")?.parse::<u64>().ok()?.checked_mul(1_000).map(Msat),
    }
}

fn read_price(text: &str) -> Result<Option<OfferAmount>, String> {
    let wrong = || format!("{text:?} is no price like 3.50USD, 25sat, 25000msat or any");
    if text == "any" {
        return Ok(None);
    }
    if let Some(amount) = read_msat(text) {
        return Ok(Some(OfferAmount::Bitcoin(amount)));
    }
    let at = text.find(|c: char| c.is_ascii_uppercase()).ok_or_else(wrong)?;
    let (number, currency) = text.split_at(at);
    let currency: CurrencyCode = currency.parse().map_err(|_| wrong())?;
    let decimals = usize::from(decimals(currency)?);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > decimals {
        return Err(format!("{currency} has {decimals} decimals"));
    }
    let amount = format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| wrong())?;
    Ok(Some(OfferAmount::Currency { currency, amount: MinorUnits(amount) }))
}

fn read_rates(currency: CurrencyCode, text: &str) -> Result<Vec<Rate>, String> {
    let rates = text.split(',').map(|price| Rate::per_bitcoin(currency, price));
    rates.collect::<Result<_, _>>().map_err(|error| format!("--rate: {error}"))
}

fn decimals(currency: CurrencyCode) -> Result<u8, String> {
    currency.minor_unit().ok_or_else(|| format!("the decimals of {currency} are not known"))
}
