//! Rows of the Markdown table.
#![allow(dead_code, reason = "every benchmark uses its own share")]

use crate::measure::{Effort, Samples, Side, interleave};

/// An operation of ours, beside the same of `lightning` and the floor where there are such.
pub(crate) struct Comparison<'a> {
    pub(crate) name: String,
    pub(crate) ours: Side<'a>,
    pub(crate) lightning: Option<Side<'a>>,
    pub(crate) floor: Option<Floors<'a>>,
}

/// What nobody can leave out.
pub(crate) struct Floors<'a> {
    pub(crate) least: Side<'a>,
    /// The same with a square root for each point that is only checked.
    pub(crate) roots: Option<Side<'a>>,
}

/// A floor without such points.
impl<'a> From<Side<'a>> for Floors<'a> {
    fn from(least: Side<'a>) -> Self {
        Self { least, roots: None }
    }
}

/// What was measured of a comparison, by round.
pub(crate) struct Measured {
    pub(crate) ours: Samples,
    pub(crate) lightning: Option<Samples>,
    pub(crate) floor: Option<Samples>,
    pub(crate) roots: Option<Samples>,
    /// Decompressing one point.
    pub(crate) point: Samples,
}

impl Comparison<'_> {
    pub(crate) fn measure(&self, point: &Side<'_>, effort: Effort) -> Measured {
        let floor = self.floor.as_ref().map(|floor| &floor.least);
        let roots = self.floor.as_ref().and_then(|floor| floor.roots.as_ref());
        let sides = [Some(&self.ours), self.lightning.as_ref(), floor, roots, Some(point)];
        let [ours, lightning, floor, roots, point] = interleave(sides, effort);
        let present = "a side that is there is measured";
        Measured { ours: ours.expect(present), lightning, floor, roots, point: point.expect(present) }
    }

    pub(crate) fn print(&self, measured: &Measured) {
        let time = |samples: &Samples| format!("{:.3}", samples.median() / 1000.0);
        let ratio = |other: &Samples| format!("{:.3}", measured.ours.ratio(other));
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.name,
            time(&measured.ours),
            or_dash(measured.floor.as_ref().map(time)),
            or_dash(measured.roots.as_ref().map(time)),
            or_dash(measured.lightning.as_ref().map(time)),
            or_dash(measured.floor.as_ref().map(ratio)),
            or_dash(measured.roots.as_ref().map(ratio)),
            or_dash(
                measured
                    .floor
                    .as_ref()
                    .zip(measured.lightning.as_ref())
                    .map(|(floor, theirs)| format!("{:.3}", theirs.ratio(floor)))
            ),
            or_dash(measured.lightning.as_ref().map(ratio)),
            self.ours.allocations,
            or_dash(self.lightning.as_ref().map(|side| side.allocations.to_string())),
        );
    }
}

pub(crate) fn print_head() {
    println!(
        "| µs | ours | floor | with roots | lightning | ours / floor | ours / roots | lightning / floor | \
         ours / lightning | allocations | of lightning |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
}

/// What a time would be on a machine that decompresses a point in 4.4 µs.
pub(crate) fn scale(samples: &Samples, point: &Samples) -> Samples {
    samples.with(point, |time, point| time * 4400.0 / point)
}
