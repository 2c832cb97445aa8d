//! Makes payer proofs (PPW-1 to PPW-7).

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::hidden::Shape;
use super::leaves::{following, is_disclosable};
use super::values::Preimage;
use super::{PayerProof, TABLES, UNSIGNED};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::named;
use crate::invoice::Invoice;
use crate::message::Structure;
use crate::offer::OFFER_TYPES;
use crate::signature::merkle::{self, Nonces, Tree};
use crate::signature::{self, SIGNATURE_TYPES, Tag};
use crate::signed::Unsigned;
use crate::tlv::{TlvRecord, Writer, bigsize};

/// Fields that every proof shows (PPW-1), if the invoice has them.
const ALWAYS: [Field; 4] =
    [Field::INVREQ_PAYER_ID, Field::INVOICE_PAYMENT_HASH, Field::INVOICE_FEATURES, Field::INVOICE_NODE_ID];

/// What a receipt shows beside that: what was paid for, to whom, when and how much; and what it takes to tell that the
/// chain is bitcoin, which is that nothing is hidden around the place of `invreq_chain`. The issuer's key is
/// the payee's, the requested amount the one paid: they reveal nothing new.
const RECEIPT: [Field; 10] = [
    Field::OFFER_DESCRIPTION,
    Field::OFFER_ISSUER,
    Field::OFFER_QUANTITY_MAX,
    Field::OFFER_ISSUER_ID,
    Field::INVREQ_CHAIN,
    Field::INVREQ_AMOUNT,
    Field::INVREQ_FEATURES,
    Field::INVREQ_QUANTITY,
    Field::INVOICE_CREATED_AT,
    Field::INVOICE_AMOUNT,
];

/// What leads to somebody's node.
const PATHS: [Field; 4] = [Field::OFFER_PATHS, Field::INVREQ_PATHS, Field::INVOICE_PATHS, Field::INVOICE_BLINDEDPAY];

/// As many fields are tried, cheap ones first, and those whose types are near: more than an invoice has today.
const MOST_CANDIDATES: usize = 64;

/// How much it costs to show a field that nobody asked for; nothing for one that is not to be shown at any price. What
/// leads to somebody's node is shown after all others, and what the payer said is shown last.
fn price_of_showing(number: u64) -> Option<u8> {
    let field = Field::numbered(number);
    match number {
        0 => None,
        _ if is_experimental(number) || crate::field::find(&[crate::contacts::FIELDS], number).is_some() => None,
        _ if field == Field::INVREQ_PAYER_NOTE => Some(2),
        _ if PATHS.contains(&field) && field != Field::INVOICE_BLINDEDPAY => Some(1),
        _ => Some(0),
    }
}

/// Even fields beyond a thousand million, which other readers may not know.
fn is_experimental(number: u64) -> bool {
    number >= 1_000_000_000 && number % 2 == 0
}

/// What a proof will show, and what it will hide, before anything is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// The invoice's fields that everybody can read who sees the proof.
    pub revealed: Vec<Field>,
    /// The invoice's fields that stay hidden. That there are so many, and between which of the revealed ones,
    /// can be seen.
    pub hidden: Vec<Field>,
}

/// Makes a [`PayerProof`] from an invoice that was paid, and its preimage.
#[derive(Clone)]
#[must_use]
pub struct PayerProofBuilder<'a> {
    invoice: &'a Invoice,
    preimage: Preimage,
    revealed: BTreeSet<u64>,
    note: String,
    /// The first thing that went wrong, which `build` and `preview` report.
    refused: Option<Error>,
}

impl<'a> PayerProofBuilder<'a> {
    /// A proof that shows no more than it must: the two keys, the payment hash, and the invoice's features
    /// (PPW-1).
    pub fn minimal(invoice: &'a Invoice, preimage: Preimage) -> Self {
        let present = |number: &u64| invoice.tlvs().contains(*number);
        let revealed = ALWAYS.iter().map(Field::number).filter(present).collect();
        Self { invoice, preimage, revealed, note: String::new(), refused: None }
    }

