//! The input pipeline alone: `cargo bench --bench loader -- FOLDER` decodes, resizes to 224 pixels, augments as the paper
//! does and preprocesses all training photographs of a data set in the layout of Intel's; without a folder, of drawn
//! images. `tools/bench_loader_keras.py` measures Keras on the same photographs.

use std::path::PathBuf;
use std::time::Instant;

use rayon::ThreadPoolBuilder;
use wise_srnet::data::{Augmentation, GeneratedSpec, Layout, Loader, LoaderOptions, Order, open};
use wise_srnet::memory::KeepLarge;

#[global_allocator]
static MEMORY: KeepLarge = KeepLarge::new();

const EPOCHS: u64 = 5;

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"))
        .map(PathBuf::from);
    let layout = match folder {
        Some(_) => Layout::Intel,
        None => Layout::Generated(GeneratedSpec {
            train_per_class: 200,
            test_per_class: 1,
            image_size: 150,
            seed: 0,
        }),
    };
    let split = open(&layout, folder.as_deref()).expect("a data set").train;
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool of threads");
        let mut speeds: Vec<f64> = (0..EPOCHS)
            .map(|epoch| {
                let options = LoaderOptions {
                    image_size: 224,
                    batch_size: 70,
                    order: Order::Shuffled,
                    augmentation: Some(Augmentation::paper()),
                    seed: 0,
                    epoch,
                    first_batch: 0,
                };
                let start = Instant::now();
                let images: usize = pool.install(|| {
                    let batches = Loader::new(&split, options).expect("a loader");
                    batches.map(|batch| batch.expect("readable images").labels.len()).sum()
                });
                images as f64 / start.elapsed().as_secs_f64()
            })
            .collect();
        speeds.sort_by(f64::total_cmp);
        let (least, median, most) = (speeds[0], speeds[speeds.len() / 2], speeds[speeds.len() - 1]);
        println!("{threads} threads: {median:.0} images/s (median of {EPOCHS} epochs, {least:.0} to {most:.0})");
    }
}
