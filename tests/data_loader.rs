//! The loader: the batches of an epoch, the same for every number of threads, and complete.

use std::fs;

use tempfile::TempDir;
use wise_srnet::data::decode::Orientation;
use wise_srnet::data::{
    Augmentation, Batch, DataError, GeneratedSpec, Layout, Loader, LoaderOptions, Order, Split, open,
};

const OPTIONS: LoaderOptions = LoaderOptions {
    image_size: 24,
    batch_size: 7,
    order: Order::Shuffled,
    augmentation: None,
    seed: 3,
    epoch: 0,
    first_batch: 0,
};

/// 30 training images.
fn split() -> Split {
    let spec = GeneratedSpec {
        train_per_class: 5,
        test_per_class: 1,
        image_size: 32,
        seed: 0,
    };
    open(&Layout::Generated(spec), None).unwrap().train
}

fn batches(split: &Split, options: LoaderOptions) -> Vec<Batch> {
    Loader::new(split, options)
        .unwrap()
        .collect::<Result<_, DataError>>()
        .unwrap()
}

fn in_pool<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

fn order(batches: &[Batch]) -> Vec<usize> {
    batches.iter().flat_map(|batch| batch.indices.clone()).collect()
}

#[test]
fn an_epoch_covers_every_image_once_and_its_last_batch_is_smaller() {
    let split = split();
    let batches = batches(&split, OPTIONS);
    assert_eq!(
        batches.iter().map(|batch| batch.labels.len()).collect::<Vec<_>>(),
        [7, 7, 7, 7, 2]
    );
    assert_eq!(batches[4].images.len(), 2 * 24 * 24 * 3);
    let mut seen = order(&batches);
    seen.sort_unstable();
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    for batch in &batches {
        let labels: Vec<usize> = batch.indices.iter().map(|&index| split.label(index)).collect();
        assert_eq!(batch.labels, labels);
    }
}

#[test]
fn the_order_repeats_for_a_seed_and_epoch_and_differs_between_epochs_and_seeds() {
    let split = split();
    let of = |seed, epoch| order(&batches(&split, LoaderOptions { seed, epoch, ..OPTIONS }));
    assert_eq!(of(1, 0), of(1, 0));
    assert_ne!(of(1, 0), of(1, 1));
    assert_ne!(of(1, 0), of(2, 0));
    let sequential = batches(
        &split,
        LoaderOptions {
            order: Order::Sequential,
            ..OPTIONS
        },
    );
    assert_eq!(order(&sequential), (0..30).collect::<Vec<_>>());
}

#[test]
fn batches_are_the_same_bits_for_any_number_of_threads_and_outside_of_a_pool() {
    let split = split();
    let options = LoaderOptions {
        augmentation: Some(Augmentation::paper()),
        ..OPTIONS
    };
    let expected = in_pool(1, || batches(&split, options));
    assert_eq!(in_pool(2, || batches(&split, options)), expected);
    assert_eq!(in_pool(5, || batches(&split, options)), expected);
    assert_eq!(batches(&split, options), expected);
}

#[test]
fn augmentation_differs_between_epochs_and_is_absent_without_it() {
    let split = split();
    let first = |epoch, augmentation| {
        let options = LoaderOptions {
            order: Order::Sequential,
            epoch,
            augmentation,
            ..OPTIONS
        };
        batches(&split, options).swap_remove(0).images
    };
    let paper = Some(Augmentation::paper());
    assert_ne!(first(0, paper), first(1, paper));
    assert_eq!(first(0, None), first(1, None));
    assert_eq!(first(0, None), first(0, Some(Augmentation::default())));
}

#[test]
fn an_epoch_resumes_at_any_batch_with_the_batches_it_would_have_had() {
    let split = split();
    let options = LoaderOptions {
        augmentation: Some(Augmentation::paper()),
        ..OPTIONS
    };
    let whole = batches(&split, options);
    assert_eq!(
        batches(
            &split,
            LoaderOptions {
                first_batch: 3,
                ..options
            }
        ),
        whole[3..]
    );
    assert!(
        batches(
            &split,
            LoaderOptions {
                first_batch: 9,
                ..options
            }
        )
        .is_empty()
    );
}

#[test]
fn the_loader_knows_how_many_batches_are_left() {
    let mut loader = Loader::new(
        &split(),
        LoaderOptions {
            first_batch: 1,
            ..OPTIONS
        },
    )
    .unwrap();
    assert_eq!((loader.batches_per_epoch(), loader.len()), (5, 4));
    loader.next().unwrap().unwrap();
    assert_eq!(loader.len(), 3);
}

