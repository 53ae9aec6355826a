//! Small inputs that a fuzzer starts from: good ones of every kind that is read, so that changes of them reach deep.

use std::io::{Cursor, Write};

use hdf5_pure::{AttrValue, FileBuilder};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use safetensors::tensor::{Dtype, TensorView};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The seeds of a target of [`readers::ALL`](super::readers::ALL).
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "image" => images(),
        "zip" => zips(),
        "lists" => lists(),
        "keras_h5" => keras_files(),
        "experiment_file" => experiment_files(),
        "checkpoint" => checkpoints(),
        "npy" => arrays(),
        "results" | "report" | "pictures" => results(),
        _ => Vec::new(),
    }
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("a seed can be encoded");
    bytes.into_inner()
}

/// Every format, and every form of pixel that PNG has.
fn images() -> Vec<Vec<u8>> {
    let colour = RgbImage::from_fn(19, 13, |x, y| Rgb([13 * x as u8, 17 * y as u8, (x * y) as u8]));
    let clear = RgbaImage::from_fn(9, 7, |x, y| Rgba([x as u8, y as u8, 200, 40 * y as u8]));
    let deep = image::ImageBuffer::from_fn(8, 8, |x, y| Rgb([8_191 * x as u16, 8_191 * y as u16, 77]));
    let grey = image::GrayImage::from_fn(11, 5, |x, y| Luma([20 * x as u8 + y as u8]));
    let deep_grey = image::ImageBuffer::from_fn(5, 6, |x, y| Luma([9_000 * x as u16 + y as u16]));
    let colour = DynamicImage::from(colour);
    let mut seeds: Vec<Vec<u8>> = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Gif,
        ImageFormat::WebP,
    ]
    .map(|format| encoded(&colour, format))
    .into();
    for image in [
        DynamicImage::from(clear.clone()),
        DynamicImage::ImageRgb16(deep),
        DynamicImage::from(grey.clone()),
        DynamicImage::ImageLuma16(deep_grey),
    ] {
        seeds.push(encoded(&image, ImageFormat::Png));
    }
    seeds.push(encoded(&DynamicImage::from(clear.clone()), ImageFormat::WebP));
    seeds.push(encoded(&DynamicImage::from(grey), ImageFormat::Jpeg));
    seeds.push(animation(&clear));
    seeds.extend(FILES.map(<[u8]>::to_vec));
    seeds
}

/// What no encoder here writes: JPEG of several scans, TIFF, turns, a frame beside its screen.
const FILES: [&[u8]; 9] = [
    include_bytes!("../../tests/images/channel_scans.jpg"),
    include_bytes!("../../tests/images/progressive.jpg"),
    include_bytes!("../../tests/images/cmyk.jpg"),
    include_bytes!("../../tests/images/orientation_6.jpg"),
    include_bytes!("../../tests/images/orientation_6.webp"),
    include_bytes!("../../tests/images/rgb.tif"),
    include_bytes!("../../tests/images/bilevel.tif"),
    include_bytes!("../../tests/images/planar.tif"),
    include_bytes!("../../tests/images/beyond_screen.gif"),
];

/// A GIF of two frames.
fn animation(first: &RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    let frames = [first.clone(), RgbaImage::from_pixel(9, 7, Rgba([1, 2, 3, 255]))];
    encoder
        .encode_frames(frames.map(Frame::new))
        .expect("a seed can be encoded");
    drop(encoder);
    bytes
}

fn small_png() -> Vec<u8> {
    encoded(
        &DynamicImage::from(RgbImage::from_pixel(3, 2, Rgb([1, 2, 3]))),
        ImageFormat::Png,
    )
}

fn zipped(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        zip.start_file(*name, options).expect("a seed can be packed");
        zip.write_all(content).expect("a seed can be packed");
    }
    zip.finish().expect("a seed can be packed").into_inner()
}

/// Both layouts, stored and packed; names that climb; content that unpacks to far more.
fn zips() -> Vec<Vec<u8>> {
    let png = small_png();
    let folders: [(&str, &[u8]); 4] = [
        ("train/sea/1.png", &png),
        ("train/sky/1.png", &png),
        ("test/sea/1.png", &png),
        ("test/notes.txt", b"left out"),
    ];
    let lists: [(&str, &[u8]); 5] = [
        ("a/train.txt", b"sea/1.png\n"),
        ("a/test.txt", b"sea/2.png\n"),
        ("a/sea/1.png", &png),
        ("a/sea/2.png", &png),
        ("a/train.csv", b"filename,class\nsea\\1.png,sea\n"),
    ];
    vec![
        zipped(&folders, CompressionMethod::Stored),
        zipped(&folders, CompressionMethod::Deflated),
        zipped(&lists, CompressionMethod::Deflated),
        zipped(&[("train/a/../../b.png", &png)], CompressionMethod::Stored),
        zipped(
            &[("train/a/1.png", &[0; 20_000]), ("test/a/1.png", &png)],
            CompressionMethod::Deflated,
        ),
        zipped(&[], CompressionMethod::Stored),
    ]
}

