//! The mutating runner, and the small things around it: `cargo xtask fuzz-smoke` calls it, and so may you.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool that talks to its developer"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use fuzz::{TARGETS, Target, mutation, seeds};

const USAGE: &str = "usage: fuzz targets                                   the names of all targets
       fuzz words TARGET                              its words, as a dictionary of libFuzzer
       fuzz seeds FOLDER                              writes the seeds into FOLDER/TARGET/
       fuzz run TARGET SECONDS SEED CURRENT FOLDER…   changes the files of the folders, keeps the running input in CURRENT
       fuzz replay TARGET FILE…                       runs files";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["targets"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["words", name] => named(name).map(|target| print!("{}", target.dictionary())),
        ["seeds", folder] => write_seeds(Path::new(folder)),
        ["run", name, seconds, chance, current, folders @ ..] => run(name, seconds, chance, current, folders),
        ["replay", name, files @ ..] => replay(name, files),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn named(name: &str) -> Result<&'static Target, String> {
    Target::named(name).ok_or_else(|| format!("no target `{name}`"))
}

fn run(name: &str, seconds: &str, chance: &str, current: &str, folders: &[&str]) -> Result<(), String> {
    let target = named(name)?;
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("expected a number, found `{text}`"))
    };
    let mut inputs = Vec::new();
    for folder in folders {
        inputs.extend(
            seeds::read(Path::new(folder))?
                .into_iter()
                .map(|(_, bytes)| bytes),
        );
    }
    let time = Duration::from_secs(number(seconds)?);
    let tally = mutation::run(target, &inputs, number(chance)?, time, Path::new(current))
        .map_err(|error| format!("{current}: {error}"))?;
    println!(
        "{} inputs, {} accepted, the slowest took {:?}",
        tally.inputs, tally.accepted, tally.slowest
    );
    Ok(())
}

fn replay(name: &str, files: &[&str]) -> Result<(), String> {
    let target = named(name)?;
    for file in files {
        let input = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let accepted = (target.run)(&input);
        println!("{file}: {}", if accepted { "accepted" } else { "refused" });
    }
    Ok(())
}

/// Writes every seed, and removes what is none any more.
fn write_seeds(folder: &Path) -> Result<(), String> {
    for target in TARGETS {
        let place = folder.join(target.name);
        for (name, _) in seeds::read(&place)? {
            let file = place.join(name);
            std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    for seed in seeds::all() {
        let place = folder.join(seed.target);
        let file = place.join(seed.name);
        std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::write(&file, &seed.bytes))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