#[test]
fn a_loader_dropped_early_leaves_its_pool_free_for_the_next() {
    let split = split();
    in_pool(1, || {
        for _ in 0..3 {
            let mut loader = Loader::new(&split, OPTIONS).unwrap();
            assert_eq!(loader.next().unwrap().unwrap().labels.len(), 7);
        }
        assert_eq!(batches(&split, OPTIONS).len(), 5);
    });
}

#[test]
fn images_kept_in_memory_give_the_same_batches() {
    let split = split();
    let kept = split.keep_resized(24, 30 * 24 * 24 * 3);
    let expected = batches(&split, OPTIONS);
    for _epoch in 0..2 {
        assert_eq!(batches(&kept, OPTIONS), expected);
    }
    assert_eq!(kept.decode(0).unwrap().dimensions(), (24, 24));
    let too_large = split.keep_resized(24, 30 * 24 * 24 * 3 - 1);
    assert_eq!(too_large.decode(0).unwrap().dimensions(), (32, 32));
}

#[test]
fn a_damaged_image_fails_its_own_batch_by_name_and_no_other() {
    let folder = TempDir::new().unwrap();
    for path in ["train/a/0.png", "train/a/1.png", "train/a/2.png", "test/a/0.png"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::new(4, 4).save(path).unwrap();
    }
    fs::write(folder.path().join("train/a/1.png"), b"damaged").unwrap();
    let layout = Layout::Folders {
        validation: None,
        train: "train".to_owned(),
        test: "test".to_owned(),
    };
    let split = open(&layout, Some(folder.path())).unwrap().train;
    let options = LoaderOptions {
        batch_size: 1,
        order: Order::Sequential,
        ..OPTIONS
    };
    let results: Vec<_> = Loader::new(&split, options).unwrap().collect();
    assert!(results[0].is_ok() && results[2].is_ok());
    let message = results[1].as_ref().unwrap_err().to_string();
    assert!(
        message.starts_with("cannot decode image") && message.contains("1.png"),
        "{message}"
    );
}

#[test]
fn sizes_that_make_no_batch_are_refused() {
    let message = |options| Loader::new(&split(), options).unwrap_err().to_string();
    assert!(
        message(LoaderOptions {
            batch_size: 0,
            ..OPTIONS
        })
        .contains("batch size is 0")
    );
    assert!(
        message(LoaderOptions {
            image_size: 0,
            ..OPTIONS
        })
        .contains("image size is 0")
    );
    assert!(
        message(LoaderOptions {
            image_size: 5000,
            ..OPTIONS
        })
        .contains("image size is 5000")
    );
}

#[test]
fn subsets_and_hold_outs_are_splits_with_the_same_labels() {
    let split = split();
    let subset = split.balanced_subset(13, 1);
    assert_eq!(subset.class_counts(), [3, 2, 2, 2, 2, 2]);
    let (rest, held_out) = split.hold_out(0.2, 1);
    assert_eq!((rest.class_counts(), held_out.class_counts()), (vec![4; 6], vec![1; 6]));
    let names = |split: &Split| (0..split.len()).map(|index| split.name(index)).collect::<Vec<_>>();
    assert!(names(&held_out).iter().all(|name| !names(&rest).contains(name)));
    assert_eq!(order(&batches(&subset, OPTIONS)).len(), 13);
}

#[test]
fn photographs_are_turned_before_they_are_resized_and_kept() {
    let split_of = |name: &str| {
        let folder = TempDir::new().unwrap();
        for path in ["train/a/0.png", "train/a/1.png", "test/a/0.png"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(format!("{}/tests/images/{name}", env!("CARGO_MANIFEST_DIR")), path).unwrap();
        }
        let layout = Layout::Folders {
            train: "train".to_owned(),
            validation: None,
            test: "test".to_owned(),
        };
        (open(&layout, Some(folder.path())).unwrap(), folder)
    };
    let (upright, _first) = split_of("rgb.png");
    let (sideways, _second) = split_of("orientation_6.png");
    let expected = batches(&upright.train, OPTIONS);
    assert_ne!(batches(&sideways.train, OPTIONS), expected);
    let turned = sideways.oriented(Orientation::Exif);
    let kept = turned.train.keep_resized(24, usize::MAX);
    for _epoch in 0..2 {
        assert_eq!(batches(&kept, OPTIONS), expected);
    }
    assert_eq!(
        batches(&turned.train.balanced_subset(2, 0), OPTIONS),
        expected,
        "in a subset"
    );
    assert_eq!(turned.test.decode(0).unwrap(), upright.test.decode(0).unwrap());
}
