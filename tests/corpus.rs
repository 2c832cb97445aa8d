//! Replays the fuzzer's seeds, and every input that was a finding once, through the checks of the
//! fuzz targets. This needs neither libFuzzer nor a nightly toolchain.

#[path = "../fuzz/src/checks/mod.rs"]
pub mod checks;

use std::fs;
use std::path::{Path, PathBuf};

use checks::TARGETS;

/// The inputs of a target in `fuzz/seeds` or `fuzz/regressions`.
fn inputs(directory: &str, target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(directory).join(target);
    let Ok(entries) = fs::read_dir(&directory) else { return Vec::new() };
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable directory").path()).collect();
    inputs.sort();
    inputs
}

#[test]
fn seeds_and_regressions_hold() {
    for (target, check) in TARGETS {
        let seeds = inputs("seeds", target);
        assert!(!seeds.is_empty(), "the target {target} has seeds");
        for input in seeds.into_iter().chain(inputs("regressions", target)) {
            let bytes = fs::read(&input).expect("a readable file");
            if std::panic::catch_unwind(|| check(&bytes)).is_err() {
                panic!("{} is a finding", input.display());
            }
        }
    }
}

#[test]
fn every_directory_belongs_to_a_target() {
    // Replayed where its other implementation is built: `interop/tests/corpus.rs`.
    let elsewhere = ["differential"];
    for directory in ["seeds", "regressions"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(directory);
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for entry in entries {
            let name = entry.expect("a readable directory").file_name();
            let is_off = (cfg!(not(feature = "onion")) && name.to_string_lossy().starts_with("onion"))
                || (cfg!(not(feature = "dnssec")) && name == "dnssec")
                || (cfg!(not(feature = "peer")) && name.to_string_lossy().starts_with("peer"))
                || (cfg!(not(feature = "async_payments")) && name == "static_invoice")
                || (cfg!(not(feature = "recurrence")) && name == "subscription");
            assert!(
                is_off
                    || elsewhere.iter().any(|target| name == *target)
                    || TARGETS.iter().any(|(target, _)| name == *target),
                "{name:?} is no target"
            );
        }
    }
}

/// The checks can fail: each sees what is wrong with something that is almost right.
#[test]
fn checks_see_what_is_wrong() {
    use bolt12::{ErrorKind, Offer};

    let text = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    assert!(checks::naive::text(text).is_some());
    for wrong in
        ["lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pkseseq", "+lno1", "lno1qq+", "lno1Qq", "lno1b"]
    {
        assert_eq!(checks::naive::text(wrong), None, "{wrong}");
    }

    // An error in one text is not one in another.
    let error = "lno1zb".parse::<Offer>().expect_err("b is not in the alphabet");
    assert_eq!(error.kind(), &ErrorKind::InvalidCharacter('b'));
    checks::errors::in_text(&error, "lno1zb");
    assert!(std::panic::catch_unwind(|| checks::errors::in_text(&error, "lno1bz")).is_err());
    assert!(std::panic::catch_unwind(|| checks::errors::in_bytes(&error, b"lno1zb")).is_err());

    // A naive merkle root depends on every byte.
    let offer: Offer = text.parse().expect("an offer");
    let other = Offer::try_from([&[4, 1, 7], offer.as_bytes()].concat()).expect("an offer with metadata");
    let root = |offer: &Offer| checks::merkle::root_of(offer.records());
    assert_eq!(root(&offer), Some(offer.id().to_byte_array()));
    assert_ne!(root(&offer), root(&other));
}
