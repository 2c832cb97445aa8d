//! Changes the library one place at a time, as `cargo-mutants` lists the changes, and says which of them no test
//! notices. See the README beside this.

mod copy;
mod find;
mod list;
mod place;
mod run;
mod statements;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io};

use list::Suite;

fn main() -> io::Result<ExitCode> {
    let mut args = env::args().skip(1);
    let Some(folder) = args.next().map(PathBuf::from) else {
        eprintln!("usage: bolt12-mutants FOLDER [src/FILE.rs…]");
        return Ok(ExitCode::from(2));
    };
    let files: Vec<String> = args.collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut changes = list::changes(root, &files)?;
    let next = changes.iter().map(|it| it.number).max().unwrap_or(0) + 1;
    changes.extend(statements::statements(root, &files, next)?);
    let known = list::known(root)?;
    let mut missed = 0;
    for suite in Suite::ALL {
        let changes: Vec<_> = changes.iter().filter(|it| Suite::of(&it.file) == suite).cloned().collect();
        if !changes.is_empty() {
            println!("tests: {}", suite.name());
            let copy = copy::build(root, &folder.join(suite.name()), suite, &changes)?;
            missed += run::all(&changes, &copy, &known)?;
        }
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
