//! That the mutators reach what they are for: many of their inputs are messages, and no two are alike.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bolt12::{Invoice, InvoiceRequest, Offer, PayerProof, Refund};
use bolt12_fuzz::mutate::{bytes, text};

/// Changes one bit, as libFuzzer might.
fn flip(data: &mut [u8], size: usize, _: usize) -> usize {
    if let Some(byte) = data[..size].last_mut() {
        *byte ^= 1;
    }
    size
}

type Mutator = fn(&mut [u8], usize, usize, u32, bolt12_fuzz::mutate::Fallback) -> usize;

/// Of how many changed seeds in a hundred `is_message` holds.
fn share(target: &str, mutate: Mutator, is_message: fn(&[u8]) -> bool) -> usize {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let seeds: Vec<Vec<u8>> = fs::read_dir(seeds)
        .expect("seeds")
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("a file"))
        .collect();
    let (mut count, mut different) = (0, BTreeSet::new());
    for seed in 0..1000 {
        let original = &seeds[seed as usize % seeds.len()];
        let mut data = [original.as_slice(), &[0; 4096]].concat();
        let size = mutate(&mut data, original.len(), 4096, seed, flip);
        assert!(size <= 4096);
        count += usize::from(is_message(&data[..size]));
        different.insert(data[..size].to_vec());
    }
    assert!(different.len() > 500, "{target}: only {} different inputs", different.len());
    count / 10
}

#[test]
fn many_changed_messages_are_still_messages() {
    let shares = [
        ("offer", share("offer", bytes::mutate, |data| Offer::try_from(data).is_ok())),
        ("invoice_request", share("invoice_request", bytes::mutate, |data| InvoiceRequest::try_from(data).is_ok())),
        ("refund", share("refund", bytes::mutate, |data| Refund::try_from(data).is_ok())),
        ("invoice", share("invoice", bytes::mutate, |data| Invoice::try_from(data).is_ok())),
        ("payer_proof", share("payer_proof", bytes::mutate, |data| PayerProof::try_from(data).is_ok())),
        (
            "text",
            share("text", text::mutate, |data| {
                std::str::from_utf8(data).is_ok_and(|text| text.parse::<bolt12::Bolt12>().is_ok())
            }),
        ),
    ];
    println!("{shares:?}");
    for (target, share) in shares {
        // Neither so wild that nothing is reached, nor so tame that nothing is refused.
        assert!((10..=90).contains(&share), "{target}: {share} of 100 are messages");
    }
}

#[test]
fn the_same_seed_makes_the_same_input() {
    let made = |seed| {
        let mut data = vec![7; 300];
        let size = bytes::mutate(&mut data, 200, 300, seed, flip);
        data.truncate(size);
        data
    };
    assert!((0..100).all(|seed| made(seed) == made(seed)));
}
