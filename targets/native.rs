//! Answers the lines of its input, as `wasm.rs` does elsewhere.

use bolt12_targets::answer;

fn main() {
    std::io::stdin().lines().map_while(Result::ok).for_each(|line| println!("{}", answer(&line)));
}
