//! Every operation on messages, compared with the `lightning` crate and with its floor.
//!
//! ```text
//! cargo bench -p bolt12-benches --bench messages                      everything, in a few minutes
//! cargo bench -p bolt12-benches --bench messages -- --quick           rough figures, in a few seconds
//! cargo bench -p bolt12-benches --bench messages -- invoice typical   operations whose names contain these words
//! ```
//!
//! The **floor** of an operation is the work that no implementation can avoid. Each key that takes part in a
//! computation is decompressed once. Each other point is checked once, which takes no square root; the column *with
//! roots* counts a root for it. The signature is made or verified. The SHA-256 compressions of the merkle tree are
//! counted exactly, and run as one long message. The floor reads no text, no records and no rules. Building a payer
//! proof does not require all of the invoice's tree, so it has two floors: one with the whole tree, and one with the
//! part that the proof discloses. A dash means that there is no floor, or that `lightning` has no such operation.
//!
//! The sides take turns within one run, so that ratios are valid on a busy machine too; see `measure`. Figures
//! marked *scaled* are for a machine that decompresses a point in 4.4 µs. Allocations do not include the input's.
//!
//! `lightning` is built with this crate's features. That gives it the CPU's SHA-256 instructions, which it lacks
//! unless something turns on `bitcoin_hashes/std`.

#[path = "../common/allocations.rs"]
mod allocations;
mod apart;
#[path = "../common/floor.rs"]
mod floor;
mod growth;
#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/messages.rs"]
mod messages;
mod operations;
mod proofs;
#[path = "../common/table.rs"]
mod table;

use floor::Floor;
use measure::Effort;
use messages::{Keys, Messages, SHAPES};

fn main() {
    let (effort, wanted) = Effort::asked_for();

    let keys = Keys::new();
    let point = Floor::point(&keys.issuer.public_key()).side(&keys.context);
    let all = SHAPES.map(|shape| Messages::new(shape, &keys));

    table::print_head();
    for messages in &all {
        for comparison in operations::all(messages, &keys) {
            if wanted(&comparison.name) {
                comparison.print(&comparison.measure(&point, effort));
            }
        }
    }
    for comparison in operations::checked(&all[2], &keys) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
    let [small, typical, ..] = &all;
    let paid = proofs::Paid::new(typical, &keys);
    let proved = proofs::Proved::both(&paid, &keys);
    for comparison in proofs::all(&proved, &keys) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
    if wanted("apart") {
        apart::print_head();
        all.iter().for_each(|messages| apart::print(messages, &keys, &point, effort));
    }
    if wanted("growth") {
        growth::print(&keys, &point, effort);
    }
    if wanted("growth of payer proofs") {
        growth::print_proofs(small, &keys, &point, effort);
    }
}
