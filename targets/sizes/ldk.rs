//! Decodes an offer with the `lightning` crate and prints its description.

use lightning::offers::offer::Offer;

fn main() {
    let Some(text) = std::env::args().nth(1) else { return };
    match text.parse::<Offer>() {
        Ok(offer) => println!("{}", offer.description().map_or("", |text| text.0)),
        Err(_) => std::process::exit(1),
    }
}
