//! Weights files that Keras wrote: the official layout, and Keras 3's own. They are too large to be committed; a
//! whole reference set has them.

use std::fs;
use std::path::Path;

use wise_srnet::experiment::HeadKind;
use wise_srnet::layers::Visited;
use wise_srnet::weights::Pretrained;

use crate::golden::{Golden, folder};
use crate::networks::{NETWORKS, network};

#[test]
fn files_that_keras_wrote_load_tensor_by_tensor() {
    let mut read = 0;
    for name in NETWORKS {
        let seed = Golden::open(&format!("features-{name}-224")).seed();
        for file in fs::read_dir(folder()).unwrap() {
            let path = file.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let is_weights = [".h5", ".keras"].iter().any(|ending| file.ends_with(ending));
            if !is_weights || !file.starts_with(name) {
                continue;
            }
            let mut expected = Vec::new();
            let mut model = network(name, 224, HeadKind::Gap, 1, seed);
            model.for_each(&mut |visited| {
                if let Visited::Tensor(parameter) = visited {
                    expected.push(parameter.values.to_vec());
                    parameter.values.fill(0.5);
                }
            });
            let weights = Pretrained::open(&path, name).unwrap();
            weights.load_into(name, |visit| model.for_each(visit)).unwrap();
            let mut expected = expected.into_iter();
            model.for_each(&mut |visited| {
                if let Visited::Tensor(parameter) = visited {
                    let expected = expected.next().unwrap();
                    if parameter.name.starts_with("backbone.") {
                        assert!(expected == parameter.values, "{file}: {}", parameter.name);
                    }
                }
            });
            println!("{file}: every tensor is in its place");
            assert_refused_if_cut_short(&path, name);
            read += 1;
        }
    }
    let whole_set = std::env::var_os("KERAS_REFERENCE").is_some();
    assert_eq!(
        read,
        if whole_set { 15 } else { 0 },
        "files of weights in {}",
        folder().to_string_lossy()
    );
}

/// Keras' files end in room that was set aside and not used, so that nothing that is read is missing.
fn assert_refused_if_cut_short(path: &Path, network: &str) {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join(path.file_name().unwrap());
    let bytes = fs::read(path).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let message = Pretrained::open(&cut, network).unwrap_err().to_string();
    assert!(message.contains("not a readable"), "{message}");
}
