use bolt12_fuzz::checks::TARGETS;
use bolt12_fuzz::mutate::bytes;
use std::{fs, path::Path, time::*};
fn flip(data: &mut [u8], size: usize, _: usize) -> usize { if size>0 { let i = data[0] as usize*7 % size; data[i] = data[i].wrapping_add(37); } size }
#[test] fn quick() {
    for (name, check) in TARGETS { if !["mirror","round_trip","payer_proof","invoice_request","offer"].contains(&name) {continue}
        let t = Instant::now(); let mut n = 0u64; let mut x = 88172645463325252u64;
        let seeds: Vec<Vec<u8>> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap()).collect();
        while t.elapsed() < Duration::from_secs(15) {
            let d: Vec<u8> = if name == "round_trip" {
                let len = 100 + (n % 900) as usize;
                (0..len).map(|_| { x ^= x<<13; x ^= x>>7; x ^= x<<17; (x>>24) as u8 }).collect()
            } else {
                let o = &seeds[n as usize % seeds.len()];
                let mut d = [o.as_slice(), &[0;4096]].concat(); let mut size = o.len();
                for k in 0..1 + n % 3 { size = bytes::mutate(&mut d, size, 4096, (n*3+k) as u32, flip); }
                d.truncate(size); d };
            n += 1;
            if std::panic::catch_unwind(|| check(&d)).is_err() { panic!("{name} {n}"); }
        }
        println!("{name} {n}");
    }
}
