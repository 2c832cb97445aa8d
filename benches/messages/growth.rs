//! How the time grows with a message: by unknown records, by paths, and in proofs.

use bolt12::Offer;
use lightning::offers::offer::Offer as TheirOffer;

use crate::floor::Floor;
use crate::measure::{Effort, Samples, Side};
use crate::messages::{Keys, Messages, offer_with_paths, offer_with_records};
use crate::proofs::{Paid, Proved};
use crate::table::{Comparison, Measured, scale};

/// Prints what one more record, or one more path, costs.
pub(crate) fn print(keys: &Keys, point: &Side<'_>, effort: Effort) {
    let records = [10, 100, 1000].map(|count| (count, offer_with_records(keys, count)));
    let paths = [1, 8, 32].map(|count| (u64::from(count), offer_with_paths(keys, count)));
    print_head();
    series("merkle root", "unknown records", &records, point, effort, |offer| root(offer, keys));
    series("read and root", "unknown records", &records, point, effort, |offer| read(offer, keys));
    series("read and root", "paths", &paths, point, effort, |offer| read(offer, keys));
}

/// Prints what one more record of an invoice costs whoever proves it, and whoever reads the proof.
pub(crate) fn print_proofs(messages: &Messages, keys: &Keys, point: &Side<'_>, effort: Effort) {
    let paid = [100, 500, 1000].map(|count| (count, Paid::with_records(messages, keys, count)));
    let proofs = paid.each_ref().map(|(count, paid)| (*count, Proved::every_fourth(paid, keys)));
    print_head();
    series("build payer proof", "unknown records", &proofs, point, effort, |proof| proof.build(keys));
    series("read payer proof", "unknown records", &proofs, point, effort, |proof| proof.read(keys));
}

fn print_head() {
    println!("\n| growth | µs | of floor | ns for one more | of floor | of lightning | ns, scaled |");
    println!("| --- | --: | --: | --: | --: | --: | --: |");
}

/// `lightning` computes the root whenever it reads, so ours is asked for it too.
fn read<'a>(offer: &'a Offer, keys: &'a Keys) -> Comparison<'a> {
    let bytes = || offer.as_bytes().to_vec();
    Comparison {
        name: String::new(),
        ours: Side::new(bytes, |bytes| {
            let offer = Offer::try_from(bytes).expect("an offer");
            (offer.id(), offer)
        }),
        lightning: Some(Side::new(bytes, |bytes| TheirOffer::try_from(bytes).expect("an offer"))),
        floor: Some(Floor::offer(offer).and_root(offer.records()).sides(&keys.context)),
    }
}

fn root<'a>(offer: &'a Offer, keys: &'a Keys) -> Comparison<'a> {
    Comparison {
        name: String::new(),
        ours: Side::new(|| (), |()| offer.id()),
        lightning: None,
        floor: Some(Floor::default().and_root(offer.records()).sides(&keys.context)),
    }
}

fn series<'a, T>(
    operation: &str,
    unit: &str,
    messages: &'a [(u64, T); 3],
    point: &Side<'_>,
    effort: Effort,
    comparison: impl Fn(&'a T) -> Comparison<'a>,
) {
    let mut last: Option<(u64, Measured)> = None;
    for (count, message) in messages {
        let measured = comparison(message).measure(point, effort);
        let ours = measured.ours.median() / 1000.0;
        let floor = measured.floor.as_ref().map_or(0.0, Samples::median) / 1000.0;
        print!("| {operation}, {count} {unit} | {ours:.2} | {floor:.2} ");
        match &last {
            Some((before, less)) => {
                let each = |more: Option<&Samples>, less: Option<&Samples>| match (more, less) {
                    (Some(more), Some(less)) => {
                        format!("{:.1}", (more.median() - less.median()) / (count - before) as f64)
                    }
                    _ => "–".to_owned(),
                };
                let of_floor = each(measured.floor.as_ref(), less.floor.as_ref());
                let of_lightning = each(measured.lightning.as_ref(), less.lightning.as_ref());
                let of_ours = each(Some(&measured.ours), Some(&less.ours));
                let scaled = each(Some(&scale(&measured.ours, &measured.point)), Some(&scale(&less.ours, &less.point)));
                println!("| {of_ours} | {of_floor} | {of_lightning} | {scaled} |");
            }
            None => println!("| | | | |"),
        }
        last = Some((*count, measured));
    }
}
