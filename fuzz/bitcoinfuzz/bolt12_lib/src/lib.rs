//! What a module of bitcoinfuzz says of a text: the fields of an offer in the form that its modules agree on, nothing
//! in it if the offer is refused, or no answer where this crate refuses on purpose what others leave to their users.

use std::ffi::{CStr, c_char, c_void};
use std::fmt::{self, Display};

use bolt12::{ChainHash, Error, ErrorKind, Offer, OfferAmount, Quantity};

/// What the other modules are compared with; `None` says nothing, so that the input counts for the others alone.
pub fn deserialize_offer(text: &str) -> Option<String> {
    match text.parse::<Offer>() {
        Ok(offer) => Some(Fields(&offer).to_string()),
        Err(error) if is_left_to_users(&error) => None,
        Err(_) => Some(String::new()),
    }
}

/// What others read, and refuse later or never: features that nobody knows (OFR-2), and lists without entries (OFR-3,
/// D8).
fn is_left_to_users(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownFeature(_) | ErrorKind::NoEntries)
}

/// The fields of an offer, in the order of their numbers.
struct Fields<'a>(&'a Offer);

impl Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offer = self.0;
        f.write_str("CHAINS=")?;
        let chains: Vec<ChainHash> = offer.chains().into_iter().flatten().collect();
        let chains = if chains.is_empty() { vec![ChainHash::BITCOIN] } else { chains };
        for (at, chain) in chains.iter().enumerate() {
            let separator = if at == 0 { "" } else { ";" };
            write!(f, "{separator}{chain}")?;
        }
        write!(f, ";METADATA={}", Hex(offer.metadata().unwrap_or_default()))?;
        match offer.amount() {
            Some(OfferAmount::Bitcoin(amount)) => write!(f, ";AMOUNT={}", amount.0)?,
            Some(OfferAmount::Currency { currency, amount }) => write!(f, ";AMOUNT={};CURRENCY={currency}", amount.0)?,
            None => {}
        }
        write!(f, ";DESCRIPTION={}", offer.description().map_or("", |text| text.as_raw()))?;
        let features = offer.features();
        write!(f, ";FEATURES={}", Hex(features.as_ref().map_or(&[], |features| features.as_bytes())))?;
        write!(f, ";ABSOLUTE_EXPIRY={}", Maybe(offer.absolute_expiry().map(|time| time.0)))?;
        for (at, path) in offer.paths().into_iter().flatten().enumerate() {
            path.hops().try_for_each(|hop| write!(f, ";PATH_{at}_HOP={}", hop.blinded_node_id))?;
        }
        write!(f, ";ISSUER={}", offer.issuer().map_or("", |text| text.as_raw()))?;
        let most = match offer.quantity_max() {
            Quantity::AtMost(most) => Some(most),
            // The modules disagree about what is printed for any quantity; this one is with LDK's.
            Quantity::One | Quantity::Unlimited => None,
        };
        write!(f, ";QUANTITY={};ISSUER_ID={}", Maybe(most), Maybe(offer.issuer_id()))
    }
}

/// Lower-case hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A value, or nothing in its place.
struct Maybe<T>(Option<T>);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| value.fmt(f))
    }
}

/// Decodes the offer in a C string, and hands the answer to `take`, with `out` as it came. Says whether there is an
/// answer. Nothing is allocated for the caller to free, and the answer may hold zeros.
///
/// # Safety
///
/// `text` is a string that ends in a zero, and stays as it is for the duration of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bolt12_des_offer(
    text: *const c_char,
    take: extern "C" fn(out: *mut c_void, answer: *const c_char, length: usize),
    out: *mut c_void,
) -> bool {
    // SAFETY: that is what the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    // No offer is anything but ASCII.
    let answer = text.to_str().map_or(Some(String::new()), deserialize_offer);
    if let Some(answer) = &answer {
        take(out, answer.as_ptr().cast(), answer.len());
    }
    answer.is_some()
}
