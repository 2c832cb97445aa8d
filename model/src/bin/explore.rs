//! Explores every world, and prints how large each is.

use bolt12_model::{BOUNDED, explore};

fn main() {
    let name = std::env::args().nth(1);
    for setup in BOUNDED.iter().filter(|setup| name.as_ref().is_none_or(|name| setup.name == name)) {
        explore(*setup).print();
    }
}