    /// A proof that says what was paid for, to whom, how much and when, and on which chain.
    ///
    /// The chain cannot be told if the offer is known by its paths alone, which stay hidden: `invreq_chain` may hide
    /// among them.
    ///
    /// It is checked against [`ExpectedPayee::NodeId`](crate::ExpectedPayee::NodeId). To show which offer was paid, use
    /// [`without_paths`](Self::without_paths), or [`reveal`](Self::reveal) all of the offer's fields.
    pub fn receipt(invoice: &'a Invoice, preimage: Preimage) -> Self {
        let mut proof = Self::minimal(invoice, preimage);
        proof.revealed.extend(RECEIPT.iter().map(Field::number).filter(|number| invoice.tlvs().contains(*number)));
        proof
    }

    /// A proof that shows everything but the blinded paths and what they cost, `invreq_metadata`, which no proof shows,
    /// and even fields beyond a thousand million, as those of recurrence are: readers that do not know them refuse the
    /// proof. [Reveal](Self::reveal) these by name.
    pub fn without_paths(invoice: &'a Invoice, preimage: Preimage) -> Self {
        let mut proof = Self::minimal(invoice, preimage);
        let hidden = |number: &u64| is_experimental(*number) || PATHS.iter().any(|field| field.number() == *number);
        let numbers = invoice.tlvs().records().map(|record| record.number());
        proof.revealed.extend(numbers.filter(|number| is_disclosable(*number) && !hidden(number)));
        proof
    }

    /// Shows the offer, and beside it only what it takes for [`ExpectedPayee::Offer`](crate::ExpectedPayee::Offer):
    /// where something is hidden that might be a field of an offer, nobody can tell that this is all of it.
    ///
    /// The payment's paths are among them only if nothing else will do, and the payer's note only if not even these:
    /// [`preview`](Self::preview) says what is shown. Even fields beyond a thousand million, as those of recurrence
    /// are, stay hidden, since readers that do not know them refuse the proof: [reveal](Self::reveal) these by name.
    ///
    /// ```
    /// use bolt12::{Error, Invoice, PayerProof, PayerProofBuilder, Preimage, Unsigned};
    ///
    /// fn prove(invoice: &Invoice, preimage: Preimage, challenge: &str) -> Result<Unsigned<PayerProof>, Error> {
    ///     PayerProofBuilder::receipt(invoice, preimage).whole_offer().note(challenge).build()
    /// }
    /// ```
    pub fn whole_offer(mut self) -> Self {
        let offer = self.invoice.offer().records().map(|record| record.number());
        self.revealed.extend(offer.filter(|number| !is_experimental(*number)));
        self.leave_no_room(&OFFER_TYPES)
    }

    /// Shows on which chain was paid, and nothing else that it does not take: `invreq_chain` or, for bitcoin, what
    /// shows that it is not hidden. [`preview`](Self::preview) says which these are.
    pub fn show_chain(self) -> Self {
        let chain = Field::INVREQ_CHAIN.number();
        self.leave_no_room(&[chain..=chain])
    }

    /// Shows fields so that none of these types can be among those that are hidden, and none that is not needed for
    /// that. If there are no such fields, it shows nothing more.
    fn leave_no_room(mut self, types: &[RangeInclusive<u64>]) -> Self {
        let ends = || types.iter().flat_map(|range| [*range.start(), *range.end()]);
        let distance = |number: u64| ends().map(|end| end.abs_diff(number)).min();
        let hidden = self.leaves().map(|record| record.number()).filter(|number| !self.revealed.contains(number));
        let mut candidates: Vec<_> =
            hidden.filter_map(|number| Some((price_of_showing(number)?, distance(number), number))).collect();
        candidates.sort_unstable();
        let mut added = BTreeSet::new();
        let mut candidates = candidates.into_iter().map(|(.., number)| number).take(MOST_CANDIDATES);
        while !self.leaves_no_room(&added, types) {
            let Some(next) = candidates.next() else { return self };
            added.insert(next);
        }
        for number in added.clone() {
            added.remove(&number);
            if !self.leaves_no_room(&added, types) {
                added.insert(number);
            }
        }
        self.revealed.extend(added);
        self
    }

