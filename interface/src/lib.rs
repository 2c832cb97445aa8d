//! Nothing but a test: `tests/public_items.rs` compares all public items of `bolt12` with `public-items.txt`.
