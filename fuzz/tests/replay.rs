//! Every seed and every input that once went wrong, through its target.

use std::path::{Path, PathBuf};

use fuzz::{TARGETS, seeds};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn what_once_went_wrong_goes_well() {
    for target in TARGETS {
        for (name, input) in seeds::read(&folder("regressions").join(target.name)).unwrap() {
            println!("{}/{name}", target.name);
            (target.run)(&input);
        }
    }
}

#[test]
fn every_file_belongs_to_a_target() {
    for place in ["corpus", "regressions"] {
        for entry in std::fs::read_dir(folder(place)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|target| target.name == name), "{place}/{name}");
        }
    }
}

/// Seeds that no target takes any more would quietly stop being useful.
#[test]
fn seeds_are_accepted_unless_they_are_bad() {
    let mut wrong = Vec::new();
    for seed in seeds::all() {
        let target = fuzz::Target::named(seed.target).unwrap();
        println!("{}/{}", seed.target, seed.name);
        if (target.run)(&seed.bytes) == seed.name.starts_with("bad") {
            wrong.push(format!("{}/{}", seed.target, seed.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_corpus_is_what_the_writers_write() {
    let mut sum = 0;
    for target in TARGETS {
        let mut made: Vec<_> = seeds::all()
            .into_iter()
            .filter(|seed| seed.target == target.name)
            .map(|seed| (seed.name.to_owned(), seed.bytes))
            .collect();
        made.sort();
        assert!(!made.is_empty(), "{} has no seed", target.name);
        sum += made.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let kept = seeds::read(&folder("corpus").join(target.name)).unwrap();
        assert!(
            kept == made,
            "{}: write them again with `cargo run --package fuzz -- seeds fuzz/corpus`",
            target.name
        );
    }
    assert!(sum < 40_000, "the corpus has {sum} bytes");
}
