//! Every fuzz target for a while: with libFuzzer where there is a C++ compiler, with plain mutations where there is none.
//!
//! Both run on the pinned stable toolchain: `-Cpasses=sancov-module` needs no nightly one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::tree;

/// What libFuzzer's coverage and comparisons need of the compiler.
const INSTRUMENTED: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What is asked for.
struct Wish {
    seconds: u64,
    engine: Option<Engine>,
    targets: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Engine {
    Coverage,
    Mutation,
}

/// Runs what the arguments ask for; fails when an input was found.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let wish = read(args)?;
    let root = tree::root();
    let mutation = build_mutation(&root)?;
    let names = listed(&mutation)?;
    if let Some(unknown) = wish.targets.iter().find(|name| !names.contains(name)) {
        return Err(format!("no target `{unknown}`; there are: {}", names.join(", ")));
    }
    let coverage = match wish.engine {
        Some(Engine::Mutation) => Err("asked for".to_owned()),
        Some(Engine::Coverage) => Ok(build_coverage(&root)?),
        None => build_coverage(&root),
    };
    match &coverage {
        Ok(_) => println!(
            "fuzz-smoke: coverage-guided (libFuzzer), {} s for each target",
            wish.seconds
        ),
        Err(why) => println!(
            "fuzz-smoke: plain mutations ({why}), {} s for each target",
            wish.seconds
        ),
    }
    let mut failed = Vec::new();
    for name in names
        .iter()
        .filter(|name| wish.targets.is_empty() || wish.targets.contains(name))
    {
        let place = Place::new(&root, name)?;
        let known = place.artifacts();
        let outcome = match &coverage {
            Ok(program) => with_coverage(program, &mutation, &place, wish.seconds),
            Err(_) => with_mutations(&mutation, &place, wish.seconds),
        };
        let found: Vec<_> = place
            .artifacts()
            .into_iter()
            .filter(|file| !known.contains(file))
            .collect();
        match outcome {
            Ok(said) if found.is_empty() => println!("ok   {name}: {said}"),
            outcome => {
                println!("FAIL {name}: {}", outcome.unwrap_or_else(|why| why));
                for file in &found {
                    println!("     again: cargo run --package fuzz -- replay {name} {file}");
                    println!(
                        "     keep:  mkdir -p fuzz/regressions/{name} && cp {file} fuzz/regressions/{name}/"
                    );
                }
                failed.push(name.as_str());
            }
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(format!("fuzz-smoke: found something in {}", failed.join(", "))),
    }
}

fn read(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        seconds: 60,
        engine: None,
        targets: Vec::new(),
    };
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "--seconds" => {
                let value = args.next().unwrap_or_default();
                wish.seconds = value
                    .parse()
                    .map_err(|_| format!("--seconds: expected a number, found `{value}`"))?;
            }
            "--engine" => {
                wish.engine = match args.next().unwrap_or_default() {
                    "coverage" => Some(Engine::Coverage),
                    "mutation" => Some(Engine::Mutation),
                    other => {
                        return Err(format!(
                            "--engine: expected coverage or mutation, found `{other}`"
                        ));
                    }
                };
            }
            flag if flag.starts_with('-') => {
                return Err(format!("{flag}: expected --seconds N or --engine NAME"));
            }
            target => wish.targets.push(target.to_owned()),
        }
    }
    Ok(wish)
}

/// Where the files of one target are. What is not in git is below `target` and `fuzz/artifacts`.
struct Place {
    root: PathBuf,
    name: String,
}

impl Place {
    fn new(root: &Path, name: &str) -> Result<Self, String> {
        let place = Self {
            root: root.to_path_buf(),
            name: name.to_owned(),
        };
        for folder in [place.at("target/fuzz/corpus"), place.at("fuzz/artifacts")] {
            std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        Ok(place)
    }

    fn at(&self, folder: &str) -> PathBuf {
        self.root.join(folder).join(&self.name)
    }

    /// The folders with inputs to begin with; what earlier runs found interesting comes first, since libFuzzer adds to the first.
    fn inputs(&self) -> Vec<PathBuf> {
        let folders = ["target/fuzz/corpus", "fuzz/corpus", "fuzz/regressions"];
        folders
            .iter()
            .map(|folder| self.at(folder))
            .filter(|folder| folder.is_dir())
            .collect()
    }

    /// The inputs that went wrong, relative to the root.
    fn artifacts(&self) -> Vec<String> {
        let folder = self.at("fuzz/artifacts");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        names
            .iter()
            .map(|name| format!("fuzz/artifacts/{}/{name}", self.name))
            .collect()
    }
}

fn build_mutation(root: &Path) -> Result<PathBuf, String> {
    let checks = [
        ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"),
        ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
    ];
    let args = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "fuzz",
        "--target-dir",
        "target/fuzz/mutation",
    ];
    tree::run(root, "cargo", &args, &checks)?;
    Ok(root.join("target/fuzz/mutation/release/fuzz"))
}