fn lists() -> Vec<Vec<u8>> {
    [
        "sea/1.png\nsky/1.png\n",
        "\u{feff}sea\\1.png\r\n\r\nsky/1.png\r\n",
        "filename,class\nsea/1.png,sea\nsky/1.png,sky\n",
        "\u{feff}id,class,filename\r\n1,\"sea, \"\"blue\"\"\",sea\\1.png\r\n\r\n2,\"two\nlines\",sky/1.png\r\n",
        "filename;class\nsea/1.png;sea\n",
        "../sea/1.png\n/sea/1.png\nC:\\sea\\1.png\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn safetensors(names: &[&str]) -> Vec<u8> {
    let bytes: Vec<u8> = (0..6).flat_map(|value| (value as f32).to_le_bytes()).collect();
    let views = names.iter().map(|name| {
        let view = TensorView::new(Dtype::F32, vec![2, 3], &bytes).expect("a seed's tensor is whole");
        (*name, view)
    });
    safetensors::serialize(views.collect::<Vec<_>>(), None).expect("a seed can be written")
}

/// The legacy layout, a whole model's, Keras 3's, and a zip file around one.
fn keras_files() -> Vec<Vec<u8>> {
    let names = |names: &[&str]| AttrValue::StringArray(names.iter().map(|&name| name.to_owned()).collect());
    let mut legacy = FileBuilder::new();
    legacy.set_attr("layer_names", names(&["conv"]));
    let mut group = legacy.create_group("conv");
    group.set_attr("weight_names", names(&["kernel:0"]));
    group
        .create_dataset("kernel:0")
        .with_f32_data(&[0.0, 1.0, 2.0, 3.0])
        .with_shape(&[2, 2]);
    legacy.add_group(group.finish());

    let mut whole = FileBuilder::new();
    let mut model = whole.create_group("model_weights");
    model.set_attr("layer_names0", names(&["a"]));
    let mut group = model.create_group("a");
    group.set_attr("weight_names", names(&["bias:0"]));
    group.create_dataset("bias:0").with_f32_data(&[1.0]).with_shape(&[1]);
    model.add_group(group.finish());
    whole.add_group(model.finish());

    let mut keras3 = FileBuilder::new();
    let mut layers = keras3.create_group("layers");
    let mut layer = layers.create_group("conv2d_7");
    let mut variables = layer.create_group("vars");
    variables.set_attr("name", AttrValue::String("conv".to_owned()));
    variables
        .create_dataset("0")
        .with_f32_data(&[1.0, 2.0])
        .with_shape(&[2]);
    layer.add_group(variables.finish());
    layers.add_group(layer.finish());
    keras3.add_group(layers.finish());

    let mut seeds: Vec<Vec<u8>> = [legacy, whole, keras3]
        .into_iter()
        .map(|file| file.finish().expect("a seed can be written"))
        .collect();
    let inner = seeds.last().cloned().unwrap_or_default();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        seeds.push(zipped(&[("model.weights.h5", &inner)], method));
    }
    seeds
}

fn experiment_files() -> Vec<Vec<u8>> {
    [
        r#"Experiment(name: "a", network: "mini_resnet", image_size: 64, heads: [gap, wise_srnet], epochs: 2, data: (layout: Intel, path: "d"))"#,
        r#"(
    name: "b", // a comment /* and another */
    network: "densenet169", image_size: 224, heads: [flatten_fc], seeds: [0, 18446744073709551615], epochs: 1_000,
    batch_size: 0x10,
    data: (layout: Generated(train_per_class: 6, test_per_class: 4, image_size: 64, seed: 0), limit_train: Some(12)),
    augmentation: (rotation_degrees: 360, zoom: (0.8, 1.2), brightness: Some((0.0, 1.2)), horizontal_flip: true),
    optimizer: (learning_rate: 1e-2, momentum: 0.9),
    schedule: Staircase(decay: 0.94, every_epochs: 2),
    validation: Fraction(0.1), checkpoints: EveryEpochs(3), weights: None, on_bad_image: Skip(3), memory: Recompute,
    variants: {"large": (image_size: 512, batch_size: 2), "plain": (augmentation: ())},
)"#,
        r##"(name: r#"c"#, network: "x", image_size: 1, heads: [gap], epochs: 1, schedule: Constant,
    data: (layout: Csv(train: "t\u{e9}.csv", test: "u.csv", images: "i"), path: None), optimizer: (learning_rate: NaN))"##,
        "Experiment(epoch: [[[[((((inf))))]]]], name: 1e999)",
        r#"(base: "input.ron", name: "itself", heads: [])"#,
        r#"(base: "above.ron", name: "each other", variants: {"a": (), "a": (base: "b", variants: {}), "": 1})"#,
        r#"optimizer.learning_rate=0.1"#,
        r#"data=(layout: Lists(train: "a", test: "b", images: None), limit_train: Some(3))"#,
        r#"augmentation.zoom=(0.5, 2.0)"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// A checkpoint as the program writes it, and safetensors files of other programs.
