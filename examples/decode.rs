//! Decodes images as training does, and writes each as a PNG, which every decoder reads alike.
//! `tools/compare_decoders.py` compares them with Pillow's pixels.
//!
//! `cargo run --release --example decode -- OUTPUT_FOLDER IMAGE…` writes `0.png`, `1.png`, … in the images' order.

use std::error::Error;
use std::path::{Path, PathBuf};

use wise_srnet::data::decode::{self, Orientation};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let output = paths.next().ok_or("usage: decode OUTPUT_FOLDER IMAGE…")?;
    for (number, path) in paths.enumerate() {
        write_png(&path, &output.join(format!("{number}.png")))
            .map_err(|error| format!("{}: {error}", path.to_string_lossy()))?;
    }
    Ok(())
}

fn write_png(image: &Path, png: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(image)?;
    let decoded = decode::decode(&bytes, &image.to_string_lossy())?;
    decoded.oriented(Orientation::Ignore).save(png)?;
    Ok(())
}
