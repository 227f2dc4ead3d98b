//! The targets of `fuzz` under libFuzzer, one at a time: `FUZZ_TARGET=reply coverage [OPTIONS] [FOLDER…]`.

#![no_main]

use std::sync::LazyLock;

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

static CHOSEN: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, which names no target"))
});

fuzz_target!(|input: &[u8]| {
    (CHOSEN.run)(input);
});
