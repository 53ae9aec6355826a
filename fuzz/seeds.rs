//! Writes the seeds of every target into `corpus/TARGET/` beside this file.

use std::path::Path;
use std::{fs, io};

use wise_srnet_fuzz::{readers, seeds};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, _) in readers::ALL {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::of(target).into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}
