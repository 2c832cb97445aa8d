//! BIP 353 names: `₿user@domain`.

use alloc::borrow::Cow;
use core::fmt;
use core::str::FromStr;

use super::{Cursor, Value};
use crate::error::{Error, ErrorKind, Field, LinkFault, Rule};
use crate::text::{behind_scheme, characters_before, trim};

/// A human-readable name: a user at a domain (RQR-14).
///
/// Both parts hold only `0-9 a-z A-Z - _ .`, at most 255 bytes each. A name borrows from the text or message that it
/// was read from; one that [owns](Self::into_owned) its parts, or was parsed with [`FromStr`], can be kept.
///
/// ```
/// use bolt12::HumanReadableName;
/// let name = HumanReadableName::new("satoshi", "example.com")?;
/// assert_eq!(name.to_string(), "₿satoshi@example.com");
/// assert_eq!(HumanReadableName::parse("satoshi@example.com")?, name);
/// assert!(HumanReadableName::new("\u{ff}", "example.com").is_err());
/// let kept: HumanReadableName<'static> = name.into_owned();
/// assert_eq!(kept.to_string().parse(), Ok(kept));
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanReadableName<'a> {
    user: Cow<'a, str>,
    domain: Cow<'a, str>,
}

impl<'a> HumanReadableName<'a> {
    /// A name from its two parts.
    ///
    /// # Errors
    ///
    /// `EmptyValue` for a part without a character, `InvalidName` for a character that is not allowed, `TooLong` above
    /// 255 bytes (RQW-8).
    pub fn new(user: &'a str, domain: &'a str) -> Result<Self, Error> {
        let refused = |kind| Err(Error::of(Field::INVREQ_BIP_353_NAME, kind, Rule::Rqw8));
        for part in [user, domain] {
            if part.is_empty() {
                return refused(ErrorKind::EmptyValue);
            }
            if part.len() > 255 {
                return refused(ErrorKind::TooLong { len: part.len(), max: 255 });
            }
            if let Some(bad) = part.chars().find(|c| !is_allowed(*c)) {
                return refused(ErrorKind::InvalidName(bad));
            }
        }
        Ok(Self { user: user.into(), domain: domain.into() })
    }

