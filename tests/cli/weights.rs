//! Weights in and out: `export`, `features`, and what is said of files that can't be used.

use std::fs;
use std::path::Path;

use hdf5_pure::{AttrValue, File, FileBuilder, Group};
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::networks::{densenet169, nasnet_large, resnet50, xception};
use wise_srnet::training::{Checkpoint, Identity, Position, Snapshot};
use wise_srnet::weights::{Pretrained, export_keras_h5};

use super::lab::{Lab, RUN};

/// The networks that Keras has, with a tensor of each.
fn networks() -> [(&'static str, String); 4] {
    let last = |names: Vec<String>| names.into_iter().next_back().unwrap();
    [
        ("resnet50", last(resnet50::keras_names())),
        ("densenet169", last(densenet169::keras_names())),
        ("xception", last(xception::keras_names())),
        ("nasnet_large", last(nasnet_large::keras_names())),
    ]
}

/// Writes a network's random weights in the layout of the official files.
fn write_official_layout(network: &str, path: &Path) {
    let mut model = Registry::builtin()
        .build_named(network, 224, HeadKind::Gap, 3, 1)
        .unwrap();
    export_keras_h5(path, network, true, |visit| model.for_each(visit)).unwrap();
}

/// Why a file can't be loaded into a network.
fn refusal(path: &Path, network: &str) -> String {
    let mut model = Registry::builtin()
        .build_named(network, 224, HeadKind::Gap, 0, 1)
        .unwrap();
    let loaded =
        Pretrained::open(path, network).and_then(|weights| weights.load_into(network, |visit| model.for_each(visit)));
    loaded.unwrap_err().to_string()
}

/// A file of weights with another name for one layer.
fn renamed(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let names = |group: &Group, attribute: &str| group.attrs().unwrap()[attribute].as_strings().unwrap().to_vec();
    let name = |layer: &String| (if layer == from { to } else { layer }).to_owned();
    let root = File::from_bytes(bytes).unwrap().root();
    let layers = names(&root, "layer_names");
    let mut file = FileBuilder::new();
    file.set_attr("layer_names", AttrValue::StringArray(layers.iter().map(name).collect()));
    for layer in &layers {
        let group = root.group(layer).unwrap();
        let weights = names(&group, "weight_names");
        let mut copy = file.create_group(&name(layer));
        for weight in &weights {
            let tensor = group.dataset(weight).unwrap();
            let copied = copy.create_dataset(weight);
            copied
                .with_f32_data(&tensor.read_f32().unwrap())
                .with_shape(&tensor.shape().unwrap());
        }
        copy.set_attr("weight_names", AttrValue::StringArray(weights));
        file.add_group(copy.finish());
    }
    file.finish().unwrap()
}

#[test]
fn files_in_the_official_layout_load_and_damaged_or_foreign_ones_are_refused_by_name() {
    let lab = Lab::new();
    let path = lab.path("backbone.h5");
    let networks = networks();
    for (place, (network, last)) in networks.iter().enumerate() {
        write_official_layout(network, &path);
        let mut model = Registry::builtin()
            .build_named(network, 224, HeadKind::Gap, 0, 1)
            .unwrap();
        let weights = Pretrained::open(&path, network).unwrap();
        weights.load_into(network, |visit| model.for_each(visit)).unwrap();
        let mut written = Registry::builtin()
            .build_named(network, 224, HeadKind::Gap, 3, 1)
            .unwrap();
        let mut expected = Vec::new();
        let backbone = |visited: Visited<'_>, into: &mut Vec<Vec<f32>>| {
            if let Visited::Tensor(tensor) = visited
                && tensor.name.starts_with("backbone.")
            {
                into.push(tensor.values.to_vec());
            }
        };
        written.for_each(&mut |visited| backbone(visited, &mut expected));
        let mut loaded = Vec::new();
        model.for_each(&mut |visited| backbone(visited, &mut loaded));
        assert!(expected == loaded, "{network}");

        let bytes = fs::read(&path).unwrap();
        let (other, _) = networks[(place + 1) % networks.len()];
        let message = refusal(&path, other);
        // A tensor that is missing, or one of the same name and another shape.
        let said = format!("does not fit the network `{other}`: it");
        assert!(message.contains(&said) && message.contains("tensor `"), "{message}");

        let layer = last.split('/').next().unwrap();
        fs::write(&path, renamed(bytes.clone(), layer, "renamed")).unwrap();
        let message = refusal(&path, network);
        assert!(message.contains(&format!("it has no tensor `{layer}/")), "{message}");

        for length in [bytes.len() / 3, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            let message = refusal(&path, network);
            assert!(message.contains("backbone.h5'"), "{message}");
        }
    }
    let noise: Vec<u8> = (0..5000_u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(&path, noise).unwrap();
    let message = refusal(&path, "xception");
    assert!(
        message.contains("backbone.h5'") && message.contains("neither a Keras"),
        "{message}"
    );
}

#[test]
fn features_are_the_same_from_a_checkpoint_and_from_its_export() {
    let lab = Lab::new();
    lab.train(&["--epochs", "1", "--limit-train", "6", "--limit-test", "6"]);
    let checkpoint = lab.results(RUN).join("last.safetensors");
    let checkpoint = checkpoint.to_str().unwrap();
    let exported = lab.run(&["export", "--checkpoint", checkpoint, "--output", "new/net.h5"]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    assert_eq!(
        exported.stdout,
        "mini_resnet with the head wise_srnet_dropout written to new/net.h5\n"
    );
    assert!(lab.path("new/net.h5").exists());

    let images: Vec<f32> = (0..9 * 64 * 64 * 3).map(|value| (value % 251) as f32 - 120.0).collect();
    write_npy(&lab.path("in.npy"), &images, &[9, 64, 64, 3]);
    let features = |weights: &str, output: &str| {
        let arguments = "features --network mini_resnet --size 64 --input in.npy --output";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.extend([output, "--weights", weights]);
        lab.run(&arguments)
    };
    let ended = features(checkpoint, "maps.npy");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "9 × 8 × 8 × 128 values written to maps.npy\n");
    let written = fs::read(lab.path("maps.npy")).unwrap();
    let maps = npyz::NpyFile::new(&written[..]).unwrap();
    assert_eq!(maps.shape(), [9, 8, 8, 128]);
    let snapshot = Checkpoint::load(Path::new(checkpoint)).unwrap().snapshot;
    let mut model = Registry::builtin()
        .build_named("mini_resnet", 64, HeadKind::WiseSrnetDropout, 0, 6)
        .unwrap();
    snapshot.restore(&mut *model, None).unwrap();
    assert!(maps.into_vec::<f32>().unwrap() == model.features(images, 9).unwrap());

    // Keras has no such network: its own files can't be for it.
    features("new/net.h5", "no.npy").assert_refused(1, &["net.h5", "Keras has no network `mini_resnet`"]);
    assert!(!lab.path("no.npy").exists());
}

#[test]
fn a_checkpoint_that_claims_more_classes_than_it_has_weights_for_takes_no_memory_for_them() {
    const CLAIMED: usize = 800_000;
    let lab = Lab::new();
    let mut model = Registry::builtin()
        .build_named("mini_resnet", 96, HeadKind::FlattenFc, 0, 2)
        .unwrap();
    let checkpoint = Checkpoint {
        identity: Identity {
            network: "mini_resnet".to_owned(),
            image_size: 96,
            head: "flatten_fc".to_owned(),
            classes: vec![String::new(); CLAIMED],
            seed: 0,
            fingerprint: String::new(),
            contents: 0,
        },
        position: Position::default(),
        snapshot: Snapshot::of(&mut *model, None),
    };
    checkpoint.save(&lab.path("claims.safetensors")).unwrap();
    // Its weights would be 6.5 GB.
    lab.run(&["export", "--checkpoint", "claims.safetensors", "--output", "net.h5"])
        .assert_refused(1, &["claims.safetensors", "[4, 4, 128, 2]", "[4, 4, 128, 800000]"]);
}

fn write_npy<T: npyz::AutoSerialize + Copy>(path: &Path, values: &[T], shape: &[u64]) {
    use npyz::WriterBuilder;
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn arrays_that_are_no_images_are_refused_with_what_is_needed() {
    let lab = Lab::new();
    write_npy(&lab.path("wide.npy"), &[0.5_f64; 12], &[1, 2, 2, 3]);
    write_npy(&lab.path("small.npy"), &[0.5_f32; 12], &[1, 2, 2, 3]);
    let whole = fs::read(lab.path("small.npy")).unwrap();
    fs::write(lab.path("cut.npy"), &whole[..whole.len() - 4]).unwrap();
    lab.write("text.npy", "no array");
    let header = |length: u32, text: &str| [&b"\x93NUMPY\x02\x00"[..], &length.to_le_bytes(), text.as_bytes()].concat();
    let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808, 64, 64, 3)}";
    fs::write(lab.path("huge.npy"), header(huge.len() as u32, huge)).unwrap();
    fs::write(lab.path("deep.npy"), header(4000, &"(".repeat(4000))).unwrap();
    fs::write(lab.path("long.npy"), header(u32::MAX, "{")).unwrap();
    for (file, said) in [
        ("wide.npy", "of '<f8': an array [images, 64, 64, 3] of '<f4'"),
        ("small.npy", "[1, 2, 2, 3]"),
        ("cut.npy", "[1, 2, 2, 3]"),
        ("text.npy", "is not a readable .npy file"),
        ("huge.npy", "is not a readable .npy file"),
        ("deep.npy", "is not a readable .npy file"),
        ("long.npy", "is not a readable .npy file"),
        ("absent.npy", "absent.npy"),
    ] {
        let arguments = "features --network mini_resnet --size 64 --weights none --output out.npy --input";
        let arguments: Vec<&str> = arguments.split(' ').chain([file]).collect();
        lab.run(&arguments).assert_refused(1, &[file, said]);
    }
    write_npy(&lab.path("image.npy"), &[0.5_f32; 64 * 64 * 3], &[1, 64, 64, 3]);
    let unknown = "features --network resnet --size 64 --weights none --output out.npy --input image.npy";
    let unknown: Vec<&str> = unknown.split(' ').collect();
    lab.run(&unknown).assert_refused(1, &["`resnet`", "resnet50"]);
    assert!(!lab.path("out.npy").exists());
}

#[test]
fn an_export_needs_a_checkpoint_and_a_name_that_keras_understands() {
    let lab = Lab::new();
    lab.write("no.safetensors", "no checkpoint");
    for (checkpoint, output, said) in [
        ("no.safetensors", "net.weights.h5", "must end in .h5"),
        ("no.safetensors", "net.keras", "must end in .h5"),
        ("no.safetensors", "net.h5", "not a readable safetensors file"),
        ("absent.safetensors", "net.h5", "absent.safetensors"),
    ] {
        let ended = lab.run(&["export", "--checkpoint", checkpoint, "--output", output]);
        ended.assert_refused(1, &[said]);
        assert!(!lab.path(output).exists());
    }
}
