//! Explores every world, or those of which the name begins so, and prints how large each is. With `--until-wrong`, stops
//! when anything is found to be wrong, and says no more than that.

use std::process::ExitCode;

use bolt12_model::{BOUNDED, FULL, explore, explore_until_wrong};

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut has = |flag: &str| {
        let before = args.len();
        args.retain(|arg| arg != flag);
        args.len() < before
    };
    let (until_wrong, is_full) = (has("--until-wrong"), has("--full"));
    let setups = if is_full { FULL } else { BOUNDED };
    let is_meant = |name: &str| args.is_empty() || args.iter().any(|arg| name.starts_with(arg.as_str()));
    let mut all_right = true;
    for setup in setups.iter().filter(|setup| is_meant(setup.name)) {
        if until_wrong {
            if let Some((name, way)) = explore_until_wrong(*setup).wrong.first() {
                println!("{}: not so: {name} ({} steps)", setup.name, way.len() - 1);
                return ExitCode::FAILURE;
            }
            continue;
        }
        let report = explore(*setup);
        report.print();
        all_right &= report.wrong.is_empty();
    }
    if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
