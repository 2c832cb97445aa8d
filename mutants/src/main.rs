//! Changes the library one place at a time, as `cargo-mutants` lists the changes, and says which of them no test
//! notices. See the README beside this.

mod copy;
mod find;
mod list;
mod place;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io};

fn main() -> io::Result<ExitCode> {
    let mut args = env::args().skip(1);
    let Some(folder) = args.next().map(PathBuf::from) else {
        eprintln!("usage: bolt12-mutants FOLDER [src/FILE.rs…]");
        return Ok(ExitCode::from(2));
    };
    let files: Vec<String> = args.collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let changes = list::changes(root, &files)?;
    let copy = copy::build(root, &folder, &changes)?;
    let missed = run::all(&changes, &copy, &list::known(root)?)?;
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
