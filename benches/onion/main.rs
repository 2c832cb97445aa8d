//! Blinded paths and onion messages beside the same of the `lightning` crate, and beside their floor.
//!
//! ```text
//! cargo bench --features onion --bench onion              everything, a minute
//! cargo bench --features onion --bench onion -- --quick   roughly, in seconds
//! ```
//!
//! The **floor** is what no implementation can leave out: the points decompressed that come as bytes, or checked
//! if nothing is computed with them, and the multiplications on the curve. It hashes, encrypts and copies nothing. The sides take turns, as in the bench
//! `messages`, whose harness this is.

#[path = "../common/allocations.rs"]
mod allocations;
mod floor;
#[path = "../common/measure.rs"]
mod measure;
mod operations;
#[path = "../common/table.rs"]
mod table;

use measure::{Effort, Side};
use operations::World;

fn main() {
    let (effort, wanted) = Effort::asked_for();
    let world = World::new();
    let point = world.recipient_id().serialize();
    let point = Side::new(|| (), |()| bolt12::secp256k1::PublicKey::from_slice(&point).expect("a point"));
    table::print_head();
    for comparison in operations::all(&world) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
}
