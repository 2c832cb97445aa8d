//! What everybody learns who sees an offer.

use alloc::vec::Vec;
use core::fmt;

use bitcoin::Network;
use secp256k1::PublicKey;

use super::OfferFields;
use super::fields::OFFER_FIELDS;
use crate::error::Field;
use crate::field::{Chains, IntroductionNode, OfferAmount, Quantity, Text, named};
use crate::recurrence::FIELDS;
use crate::units::UnixTime;

/// Something that everybody learns who sees an offer: see [`OfferFields::reveals`].
///
/// `Display` gives a sentence for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revealed<'a> {
    /// Who is paid. There is no path, so requests go to the node with this id (OFR-11).
    NodeId(PublicKey),
    /// The key that signs invoices, while requests go over blinded paths. The issuer's node is hidden unless this is
    /// its id, and all offers with this key have one issuer. See [`names_node`](OfferFields::names_node).
    IssuerKey(PublicKey),
    /// Nothing about the issuer's node: there is no key but those of the paths, of which one signs invoices (IVW-3).
    NoIssuerKey,
    /// Where a path starts.
    Path {
        /// The number of the path, counted from 1.
        number: usize,
        /// The node at which it starts.
        introduction_node: IntroductionNode,
        /// How many hops there are, the first at this node. If it is the only one, the path hides nothing. Others may
        /// be dummy hops, which nobody can tell.
        hops: usize,
    },
    /// That the issuer put something into the offer that only it can read, and gets back with every request.
    Metadata,
    /// On which chains the issuer is paid; without this, it is bitcoin.
    Chains(Chains<'a>),
    /// What an item costs.
    Price(OfferAmount),
    /// What is offered, in the issuer's words.
    Description(Text<'a>),
    /// How long the offer can be used.
    Expiry(UnixTime),
    /// What the issuer calls itself. Nothing proves it.
    Issuer(Text<'a>),
    /// How many items can be had at once.
    Quantity(Quantity),
    /// Something else, which this crate knows, or somebody added.
    Other(Field),
}

impl OfferFields {
    /// What everybody learns who sees the offer: about the issuer's node first, then whatever the offer says. What the
    /// payer reveals, `exchange::Draft::reveals` says.
    ///
    /// ```
    /// use bolt12::{OfferBuilder, Revealed};
    ///
    /// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
    /// let offer = OfferBuilder::new(key).description("tea").build()?;
    /// let reveals = offer.reveals();
    /// // No path was added, so requests go to the node whose id is the key.
    /// assert_eq!(reveals[0], Revealed::NodeId(key));
    /// for revealed in reveals {
    ///     println!("- {revealed}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reveals(&self) -> Vec<Revealed<'_>> {
        let node = match (self.issuer_id(), self.paths()) {
            (Some(key), None) => Some(Revealed::NodeId(key)),
            (Some(key), Some(_)) => Some(Revealed::IssuerKey(key)),
            (None, Some(_)) => Some(Revealed::NoIssuerKey),
            // The fields of a refund, which has no issuer.
            (None, None) => None,
        };
        let paths = self.paths().into_iter().flatten().zip(1..).map(|(path, number)| Revealed::Path {
            number,
            introduction_node: path.introduction_node(),
            hops: path.hops().count(),
        });
        let said = [
            self.metadata().map(|_| Revealed::Metadata),
            self.chains().map(Revealed::Chains),
            self.amount().map(Revealed::Price),
            self.description().map(Revealed::Description),
            self.absolute_expiry().map(Revealed::Expiry),
            self.issuer().map(Revealed::Issuer),
            Some(self.quantity_max()).filter(|max| *max != Quantity::One).map(Revealed::Quantity),
        ];
        let others = self.records().map(|record| named(&[OFFER_FIELDS, FIELDS], record.number()));
        let others = others.filter(|field| !SAID.contains(field)).map(Revealed::Other);
        node.into_iter().chain(paths).chain(said.into_iter().flatten()).chain(others).collect()
    }

    /// Whether the offer names this node: as the issuer, or as the start of a path. Anyone who publishes an offer that
    /// hides its node asks this with the node's id.
    ///
    /// A path may start at one of the node's channels instead, which only who knows the channels can tell.
    pub fn names_node(&self, node_id: &PublicKey) -> bool {
        let start = IntroductionNode::from(*node_id);
        let mut paths = self.paths().into_iter().flatten();
        self.issuer_id() == Some(*node_id) || paths.any(|path| path.introduction_node() == start)
    }
}

/// The fields that [`OfferFields::reveals`] has words for.
const SAID: [Field; 10] = [
    Field::OFFER_CHAINS,
    Field::OFFER_METADATA,
    Field::OFFER_CURRENCY,
    Field::OFFER_AMOUNT,
    Field::OFFER_DESCRIPTION,
    Field::OFFER_ABSOLUTE_EXPIRY,
    Field::OFFER_PATHS,
    Field::OFFER_ISSUER,
    Field::OFFER_QUANTITY_MAX,
    Field::OFFER_ISSUER_ID,
];

/// A sentence for a person, without a full stop.
impl fmt::Display for Revealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeId(_) => f.write_str(
                "the issuer is not hidden: requests go to its key, which is the id of a node that everybody can find",
            ),
            Self::IssuerKey(_) => f.write_str(
                "requests go over a blinded path: the issuer's node is hidden, unless the issuer's key is its node id",
            ),
            Self::NoIssuerKey => f.write_str(
                "the issuer's node is hidden: requests go over a blinded path, and a key of the path signs the invoice",
            ),
            Self::Path { number, hops: 1, .. } => {
                write!(f, "path {number} has a single hop and hides nothing: it starts at the issuer's own node")
            }
            Self::Path { number, introduction_node, hops } => {
                let behind = hops.saturating_sub(1);
                let plural = if behind == 1 { "hop" } else { "hops" };
                write!(
                    f,
                    "path {number} starts at {introduction_node}; the issuer is at most {behind} {plural} behind it"
                )
            }
            Self::Metadata => {
                f.write_str("only the issuer knows what the offer's metadata means; each request repeats it")
            }
            Self::Chains(chains) => {
                f.write_str("the offer can be paid on")?;
                for (chain, place) in chains.iter().zip(0..) {
                    f.write_str(if place == 0 { " " } else { " or " })?;
                    match Network::try_from(chain) {
                        Ok(network) => write!(f, "{network}")?,
                        Err(_) => f.write_str("an unknown chain")?,
                    }
                }
                Ok(())
            }
            Self::Price(price) => write!(f, "one item costs {price}"),
            Self::Description(text) => write!(f, "the description is {text:?}"),
            Self::Expiry(time) => write!(f, "the offer expires at {time}, in seconds since 1970"),
            Self::Issuer(text) => write!(f, "the issuer calls itself {text:?}, which is not verified"),
            Self::Quantity(Quantity::One) => f.write_str("one item can be bought at once"),
            Self::Quantity(Quantity::Unlimited) => f.write_str("any number of items can be bought at once"),
            Self::Quantity(Quantity::AtMost(max)) => write!(f, "up to {max} items can be bought at once"),
            Self::Other(field) => match field.label() {
                Some(label) => write!(f, "the offer states its {label}"),
                None => write!(f, "the offer has field {}, which is unknown to this software", field.number()),
            },
        }
    }
}