fn checkpoints() -> Vec<Vec<u8>> {
    use wise_srnet::data::decode::Orientation;
    use wise_srnet::training::{Checkpoint, Identity, Position, Snapshot, StoredTensor};
    let tensor = || StoredTensor {
        shape: vec![3],
        values: vec![1.0, -0.0, 2.5],
    };
    let checkpoint = Checkpoint {
        identity: Identity {
            network: "mini_resnet".to_owned(),
            image_size: 64,
            orientation: Orientation::Exif,
            precision: wise_srnet::plan::Precision::F32,
            head: "gap".to_owned(),
            classes: vec!["sea".to_owned(), "sky".to_owned()],
            seed: 7,
            fingerprint: "f".to_owned(),
            contents: 0,
        },
        position: Position {
            epochs: 1,
            steps: 4,
            best: Some(0.5),
            ..Position::default()
        },
        snapshot: Snapshot {
            tensors: [("head.bias".to_owned(), tensor())].into(),
            scalars: [("head.masks".to_owned(), 1.0)].into(),
            velocities: [("head.bias".to_owned(), tensor())].into(),
        },
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("seed.safetensors");
    checkpoint.save(&path).expect("a seed can be written");
    vec![
        std::fs::read(path).expect("a seed can be read"),
        safetensors(&["head.bias"]),
        safetensors(&[]),
    ]
}

/// As NumPy and this program write them, of one kind and another.
fn arrays() -> Vec<Vec<u8>> {
    use wise_srnet::npy::Array;
    let file = |version: u8, header: &str, values: usize| {
        let length = (header.len() as u32).to_le_bytes();
        let length = if version == 1 { &length[..2] } else { &length[..] };
        let start = [b"\x93NUMPY", &[version, 0][..], length, header.as_bytes()].concat();
        [start, vec![0x3f; values]].concat()
    };
    let written = Array {
        shape: vec![1, 2, 2, 3],
        values: vec![0.5; 12],
    };
    vec![
        written.to_bytes(),
        file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24),
        file(2, "{'shape': (), 'fortran_order': False, 'descr': \"<f4\"}", 4),
        file(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2,), }", 16),
        file(
            3,
            "{'descr': [('\u{e9}', '<f4')], 'fortran_order': False, 'shape': (1,), }",
            4,
        ),
        file(
            1,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 0), }",
            0,
        ),
    ]
}

/// Two heads with all that a run leaves, a history alone, one that Keras' users keep, some with nothing in order.
fn results() -> Vec<Vec<u8>> {
    const COLUMNS: &str = "head,seed,epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,seconds,\
                           validation_loss,validation_accuracy,test_top5_accuracy\n";
    const PREDICTIONS: &str = "image,class,top1,top2,top3,top4,top5,probability\n";
    const KERNEL: &str = "row,column,mean,zeros\n1,1,0.5,0\n1,2,-0.25,0.5\n2,1,0,1\n2,2,1e-3,0\n";
    const FACTS: &str = r#"{"name": "a <b> & \"c\"", "network": "mini_resnet", "image_size": 64,
        "classes": ["sea", "sky"], "train_images": 4, "test_images": 2, "validation_images": null, "epochs": 2,
        "batch_size": 2, "seeds": [0], "heads": [
            {"name": "gap", "parameters": 5, "trainable": 5, "multiply_adds": 6},
            {"name": "wise_srnet", "parameters": 50, "trainable": 50, "multiply_adds": 60}
        ], "settings": [["optimizer", "SGD"]], "notes": ["generated"], "program_version": "0.1.0"}"#;
    const KERAS: &str = "loss,1.5,1.25\naccuracy,0.25,0.5\nval_loss,1.5,nan\nval_accuracy,0.5,0.5\nlr,0.1,0.05\n";
    let row = |head: &str, epoch: u32| format!("{head},0,{epoch},0.1,1.5,0.25,1.25,0.5,2.5,,,0.75\n");
    let history: String = [("gap", 1), ("gap", 2), ("wise_srnet", 1), ("wise_srnet", 2)]
        .iter()
        .fold(COLUMNS.to_owned(), |text, &(head, epoch)| text + &row(head, epoch));
    let odd = format!(
        "\u{feff}{COLUMNS}{}\"=1+1,\u{1}\u{202e}\",18446744073709551615,3,inf,1e308,0,NaN,1,-1,0.5,0.5,\ngap,0,2,0.1",
        row("gap", 4_000_000_000),
    );
    let gap = format!("{PREDICTIONS}a.png,sea,sea,sky,,,,0.75\nb.png,sky,sea,sky,,,,0.5\n");
    let wise = format!("{PREDICTIONS}a.png,sea,sea,sky,,,,0.75\nb.png,sky,sky,sea,,,,0.875\n");
    let between = char::from(super::readers::BETWEEN_FILES).to_string();
    [
        [&history, FACTS, &gap, "", &wise, KERNEL, ""],
        [&history, FACTS, &gap, KERNEL, &gap, "", ""],
        [&history, "", "", "", "", "", ""],
        ["", "", "", "", "", "", KERAS],
        [&odd, "{", "image", KERNEL, "", "row,column", ""],
    ]
    .map(|files| files.join(&between).into_bytes())
    .into()
}
