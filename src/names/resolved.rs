//! What a name stands for, and for how long.

use alloc::string::String;

use super::txt::txt_records;
use super::uri::BitcoinUri;
use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::HumanReadableName;
use crate::units::UnixTime;

/// What a name stands for: a `bitcoin:` URI, until it has to be looked up again.
///
/// `verify` makes it from a DNSSEC proof (feature `dnssec`). Show the name (as `₿user@domain`) beside what is paid, and
/// hand this to [`Draft::resolved`](crate::exchange::Draft::resolved), so that the request carries the name (NAM-9) and
/// nothing is begun with what is out of date (NAM-8).
///
/// ```
/// use bolt12::exchange::Payer;
/// use bolt12::{ChainHash, HumanReadableName, Msat, ResolvedName, UnixTime};
/// # let record = "bitcoin:?lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
/// # let (payer, now) = (Payer::new([0x42; 32]), UnixTime(1_800_000_000));
///
/// // The TXT records of the name, from a resolver on this machine that has checked their signatures.
/// let name = HumanReadableName::parse("alice@example.com")?;
/// let resolved = ResolvedName::from_records(&name, [record], UnixTime(now.0 + 3_600))?;
///
/// let uri = resolved.uri()?;
/// let offer = uri.offer(ChainHash::BITCOIN)?;
/// let draft = payer.draft(offer, now, &[ChainHash::BITCOIN])?.resolved(&resolved, now)?;
/// // Where the URI has an amount, and the offer no price, that is it.
/// let draft = draft.amount(uri.amount_for(offer)?.unwrap_or(Msat(5_000_000)));
/// assert!(draft.needs().is_empty());
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedName {
    name: HumanReadableName<'static>,
    text: String,
    keep_until: UnixTime,
}

impl ResolvedName {
    /// What a name stands for by its TXT records, as [`txt_records`] takes them.
    ///
    /// Nothing here shows that they are what the owner of the domain signed: anyone who calls this knows it, because a
    /// resolver on the same machine has validated them, or another library (NAM-6). `keep_until` is the last second at
    /// which they count: now, and the lowest signed time to live (NAM-8).
    ///
    /// # Errors
    ///
    /// As for [`txt_records`] (NAM-4), and [`InvalidLabel`](LinkFault::InvalidLabel) (NAM-3).
    pub fn from_records<R: AsRef<[u8]>>(
        name: &HumanReadableName<'_>,
        records: impl IntoIterator<Item = R>,
        keep_until: UnixTime,
    ) -> Result<Self, Error> {
        name.check_labels()?;
        Ok(Self { name: name.by_ref().into_owned(), text: txt_records(records)?, keep_until })
    }

    /// The name, to be shown beside what is paid (NAM-9).
    pub const fn name(&self) -> &HumanReadableName<'static> {
        &self.name
    }

    /// The URI as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI, read.
    ///
    /// # Errors
    ///
    /// As for [`BitcoinUri::read_text`].
    pub fn uri(&self) -> Result<BitcoinUri, Error> {
        self.text.parse()
    }

    /// The last second at which it counts: after that it has to be resolved again (NAM-8).
    pub const fn keep_until(&self) -> UnixTime {
        self.keep_until
    }
}

/// NAM-8
pub(crate) fn check_fresh(keep_until: UnixTime, now: UnixTime) -> Result<(), Error> {
    match now <= keep_until {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Link(LinkFault::StaleName { at: keep_until }), Rule::Nam8)),
    }
}
