//! The same, and what is wrong with a text is said in a sentence.

use bolt12::Offer;

fn main() {
    let Some(text) = std::env::args().nth(1) else { return };
    match text.parse::<Offer>() {
        Ok(offer) => println!("{}", offer.description().map_or("", |text| text.as_raw())),
        Err(error) => println!("{error}"),
    }
}
