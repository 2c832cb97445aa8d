//! What stands between the primitives: the text alone, and all that is not the curve.
//!
//! Both are differences of two operations that are measured in turn.

use bolt12::{Invoice, InvoiceRequest, Offer, SignedMessage, Unverified};
use lightning::offers::offer::Offer as TheirOffer;

use crate::floor::Floor;
use crate::measure::{Effort, Samples, Side, interleave};
use crate::messages::{Keys, Messages};
use crate::table::scale;

pub(crate) fn print_head() {
    println!("\n| apart from the curve | characters | ns | ns, scaled | ns per character |");
    println!("| --- | --: | --: | --: | --: |");
}

pub(crate) fn print(messages: &Messages, keys: &Keys, point: &Side<'_>, effort: Effort) {
    let name = messages.shape.name;
    let offer = &messages.offer;
    let text = offer.to_string();
    let bytes = || offer.as_bytes().to_vec();
    let ours = Side::new(|| (), |()| text.parse::<Offer>().expect("an offer"));
    let ours_of_bytes = Side::new(bytes, |bytes| Offer::try_from(bytes).expect("an offer"));
    let theirs = Side::new(|| (), |()| text.parse::<TheirOffer>().expect("an offer"));
    let theirs_of_bytes = Side::new(bytes, |bytes| TheirOffer::try_from(bytes).expect("an offer"));
    let floor = Floor::offer(offer).side(&keys.context);
    let len = text.len();
    difference(&format!("offer, all but the curve, {name}"), len, [&ours, &floor, point], effort);
    difference(&format!("offer, text alone, {name}"), len, [&ours, &ours_of_bytes, point], effort);
    difference(&format!("the same of lightning, {name}"), len, [&theirs, &theirs_of_bytes, point], effort);
    unverified::<InvoiceRequest>(&format!("request, {name}"), &messages.request.to_string(), point, effort);
    unverified::<Invoice>(&format!("invoice, {name}"), &messages.invoice.to_string(), point, effort);
}

/// A message whose reading can stop before the curve.
fn unverified<T: SignedMessage>(name: &str, text: &str, point: &Side<'_>, effort: Effort) {
    let read = Side::new(|| (), |()| text.parse::<Unverified<T>>().expect("a message"));
    let bytes = || text.parse::<Unverified<T>>().expect("a message").tlvs().as_bytes().to_vec();
    let of_bytes = Side::new(bytes, |bytes| Unverified::<T>::try_from(bytes).expect("a message"));
    let nothing = Side::new(|| (), |()| ());
    difference(&format!("{name}, all but the curve"), text.len(), [&read, &nothing, point], effort);
    difference(&format!("{name}, text alone"), text.len(), [&read, &of_bytes, point], effort);
}

fn difference(name: &str, len: usize, sides: [&Side<'_>; 3], effort: Effort) {
    if let [Some(more), Some(less), Some(point)] = interleave(sides.map(Some), effort) {
        let difference = more.with(&less, |more, less| more - less);
        let ns = |samples: &Samples| samples.median();
        let (time, scaled) = (ns(&difference), ns(&scale(&difference, &point)));
        println!("| {name} | {len} | {time:.0} | {scaled:.0} | {:.2} |", time / len as f64);
    }
}
