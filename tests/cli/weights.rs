//! Weights in and out: `export`, `features`, and what is said of files that can't be used.

use std::fs;
use std::path::Path;

use hdf5_pure::{AttrValue, File, FileBuilder, Group, GroupBuilder};
use wise_srnet::experiment::{Experiment, HeadKind, Orientation, Plan, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::networks::{densenet169, nasnet_large, resnet50, xception};
use wise_srnet::plan::Precision;
use wise_srnet::training::{Checkpoint, Identity, Position, Snapshot};
use wise_srnet::weights::{Pretrained, export_keras_h5};

use super::lab::{Ended, Lab, RUN, TINY};

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

/// Writes ResNet50's random weights as Keras writes those of a model that has it as a layer, before a dense layer.
fn write_model_around_resnet50(path: &Path) {
    let mut model = Registry::builtin()
        .build_named("resnet50", 224, HeadKind::Gap, 3, 1)
        .unwrap();
    let names = resnet50::keras_names();
    let list = |names: &[String]| AttrValue::StringArray(names.to_vec());
    let mut file = FileBuilder::new();
    let mut whole = file.create_group("model_weights");
    whole.set_attr("layer_names", list(&["resnet50".to_owned(), "dense".to_owned()]));
    let mut network = whole.create_group("resnet50");
    network.set_attr("weight_names", list(&names));
    let mut names = names.iter();
    let mut layers: Vec<(String, GroupBuilder)> = Vec::new();
    model.for_each(&mut |visited| {
        let Visited::Tensor(tensor) = visited else { return };
        let Some((layer, variable)) = names.next().and_then(|name| name.split_once('/')) else {
            return;
        };
        if layers.last().is_none_or(|(last, _)| last != layer) {
            layers.push((layer.to_owned(), network.create_group(layer)));
        }
        let shape: Vec<u64> = tensor.shape.iter().map(|&size| size as u64).collect();
        let (_, group) = layers.last_mut().unwrap();
        group
            .create_dataset(variable)
            .with_f32_data(tensor.values)
            .with_shape(&shape);
    });
    for (_, layer) in layers {
        network.add_group(layer.finish());
    }
    whole.add_group(network.finish());
    let mut dense = whole.create_group("dense");
    dense.set_attr("weight_names", list(&["kernel".to_owned()]));
    dense
        .create_dataset("kernel")
        .with_f32_data(&[1.0; 2048])
        .with_shape(&[2048, 1]);
    whole.add_group(dense.finish());
    file.add_group(whole.finish());
    fs::write(path, file.finish().unwrap()).unwrap();
}

#[test]
fn a_model_around_a_network_gives_its_weights_and_says_what_it_left_out() {
    let lab = Lab::with(
        r#"Experiment(
    name: "around",
    network: "resnet50",
    image_size: 224,
    heads: [gap],
    epochs: 1,
    batch_size: 2,
    data: (layout: Generated(train_per_class: 1, test_per_class: 1, image_size: 64, seed: 0)),
)
"#,
    );
    write_model_around_resnet50(&lab.path("model.h5"));
    let image: Vec<f32> = (0..224 * 224 * 3).map(|value| (value % 251) as f32 - 120.0).collect();
    write_npy(&lab.path("in.npy"), &image, &[1, 224, 224, 3]);
    let features = "features --network resnet50 --size 224 --input in.npy --output maps.npy --weights model.h5";
    let ended = lab.run(&features.split(' ').collect::<Vec<_>>());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let note = "note: left out of 'model.h5', being no part of the network: 1 layer, `dense`\n";
    assert_eq!(ended.stderr, note);
    let maps = fs::read(lab.path("maps.npy")).unwrap();
    let maps = npyz::NpyFile::new(&maps[..]).unwrap().into_vec::<f32>().unwrap();
    let mut model = Registry::builtin()
        .build_named("resnet50", 224, HeadKind::Gap, 3, 1)
        .unwrap();
    assert!(maps == model.features(image, 1).unwrap());

    let checked = lab.run(&["check", "tiny.ron", "--weights", "model.h5"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains(note), "{}", checked.stdout);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let lab = Lab::new();
    let path = lab.path("nan.h5");
    let mut model = Registry::builtin()
        .build_named("resnet50", 224, HeadKind::Gap, 3, 1)
        .unwrap();
    export_keras_h5(&path, "resnet50", true, |visit| {
        model.for_each(&mut |mut visited| {
            if let Visited::Tensor(tensor) = &mut visited
                && tensor.name.starts_with("backbone.")
            {
                tensor.values[0] = f32::NAN;
            }
            visit(visited);
        });
    })
    .unwrap();
    let message = refusal(&path, "resnet50");
    assert!(
        message.contains("its tensor `conv1_conv/kernel` holds values that are not finite"),
        "{message}"
    );
}

/// A file in which a layer is named again and again, each time with a tensor that is named again and again.
#[cfg(target_os = "linux")]
fn names_of_names(number: usize) -> Vec<u8> {
    let list = |name: &str| AttrValue::StringArray(vec![name.to_owned(); number]);
    let mut file = FileBuilder::new();
    file.set_attr("layer_names", list("a"));
    let mut group = file.create_group("a");
    group.set_attr("weight_names", list("k"));
    group.create_dataset("k").with_f32_data(&[1.0]).with_shape(&[1]);
    file.add_group(group.finish());
    file.finish().unwrap()
}

/// A file of 60,000 layers as Keras 3 writes them.
#[cfg(target_os = "linux")]
fn many_groups() -> Vec<u8> {
    let mut file = FileBuilder::new();
    let mut layers = file.create_group("layers");
    for number in 0..60_000 {
        let mut layer = layers.create_group(&format!("conv2d_{number}"));
        let mut variables = layer.create_group("vars");
        variables.set_attr("name", AttrValue::String(format!("layer_{number}")));
        variables.create_dataset("0").with_f32_data(&[1.0]).with_shape(&[1]);
        layer.add_group(variables.finish());
        layers.add_group(layer.finish());
    }
    file.add_group(layers.finish());
    file.finish().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_list_tensors_without_end_are_refused_within_little_memory() {
    const MEBIBYTES: u64 = 512;
    let lab = Lab::new();
    write_npy(&lab.path("in.npy"), &[0.5_f32; 64 * 64 * 3], &[1, 64, 64, 3]);
    let features = "features --network mini_resnet --size 64 --input in.npy --output out.npy --threads 1 --weights";
    let features = |weights: &'static str| features.split(' ').chain([weights]).collect::<Vec<_>>();
    let ended = lab.run_within(MEBIBYTES, &features("none"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for (name, content) in [
        ("few.h5", names_of_names(1_900)),
        ("many.h5", names_of_names(60_000)),
        ("groups.h5", many_groups()),
    ] {
        fs::write(lab.path(name), content).unwrap();
        lab.run_within(MEBIBYTES, &features(name))
            .assert_refused(1, &[name, "lists more layers and tensors than any network has"]);
    }
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

/// A network of random weights as a checkpoint of [`TINY`], after `change`.
fn write_checkpoint(path: &Path, change: impl FnOnce(&mut Checkpoint)) {
    let registry = Registry::builtin();
    let plan = Plan::new(Experiment::parse(TINY, "tiny.ron").unwrap(), &registry).unwrap();
    let mut model = registry.build_named("mini_resnet", 64, HeadKind::Gap, 0, 6).unwrap();
    let mut checkpoint = Checkpoint {
        identity: Identity {
            network: "mini_resnet".to_owned(),
            image_size: 64,
            orientation: Orientation::default(),
            precision: Precision::F32,
            head: "gap".to_owned(),
            classes: plan.dataset.classes.clone(),
            seed: 0,
            fingerprint: String::new(),
            contents: 0,
        },
        position: Position::default(),
        snapshot: Snapshot::of(&mut *model, None),
    };
    change(&mut checkpoint);
    checkpoint.save(path).unwrap();
}

fn kernel(checkpoint: &mut Checkpoint) -> &mut Vec<f32> {
    &mut checkpoint.snapshot.tensors.get_mut("head.1.kernel").unwrap().values
}

/// `c.safetensors` as each command reads it that reads checkpoints.
fn read_by_each_command(lab: &Lab) -> Vec<Ended> {
    lab.write_image("dot.bmp");
    write_npy(&lab.path("in.npy"), &[0.5_f32; 64 * 64 * 3], &[1, 64, 64, 3]);
    let commands = [
        "predict --checkpoint c.safetensors dot.bmp",
        "evaluate tiny.ron --checkpoint c.safetensors",
        "export --checkpoint c.safetensors --output net.h5",
        "features --network mini_resnet --size 64 --weights c.safetensors --input in.npy --output maps.npy",
        "run tiny.ron --weights c.safetensors",
    ];
    let ended = commands.map(|command| lab.run(&command.split(' ').collect::<Vec<_>>()));
    ended.into()
}

#[test]
fn every_command_refuses_a_checkpoint_with_weights_that_are_not_finite_and_a_damaged_one() {
    let lab = Lab::new();
    let path = lab.path("c.safetensors");
    for value in [f32::NAN, f32::INFINITY] {
        write_checkpoint(&path, |checkpoint| kernel(checkpoint)[1] = value);
        for ended in read_by_each_command(&lab) {
            ended.assert_refused(1, &["c.safetensors", "its tensor `head.1.kernel` holds values"]);
        }
    }
    write_checkpoint(&path, |_| {});
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    for ended in read_by_each_command(&lab) {
        ended.assert_refused(1, &["c.safetensors", "damaged: its checksum"]);
    }
    assert!(!lab.path("net.h5").exists() && !lab.path("maps.npy").exists() && !lab.results("").exists());
}

#[test]
fn weights_too_large_to_compute_with_are_an_error_and_no_answer() {
    let lab = Lab::new();
    write_checkpoint(&lab.path("c.safetensors"), |checkpoint| {
        let kernels = checkpoint
            .snapshot
            .tensors
            .iter_mut()
            .filter(|(name, _)| name.ends_with(".kernel"));
        kernels.for_each(|(_, kernel)| kernel.values.fill(3e38));
    });
    let [predicted, evaluated, exported, features, trained] = read_by_each_command(&lab).try_into().ok().unwrap();
    predicted.assert_refused(1, &["c.safetensors", "'dot.bmp' is not a finite number"]);
    evaluated.assert_refused(1, &["c.safetensors", "is not a finite number"]);
    assert_eq!((predicted.stdout.as_str(), evaluated.stdout.as_str()), ("", ""));
    features.assert_refused(1, &["the map of image 0", "c.safetensors"]);
    trained.assert_refused(1, &["training diverged"]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
}

#[test]
fn whatever_a_checkpoint_says_that_it_is_of_is_answered() {
    let lab = Lab::new();
    lab.write_image("dot.bmp");
    let predict = |change: &dyn Fn(&mut Checkpoint)| {
        write_checkpoint(&lab.path("c.safetensors"), change);
        lab.run(&["predict", "--checkpoint", "c.safetensors", "dot.bmp"])
    };
    /// A change of a checkpoint, and what is said of it.
    type Case<'a> = (&'a dyn Fn(&mut Checkpoint), &'a str);
    let refused: [Case<'_>; 6] = [
        (&|c| c.identity.image_size = 1 << 63, "9223372036854775808 pixels"),
        (&|c| c.identity.image_size = 0, "0 pixels"),
        (&|c| c.identity.network = "../../x".to_owned(), "`../../x`"),
        (&|c| c.identity.head = "../../x".to_owned(), "`../../x`"),
        (&|c| c.identity.classes.clear(), "it names no classes"),
        (&|c| c.identity.classes.truncate(1), "[1, 1, 128, 6]"),
    ];
    for (change, said) in refused {
        predict(change).assert_refused(1, &["'c.safetensors' can't be used: ", said]);
    }
    let used: [&dyn Fn(&mut Checkpoint); 4] = [
        &|c| c.identity.seed = u64::MAX,
        &|c| c.identity.classes.fill(String::new()),
        &|c| c.identity.classes.fill("a".to_owned()),
        &|c| (c.position.epochs, c.position.best) = (u64::MAX, Some(1e308)),
    ];
    for change in used {
        let ended = predict(change);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert_eq!(ended.stdout.matches(" %").count(), 5, "{}", ended.stdout);
    }
}

#[test]
fn the_folder_of_a_run_stands_for_its_best_checkpoint() {
    let lab = Lab::new();
    lab.write_image("dot.bmp");
    fs::create_dir_all(lab.path("out/tiny/gap-seed0")).unwrap();
    let predict = |checkpoint: &str| lab.run(&["predict", "--checkpoint", checkpoint, "dot.bmp"]);
    let none = "'out/tiny/gap-seed0' holds no best.safetensors: name the folder of a run that has finished an epoch";
    predict("out/tiny/gap-seed0").assert_refused(1, &[none]);

    write_checkpoint(&lab.path("out/tiny/gap-seed0/best.safetensors"), |_| {});
    let (folder, file) = (
        predict("out/tiny/gap-seed0/"),
        predict("out/tiny/gap-seed0/best.safetensors"),
    );
    assert_eq!(
        (folder.code, &folder.stdout),
        (Some(0), &file.stdout),
        "{}",
        folder.stderr
    );
    let several = "'out/tiny' holds no best.safetensors: name the folder of one run, such as 'out/tiny/gap-seed0'";
    predict("out/tiny").assert_refused(1, &[several]);
    for command in ["evaluate tiny.ron", "export --output net.h5"] {
        let arguments: Vec<&str> = command
            .split(' ')
            .chain(["--checkpoint", "out/tiny/gap-seed0"])
            .collect();
        let ended = lab.run(&arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

#[test]
fn an_export_replaces_no_file() {
    let lab = Lab::new();
    write_checkpoint(&lab.path("c.safetensors"), |_| {});
    lab.write("net.h5", "of another model");
    lab.run(&["export", "--checkpoint", "c.safetensors", "--output", "net.h5"])
        .assert_refused(
            1,
            &["'net.h5' is already there: give another `--output`, or delete it first"],
        );
    assert_eq!(lab.read("net.h5"), "of another model");
}

/// A safetensors file with a header of about this length, made of as many pieces as it takes.
fn write_header(path: &Path, length: usize, start: &str, piece: &str, end: &str) {
    let pieces = vec![piece; (length - start.len() - end.len()) / (piece.len() + 1)].join(",");
    let header = format!("{start}{pieces}{end}");
    fs::write(
        path,
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 4]].concat(),
    )
    .unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn millions_of_sizes_names_and_classes_take_little_memory() {
    const MEBIBYTES: u64 = 450;
    let lab = Lab::new();
    lab.write_image("dot.bmp");
    write_npy(&lab.path("in.npy"), &[0.5_f32; 64 * 64 * 3], &[1, 64, 64, 3]);
    let classes = r#"{"__metadata__":{"wise-srnet":"{\"format\":2,\"identity\":{\"classes\":["#;
    let files = [
        (r#"{"a":{"dtype":"F32","shape":["#, "1", r#"],"data_offsets":[0,4]}}"#),
        (r#"{"a":{"#, r#""":0"#, "}}"),
        (classes, r#"\"\""#, r#"]}}"}}"#),
    ];
    for (start, piece, end) in files {
        for (length, said) in [(4_000_000, "c.safetensors"), (40_000_000, "take more than 4 MiB")] {
            write_header(&lab.path("c.safetensors"), length, start, piece, end);
            for command in [
                "predict --checkpoint c.safetensors dot.bmp",
                "features --network mini_resnet --size 64 --weights c.safetensors --input in.npy --output maps.npy",
            ] {
                let arguments: Vec<&str> = command.split(' ').chain(["--threads", "1"]).collect();
                lab.run_within(MEBIBYTES, &arguments)
                    .assert_refused(1, &["c.safetensors", said]);
            }
        }
    }
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
            orientation: Orientation::Exif,
            precision: Precision::F32,
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
        ("huge.npy", "of '<f4', but 0 bytes of values: it is damaged"),
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