/// The program, or why there is none.
fn build_coverage(root: &Path) -> Result<PathBuf, String> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let has_compiler = Command::new(&compiler)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_compiler {
        return Err(format!(
            "libFuzzer needs a C++ compiler, and `{compiler}` is none"
        ));
    }
    // The same versions as everywhere else; cargo adds what only this runner needs.
    std::fs::copy(root.join("Cargo.lock"), root.join("fuzz/coverage/Cargo.lock"))
        .map_err(|e| format!("fuzz/coverage/Cargo.lock: {e}"))?;
    let triple = host()?;
    let args = [
        "build",
        "--quiet",
        "--release",
        "--manifest-path",
        "fuzz/coverage/Cargo.toml",
        "--target",
        &triple,
        "--target-dir",
        "target/fuzz/coverage",
    ];
    tree::run(root, "cargo", &args, &[("RUSTFLAGS", INSTRUMENTED)])?;
    Ok(root.join(format!("target/fuzz/coverage/{triple}/release/coverage")))
}

/// The machine's own triple. With it as `--target`, build scripts are not instrumented.
fn host() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|e| format!("rustc: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn listed(mutation: &Path) -> Result<Vec<String>, String> {
    Ok(said(Command::new(mutation).arg("targets"))?
        .lines()
        .map(str::to_owned)
        .collect())
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

fn with_coverage(program: &Path, mutation: &Path, place: &Place, seconds: u64) -> Result<String, String> {
    let dictionary = place.at("target/fuzz/corpus").with_extension("dict");
    let words = said(Command::new(mutation).args(["words", &place.name]))?;
    std::fs::write(&dictionary, &words).map_err(|e| format!("{}: {e}", dictionary.display()))?;
    let mut command = Command::new(program);
    // libFuzzer takes a dictionary without words for a mistake.
    if !words.is_empty() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let output = command
        .arg(format!("-max_total_time={seconds}"))
        .args([
            "-timeout=5",
            "-report_slow_units=2",
            "-rss_limit_mb=1024",
            "-max_len=16384",
            "-print_final_stats=1",
        ])
        .arg(format!(
            "-artifact_prefix={}/",
            place.at("fuzz/artifacts").display()
        ))
        .args(place.inputs())
        .env("FUZZ_TARGET", &place.name)
        .env("RUST_BACKTRACE", "1")
        .current_dir(&place.root)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let beginning = log
            .find("panicked at")
            .map_or(log.len().saturating_sub(2000), |at| at.saturating_sub(100));
        let excerpt: String = log
            .get(log.floor_char_boundary(beginning)..)
            .unwrap_or_default()
            .chars()
            .take(3000)
            .collect();
        return Err(format!("{}\n{excerpt}", output.status));
    }
    let number = |name: &str| {
        log.lines()
            .rev()
            .find_map(|line| line.strip_prefix(name))
            .map_or("?", str::trim)
    };
    let edges = log
        .lines()
        .rev()
        .find_map(|line| line.split("cov: ").nth(1)?.split(' ').next())
        .unwrap_or("?");
    Ok(format!(
        "{} inputs, {edges} edges, {} new ones kept, at most {} MiB",
        number("stat::number_of_executed_units:"),
        number("stat::new_units_added:"),
        number("stat::peak_rss_mb:")
    ))
}

fn with_mutations(program: &Path, place: &Place, seconds: u64) -> Result<String, String> {
    let current = place.at("target/fuzz/corpus").with_extension("current");
    let chance = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() % 1_000_000_007;
    let log = place.at("target/fuzz/corpus").with_extension("log");
    let file = std::fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut child = Command::new(program)
        .args(["run", &place.name, &seconds.to_string(), &chance.to_string()])
        .arg(&current)
        .args(place.inputs())
        .current_dir(&place.root)
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(|e| e.to_string())?)
        .stderr(file)
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let until = Instant::now() + Duration::from_secs(seconds + 20);
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break Some(status),
            None if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    match status {
        Some(status) if status.success() => Ok(text.trim().to_owned()),
        status => {
            let kept = place.at("fuzz/artifacts").join(format!("mutation-{chance}"));
            std::fs::copy(&current, &kept).map_err(|e| format!("{}: {e}", kept.display()))?;
            let why = status.map_or_else(
                || "an input that does not end".to_owned(),
                |status| status.to_string(),
            );
            Err(format!("{why} (seed {chance})\n{text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(args: &[&str]) -> Result<Wish, String> {
        read(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read() {
        let plain = wish(&[]).unwrap();
        assert_eq!((plain.seconds, plain.engine, plain.targets.len()), (60, None, 0));
        let full = wish(&["--seconds", "5", "reply", "--engine", "mutation", "clixml"]).unwrap();
        assert_eq!((full.seconds, full.engine), (5, Some(Engine::Mutation)));
        assert_eq!(full.targets, ["reply", "clixml"]);
        for bad in [
            &["--seconds"][..],
            &["--seconds", "x"],
            &["--engine", "x"],
            &["--fast"],
        ] {
            assert!(wish(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_new_is_told_from_what_was_there() {
        let root = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        let place = Place::new(&root, "reply").unwrap();
        assert_eq!(place.artifacts(), Vec::<String>::new());
        std::fs::write(place.at("fuzz/artifacts").join("crash-1"), "x").unwrap();
        assert_eq!(place.artifacts(), ["fuzz/artifacts/reply/crash-1"]);
        assert_eq!(place.inputs(), [root.join("target/fuzz/corpus/reply")]);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
