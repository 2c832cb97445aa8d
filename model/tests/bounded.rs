//! Each bounded world, all of it: nothing is wrong, and there are as many states as there were.

use bolt12_model::{BOUNDED, FULL, Report, explore};

/// Explores some of them in two threads.
fn explored() -> Vec<Report> {
    let explore_half = |half: usize| {
        let setups = BOUNDED.iter().enumerate().filter(move |(number, _)| number % 2 == half);
        setups.map(|(number, setup)| (number, explore(*setup))).collect::<Vec<_>>()
    };
    let mut reports: Vec<_> = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || explore_half(half)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    reports.sort_by_key(|(number, _)| *number);
    reports.into_iter().map(|(_, report)| report).collect()
}

#[test]
fn nothing_is_wrong_in_any_bounded_world() {
    let reports = explored();
    for report in &reports {
        report.print();
        assert_eq!(report.wrong, [], "{}", report.name);
    }
    // Whoever changes how many states there are looks at why, and writes the numbers anew.
    let found: String = reports.iter().map(Report::counts).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bounded.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap(), "the states have changed: see model/README.md");
}

#[test]
#[ignore = "takes many minutes: build it with --release"]
fn nothing_is_wrong_in_any_world() {
    for setup in FULL {
        let report = explore(*setup);
        report.print();
        assert_eq!(report.wrong, [], "{}", setup.name);
    }
}
