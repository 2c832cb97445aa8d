//! TXT records: what the DNS holds for a name, as it comes from whatever asks the DNS.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, LinkFault, Rule};

/// What a record begins with that counts.
const SCHEME: &[u8] = b"bitcoin:";

/// Finds the one `bitcoin:` URI among the TXT records of a name (NAM-4), each as its bytes or its text: all of its
/// strings joined, with nothing between them (NAM-5). [`printed_txt_records`] reads what tools print.
///
/// Nobody's word but a proof counts (NAM-6): ask a resolver that validates DNSSEC itself and is on this machine, or
/// have a proof (`ResolvedName::verify`, feature `dnssec`).
///
/// # Errors
///
/// [`NoPaymentRecord`](LinkFault::NoPaymentRecord), [`SeveralPaymentRecords`](LinkFault::SeveralPaymentRecords);
/// `InvalidUtf8` (URI-1) if the one is not text. What the other records hold does not matter.
pub fn txt_records<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Result<String, Error> {
    let refused = |fault| Error::new(ErrorKind::Link(fault), Rule::Nam4);
    let is_uri = |record: &R| {
        let scheme = record.as_ref().get(..SCHEME.len());
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
    };
    let mut uris = records.into_iter().filter(is_uri);
    let uri = uris.next().ok_or_else(|| refused(LinkFault::NoPaymentRecord))?;
    if uris.next().is_some() {
        return Err(refused(LinkFault::SeveralPaymentRecords));
    }
    let uri = core::str::from_utf8(uri.as_ref());
    uri.map(ToString::to_string).map_err(|_| Error::new(ErrorKind::InvalidUtf8, Rule::Uri1))
}

/// Finds the one `bitcoin:` URI in what a tool prints of TXT records, one to a line: strings in quotation marks
/// (NAM-5). So do `dig` with or without `+short`, and services of DNS-over-HTTPS in each `data` of an `Answer`, of
/// which some leave the quotation marks out.
///
/// ```
/// use bolt12::printed_txt_records;
/// let dig = "\"v=spf1 -all\"\n\"bitcoin:?lno=lno1zcss9mk8y3wkk\" \"lfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese\"\n";
/// let uri = printed_txt_records(dig)?;
/// assert_eq!(uri, "bitcoin:?lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese");
/// # Ok::<(), bolt12::Error>(())
/// ```
///
/// # Errors
///
/// As for [`txt_records`]; [`CutRecord`](LinkFault::CutRecord) for a quotation mark that is not closed (NAM-5), since
/// more may be missing.
pub fn printed_txt_records(output: &str) -> Result<String, Error> {
    let lines = output.lines().map(str::trim).filter(|line| !line.starts_with(';'));
    txt_records(lines.map(joined).collect::<Result<Vec<_>, _>>()?)
}

/// The bytes of a printed record.
fn joined(line: &str) -> Result<Cow<'_, [u8]>, Error> {
    // Before the strings stand the name, the time to live, the class and the type, if anything.
    let printed = line.split_once('"').filter(|(before, _)| {
        before.is_empty() || before.split_whitespace().last().is_some_and(|word| word.eq_ignore_ascii_case("TXT"))
    });
    let Some((_, mut rest)) = printed else { return Ok(Cow::Borrowed(line.as_bytes())) };
    let mut bytes = Vec::with_capacity(rest.len());
    loop {
        rest = string(rest, &mut bytes).ok_or_else(|| Error::new(ErrorKind::Link(LinkFault::CutRecord), Rule::Nam5))?;
        match rest.trim_start().strip_prefix('"') {
            Some(next) => rest = next,
            None => break,
        }
    }
    Ok(Cow::Owned(bytes))
}

/// Appends the string up to the quotation mark that closes it, and returns what stands behind that; `None` if it is not
/// closed. A backslash stands before what it makes plain, or before a byte as three decimal digits.
fn string<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\'])?;
        let (plain, special) = rest.split_at_checked(at)?;
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(behind) = special.strip_prefix('"') {
            return Some(behind);
        }
        let escaped = special.get(1..)?;
        let decimal = escaped.get(..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        match decimal.and_then(|digits| digits.parse().ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = escaped.get(3..)?;
            }
            None => {
                let plain = escaped.chars().next()?;
                bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escaped.get(plain.len_utf8()..)?;
            }
        }
    }
}
