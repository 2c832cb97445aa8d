//! Times operations side by side.
//!
//! Other programs and the CPU's clock make a machine now faster, now slower, so that numbers of two
//! runs cannot be compared. Here the sides take turns within a run, in batches of a fraction of a
//! millisecond, and a ratio is the median of the ratios of many rounds.
#![allow(dead_code, reason = "every benchmark uses its own share")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations::Allocations;

/// How much time to spend.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: u32,
    pub(crate) batch: Duration,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 301, batch: Duration::from_micros(250) };
    pub(crate) const QUICK: Self = Self { rounds: 15, batch: Duration::from_micros(100) };

    /// How often to do what is done a fixed number of times.
    pub(crate) fn times(self, quick: usize, full: usize) -> usize {
        if self.rounds < Self::FULL.rounds { quick } else { full }
    }

    /// What the command line asks for: how much time, and for what, which is what has all the words in its name.
    pub(crate) fn asked_for() -> (Self, impl Fn(&str) -> bool) {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let effort = if arguments.iter().any(|argument| argument == "--quick") { Self::QUICK } else { Self::FULL };
        // Cargo passes `--bench`.
        let words: Vec<String> = arguments.into_iter().filter(|argument| !argument.starts_with("--")).collect();
        (effort, move |name: &str| words.iter().all(|word| name.contains(word.as_str())))
    }
}

/// One of the things that are compared.
pub(crate) struct Side<'a> {
    /// Runs the operation a number of times.
    batch: Box<dyn Fn(u32) -> Duration + 'a>,
    pub(crate) allocations: Allocations,
}

impl<'a> Side<'a> {
    /// An operation on an input. Only the operation is timed, with the dropping of what it returns.
    pub(crate) fn new<I, O>(input: impl Fn() -> I + 'a, run: impl Fn(I) -> O + 'a) -> Self {
        // The first run makes what is made once, such as secp256k1's context.
        drop(run(input()));
        let first = input();
        let allocations = Allocations::of(|| run(first));
        let batch = move |count| {
            let inputs: Vec<I> = (0..count).map(|_| input()).collect();
            let start = Instant::now();
            for input in inputs {
                black_box(run(black_box(input)));
            }
            start.elapsed()
        };
        Self { batch: Box::new(batch), allocations }
    }

    /// How many runs take as long as a batch should.
    fn batch_size(&self, effort: Effort) -> u32 {
        let mut count = 1;
        while count < 1 << 16 && (self.batch)(count) < effort.batch {
            count *= 2;
        }
        count
    }
}

/// Nanoseconds for one run, of each round.
#[derive(Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// Combines two sides round by round.
    pub(crate) fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| combine(*a, *b)).collect())
    }

    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        self.with(other, |a, b| a / b).median()
    }
}

/// Measures the sides that there are in turn, beginning with another one in each round.
pub(crate) fn interleave<const N: usize>(sides: [Option<&Side<'_>>; N], effort: Effort) -> [Option<Samples>; N] {
    let counts = sides.map(|side| side.map_or(0, |side| side.batch_size(effort)));
    let mut samples = sides.map(|side| side.map(|_| Samples(Vec::new())));
    for round in 0..effort.rounds as usize {
        for turn in 0..N {
            let at = (round + turn) % N;
            if let (Some(side), Some(samples)) = (sides[at], &mut samples[at]) {
                let elapsed = (side.batch)(counts[at]);
                samples.0.push(elapsed.as_nanos() as f64 / f64::from(counts[at]));
            }
        }
    }
    samples
}
