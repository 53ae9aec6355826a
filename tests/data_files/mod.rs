//! Files of small data sets, written as a folder or as a zip file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Contents by '/'-separated path.
pub type Files = Vec<(String, Vec<u8>)>;

pub fn write_folder(root: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

pub fn write_zip(path: &Path, files: &Files) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// The same files inside of `folder`.
#[allow(dead_code, reason = "not every test encloses its files")]
pub fn enclosed(files: &Files, folder: &str) -> Files {
    files
        .iter()
        .map(|(path, bytes)| (format!("{folder}/{path}"), bytes.clone()))
        .collect()
}
