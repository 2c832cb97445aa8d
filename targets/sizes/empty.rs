//! Prints its argument: what every program has.

fn main() {
    if let Some(text) = std::env::args().nth(1) {
        println!("{text}");
    }
}