    fn leaves_no_room(&self, added: &BTreeSet<u64>, types: &[RangeInclusive<u64>]) -> bool {
        let leaves = self.leaves().map(|record| match record.number() {
            0 => Shape::Metadata,
            number if self.revealed.contains(&number) || added.contains(&number) => Shape::Shown(number),
            _ => Shape::Hidden,
        });
        !Shape::may_hide(leaves, types)
    }

    /// Shows a field of the invoice.
    pub fn reveal(mut self, field: Field) -> Self {
        if !is_disclosable(field.number()) {
            self.refuse(field, ErrorKind::Unexpected, Rule::Ppw2);
        } else if !self.invoice.tlvs().contains(field.number()) {
            self.refuse(field, ErrorKind::Missing, Rule::Ppw2);
        } else {
            self.revealed.insert(field.number());
        }
        self
    }

    /// Hides a field of the invoice that a ready choice would show; one that the invoice does not have is hidden
    /// already.
    pub fn hide(mut self, field: Field) -> Self {
        if ALWAYS.contains(&field) && self.invoice.tlvs().contains(field.number()) {
            self.refuse(field, ErrorKind::CannotBeHidden, Rule::Ppw1);
        }
        self.revealed.remove(&field.number());
        self
    }

    /// Something to say: a challenge that the verifier gave, so that the proof cannot be shown by others. An
    /// empty note is left out.
    pub fn note(mut self, note: &str) -> Self {
        self.note = note.to_owned();
        self
    }

    fn refuse(&mut self, field: Field, kind: ErrorKind, rule: Rule) {
        let name = named(&TABLES, field.number());
        self.refused.get_or_insert(Error::of(name, kind, rule));
    }

