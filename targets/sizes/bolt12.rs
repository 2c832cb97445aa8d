//! Decodes an offer and prints its description.

use bolt12::Offer;

fn main() {
    let Some(text) = std::env::args().nth(1) else { return };
    match text.parse::<Offer>() {
        Ok(offer) => println!("{}", offer.description().map_or("", |text| text.as_raw())),
        Err(_) => std::process::exit(1),
    }
}