    /// A name as people write it: `₿user@domain`, with or without the `₿`, `lightning:` before it, and white space
    /// around it (NAM-1).
    ///
    /// A domain with other letters than those of ASCII is written in punycode, as the DNS has it; it is shown like
    /// that too (NAM-2).
    ///
    /// ```
    /// use bolt12::{ErrorKind, HumanReadableName};
    /// assert_eq!(HumanReadableName::parse(" lightning:simon@xn--blow-0ra.de\n")?.domain(), "xn--blow-0ra.de");
    ///
    /// let error = HumanReadableName::parse("simon@bülow.de").unwrap_err();
    /// assert_eq!((error.kind(), error.column()), (&ErrorKind::InvalidName('ü'), Some(8)));
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), with the column of a character that is not allowed;
    /// [`IncompleteName`](LinkFault::IncompleteName) without an `@`, or with nothing on one side of it;
    /// [`InvalidLabel`](LinkFault::InvalidLabel) for a name that the DNS cannot hold (NAM-3), as [`new`](Self::new)
    /// does not.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let name = trim(text);
        let (name, encoded) = match behind_scheme(name, "lightning:") {
            Some(name) => (name.trim(), "%E2%82%BF"),
            None => (name, ""),
        };
        // In a link, a browser writes the ₿ in ASCII.
        let behind_encoded = || name.split_at_checked(encoded.len()).filter(|(it, _)| it.eq_ignore_ascii_case(encoded));
        let name = name.strip_prefix('₿').or_else(|| behind_encoded().map(|(_, name)| name)).unwrap_or(name);
        let (user, domain) = name.split_once('@').unwrap_or((name, ""));
        Self::new(user, domain).and_then(Self::checked).map_err(|error| {
            let bad = name.chars().enumerate().position(|(at, c)| !is_allowed(c) && (c != '@' || at > user.len()));
            match (error.kind(), bad) {
                (ErrorKind::InvalidName(_), Some(at)) => {
                    let before = characters_before(text, name).saturating_add(at);
                    error.against(Rule::Nam2).in_column(before.saturating_add(1))
                }
                (ErrorKind::EmptyValue, _) => {
                    Error::of(Field::INVREQ_BIP_353_NAME, ErrorKind::Link(LinkFault::IncompleteName), Rule::Nam1)
                }
                _ => error,
            }
        })
    }

    /// What stands before the `@`; the specification's `name`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name on its own, independent of the text or message it came from.
    pub fn into_owned(self) -> HumanReadableName<'static> {
        HumanReadableName { user: Cow::Owned(self.user.into_owned()), domain: Cow::Owned(self.domain.into_owned()) }
    }

    /// Where the DNS holds what the name stands for (BIP 353): the domain name whose TXT records are to be looked up,
    /// with DNSSEC (NAM-3). One of them is a `bitcoin:` URI: [`txt_records`](crate::txt_records) finds it, and
    /// [`BitcoinUri`](crate::BitcoinUri) reads the offer in it.
    ///
    /// ```
    /// # use bolt12::HumanReadableName;
    /// let name = HumanReadableName::parse("₿satoshi@example.com")?;
    /// assert_eq!(name.dns_name().to_string(), "satoshi.user._bitcoin-payment.example.com.");
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    pub fn dns_name(&self) -> impl fmt::Display + '_ {
        struct DnsName<'n>(&'n HumanReadableName<'n>);
        impl fmt::Display for DnsName<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [user, domain] = self.0.parts();
                let domain = domain.strip_suffix('.').unwrap_or(domain);
                write!(f, "{user}.user._bitcoin-payment.{domain}.")
            }
        }
        DnsName(self)
    }

    fn checked(self) -> Result<Self, Error> {
        self.check_labels().map(|()| self)
    }

    /// Whether the DNS can hold the name (RFC 1035): what stands between its periods has 1 to 63 bytes (NAM-3).
    pub(crate) fn check_labels(&self) -> Result<(), Error> {
        let [user, domain] = self.parts();
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let mut labels = user.split('.').chain(domain.split('.'));
        match labels.find(|label| !(1..=63).contains(&label.len())) {
            None => Ok(()),
            Some(label) => {
                let fault = LinkFault::InvalidLabel { len: label.len() };
                Err(Error::of(Field::INVREQ_BIP_353_NAME, ErrorKind::Link(fault), Rule::Nam3))
            }
        }
    }

    /// The same, borrowed from this one.
    pub(crate) fn by_ref(&self) -> HumanReadableName<'_> {
        HumanReadableName { user: Cow::Borrowed(&self.user), domain: Cow::Borrowed(&self.domain) }
    }

    /// As it stands in a field: each part after its length.
    #[cfg(feature = "contacts")]
    pub(crate) fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        let part = |part: &str| [&[part.len() as u8], part.as_bytes()].concat();
        self.parts().map(part).concat()
    }

    pub(crate) fn parts(&self) -> [&str; 2] {
        [&self.user, &self.domain]
    }
}

const fn is_allowed(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

impl<'a> Value<'a> for HumanReadableName<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        let mut part = || {
            let len = cursor.u8().map_err(|error| error.against(Rule::Rqr14))?;
            let at = cursor.offset();
            let bytes = cursor.take(len.into()).map_err(|error| error.against(Rule::Rqr14))?;
            if bytes.is_empty() {
                return Err(Error::new(ErrorKind::EmptyValue, Rule::D12).at(at));
            }
            let refused = |bad, offset| Error::new(ErrorKind::InvalidName(bad), Rule::Rqr14).at(offset).within(at);
            // What is not UTF-8 has no character to name.
            let text = core::str::from_utf8(bytes)
                .map_err(|error| refused(char::REPLACEMENT_CHARACTER, error.valid_up_to()))?;
            match text.char_indices().find(|(_, c)| !is_allowed(*c)) {
                None => Ok(text),
                Some((offset, bad)) => Err(refused(bad, offset)),
            }
        };
        let name = Self { user: part()?.into(), domain: part()?.into() };
        if !cursor.is_at_end() {
            return Err(Error::new(ErrorKind::InvalidLength, Rule::Rqr14).at(cursor.offset()));
        }
        Ok(name)
    }
}

/// As [`parse`](HumanReadableName::parse), and independent of the text.
impl FromStr for HumanReadableName<'static> {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        HumanReadableName::parse(name).map(HumanReadableName::into_owned)
    }
}

/// `₿user@domain`, as BIP 353 asks.
impl fmt::Display for HumanReadableName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "₿{}@{}", self.user, self.domain)
    }
}

impl fmt::Debug for HumanReadableName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
