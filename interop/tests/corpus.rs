//! Replays the seeds of the fuzz target `differential`, and every input that was a finding once.

#[allow(dead_code, reason = "only what the target needs")]
#[path = "../../fuzz/src/checks/mod.rs"]
pub mod checks;
#[path = "../../fuzz/src/differential.rs"]
pub mod differential;

use std::fs;
use std::path::Path;

#[test]
fn seeds_and_regressions_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let inputs = ["seeds", "regressions"].map(|directory| fuzz.join(directory).join("differential"));
    let mut count = 0;
    for entry in inputs.iter().filter_map(|inputs| fs::read_dir(inputs).ok()).flatten() {
        let input = entry.expect("a readable directory").path();
        let bytes = fs::read(&input).expect("a readable file");
        if std::panic::catch_unwind(|| differential::check(&bytes)).is_err() {
            panic!("{} is a finding", input.display());
        }
        count += 1;
    }
    assert!(count > 0, "the target has seeds");
}
