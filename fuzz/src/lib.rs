//! Fuzzing of the crate `bolt12`: what is checked, how inputs are changed, and how the two make a
//! target. See the README beside this crate.

pub mod checks;
pub mod differential;
pub mod mutate;

#[doc(hidden)]
pub use libfuzzer_sys;

/// Every target: those of [`checks`], and the one that needs another implementation.
pub fn targets() -> impl Iterator<Item = &'static checks::Target> {
    checks::TARGETS.iter().chain(&[("differential", differential::check as fn(&[u8]))])
}

/// Runs the target of that name.
///
/// # Panics
///
/// On a finding, and for a name that no target has.
pub fn run(name: &str, data: &[u8]) {
    let (_, check) = targets().find(|(target, _)| *target == name).expect("a target of that name");
    check(data);
}

/// A fuzz target: the name of its check, and the form of its input.
///
/// The form names the mutator in [`mutate`]: `bytes` for a TLV stream, `text` for a string. Without
/// one, libFuzzer's own mutators are used.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::run($name, data));
    };
    ($name:literal, $form:ident) => {
        $crate::target!($name);
        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::$form::mutate(data, size, max_size, seed, $crate::libfuzzer_sys::fuzzer_mutate)
        });
        $crate::libfuzzer_sys::fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            $crate::mutate::$form::cross(one, other, out, seed)
        });
    };
}
