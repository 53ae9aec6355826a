//! Writes the tables of sizes that `src/shapes/tables.rs` looks up.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

/// The largest map in a table, in pixels.
const PIXELS: usize = 640;

/// The largest number of channels to which others are added.
const CHANNELS: usize = 4096;

/// The largest number of channels that is multiplied.
const FACTORS: usize = 1024;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(folder.join("sizes.rs"), tables())
}

/// Numbers are written out, since every expression in the place of a type is a function that the compiler checks and runs.
fn tables() -> String {
    let mut tables = String::new();
    let mut table = |name: &str, sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        for (size, out) in sizes {
            let _ = writeln!(tables, "size!({name}: {size} => {out});");
        }
    };
    table(
        "HalvesRoundedUp",
        &mut (1..=PIXELS).map(|size| (size, size.div_ceil(2))),
    );
    for (name, window, stride) in [
        ("TwoByTwo", 2, 2),
        ("ThreeByOne", 3, 1),
        ("ThreeByTwo", 3, 2),
        ("ThreeByThree", 3, 3),
        ("FiveByTwo", 5, 2),
        ("SevenByTwo", 7, 2),
    ] {
        table(
            name,
            &mut (window..=PIXELS).map(|size| (size, (size - window) / stride + 1)),
        );
    }
    for more in [8, 16, 24, 32, 48, 64] {
        let sums = (8..=CHANNELS).step_by(8).map(|channels| (channels, channels + more));
        table(&format!("Plus{more}"), &mut { sums });
    }
    for (name, count) in [("Twice", 2), ("FourTimes", 4), ("SixTimes", 6)] {
        let products = (2..=FACTORS).step_by(2).map(|channels| (channels, count * channels));
        table(name, &mut { products });
    }
    tables
}
