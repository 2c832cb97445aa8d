//! Each world of the bounded run, all of it: nothing is wrong, and there are as many states as there were.

use bolt12_model::{BOUNDED, explore};

#[test]
fn nothing_is_wrong_in_any_bounded_world() {
    let mut found = String::new();
    for setup in BOUNDED {
        let report = explore(*setup);
        report.print();
        assert_eq!(report.wrong, [], "{}", setup.name);
        found.push_str(&report.counts());
    }
    // What the states are is in no file: whoever changes how many there are looks at why, and writes them anew.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bounded.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert_eq!(found, expected, "the states have changed: see model/README.md");
}