    /// What will be shown and what will be hidden.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn preview(&self) -> Result<Preview, Error> {
        self.check()?;
        let mut preview = Preview { revealed: Vec::new(), hidden: Vec::new() };
        for record in self.leaves() {
            let number = record.number();
            let field = named(&TABLES, number);
            if self.revealed.contains(&number) {
                preview.revealed.push(field);
            } else {
                preview.hidden.push(field);
            }
        }
        Ok(preview)
    }

    /// Checks everything, and makes the proof that the payer's key is to sign.
    ///
    /// # Errors
    ///
    /// `WrongPreimage` (PPW-6), `Unexpected` for a field that cannot be shown (PPW-2) and `Missing` for one that
    /// the invoice does not have, `CannotBeHidden` (PPW-1), `TooLong` (D7).
    pub fn build(self) -> Result<Unsigned<PayerProof>, Error> {
        self.check()?;
        let Hidden { markers, missing, nonces } = self.hidden();
        let shown =
            self.invoice.tlvs().records().filter(|record| {
                self.revealed.contains(&record.number()) || record.number() == Field::SIGNATURE.number()
            });
        let mut writer = Writer::over(shown, &[], self.invoice.as_bytes().len());
        writer.bytes(1001, &self.preimage.0);
        if !markers.is_empty() {
            writer.bytes(1002, &markers);
        }
        writer.bytes(1003, missing.as_flattened());
        writer.bytes(1004, nonces.as_flattened());
        if !self.note.is_empty() {
            writer.bytes(1005, self.note.as_bytes());
        }
        let known = self.invoice.known();
        let keys = *self.invoice.offer().message.keys();
        Ok(Unsigned::new(Structure::to_sign(&UNSIGNED, writer.finish(), known)?.with_keys(keys)))
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        // PPW-6
        if self.preimage.payment_hash() != self.invoice.payment_hash() {
            return Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Ppw6));
        }
        Ok(())
    }

    /// The records that the invoice's signature covers.
    fn leaves(&self) -> impl Iterator<Item = TlvRecord<'a>> + use<'a> {
        self.invoice.tlvs().records().filter(|record| !SIGNATURE_TYPES.contains(&record.number()))
    }

    /// One walk over the invoice's leaves: markers (PPW-4), missing hashes (PPW-5) and nonces (PPW-3). What is shown
    /// is not hashed: only whole subtrees that are hidden are.
    fn hidden(&self) -> Hidden {
        let count = self.invoice.tlvs().len();
        let mut hidden = Hidden {
            markers: Vec::with_capacity(count),
            missing: Vec::with_capacity(count),
            nonces: Vec::with_capacity(self.revealed.len()),
        };
        let mut tree = Tree::default();
        let mut last = 0;
        let first = self.leaves().next().map_or(&[][..], |record| record.as_bytes());
        let nonce_of = Nonces::new(first);
        let missing = &mut hidden.missing;
        let mut join = |left: Node, right: Node| match (left, right) {
            (Node::Hidden(left), Node::Hidden(right)) => Node::Hidden(merkle::branch(&left, &right)),
            (Node::Hidden(hash), Node::Revealed) | (Node::Revealed, Node::Hidden(hash)) => {
                missing.push(signature::to_bytes(&hash));
                Node::Revealed
            }
            (Node::Revealed, Node::Revealed) => Node::Revealed,
        };
        for record in self.leaves() {
            let number = record.number();
            let nonce = nonce_of.hash(number);
            if self.revealed.contains(&number) {
                hidden.nonces.push(signature::to_bytes(&nonce));
                last = number;
                tree.push(Node::Revealed, &mut join);
                continue;
            }
            if number != 0 {
                last = following(last);
                bigsize::write(&mut hidden.markers, last);
            }
            let hash = merkle::branch(&Tag::LEAF.hash(record.as_bytes()), &nonce);
            tree.push(Node::Hidden(hash), &mut join);
        }
        // The last joins; the root itself was verified when the invoice was read.
        tree.root(&mut join);
        hidden
    }
}

impl core::fmt::Debug for PayerProofBuilder<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PayerProofBuilder").field("revealed", &self.revealed).finish_non_exhaustive()
    }
}

/// What a proof holds in place of what it hides.
struct Hidden {
    markers: Vec<u8>,
    missing: Vec<[u8; 32]>,
    nonces: Vec<[u8; 32]>,
}

/// A node of the invoice's tree.
#[derive(Clone, Copy, Default)]
enum Node {
    /// Something below it is shown; its hash is for the reader to find.
    #[default]
    Revealed,
    /// Nothing below it is shown.
    Hidden(signature::Words),
}

#[cfg(test)]
mod tests {
    use super::*;

    // What leads to a node is shown after all that does not, and what the payer wrote after that.
    #[test]
    fn what_says_most_is_shown_last() {
        for (field, price) in [
            (Field::OFFER_DESCRIPTION, Some(0)),
            (Field::INVOICE_BLINDEDPAY, Some(0)),
            (Field::OFFER_PATHS, Some(1)),
            (Field::INVREQ_PATHS, Some(1)),
            (Field::INVOICE_PATHS, Some(1)),
            (Field::INVREQ_PAYER_NOTE, Some(2)),
            (Field::INVREQ_METADATA, None),
        ] {
            assert_eq!(price_of_showing(field.number()), price, "{field}");
        }
        assert_eq!([1_000_000_000, 1_000_000_001].map(price_of_showing), [None, Some(0)]);
        #[cfg(feature = "contacts")]
        assert_eq!(price_of_showing(Field::INVREQ_PAYER_BIP_353_NAME.number()), None);
    }
}
