//! One epoch of batches, decoded ahead of their use on the rayon pool that trains.
//!
//! Every image is one task. The thread that waits for a batch works on the pool's tasks meanwhile, so that a pool of
//! one thread makes progress and no core idles; which thread does what changes no bit of a batch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use rand::seq::SliceRandom;

use super::{Augmentation, AugmentationParameters, DataError, Split, preprocess, resize};
use crate::random::stream;

/// Batches that are being decoded while one is used.
const BATCHES_AHEAD: usize = 2;
/// The largest side of an image given to a network.
const MAX_IMAGE_SIZE: usize = 4096;

/// The order of a split's images within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The split's own order.
    Sequential,
    /// A permutation keyed by the options' seed and epoch.
    Shuffled,
}

/// What a [`Loader`] makes of a split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoaderOptions {
    /// Height and width of the batches' images, in pixels.
    pub image_size: usize,
    /// Images per batch; the last batch of an epoch may have fewer.
    pub batch_size: usize,
    /// The order of the images.
    pub order: Order,
    /// The random changes made to every image, if any.
    pub augmentation: Option<Augmentation>,
    /// With the epoch the key of the order, and with the image's index too of its augmentation.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The first batch to deliver: 0, or where an interrupted epoch is resumed.
    pub first_batch: usize,
}

/// Preprocessed images with their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Batch × image size × image size × 3: BGR minus the mean ([`caffe`](preprocess::caffe)).
    pub images: Vec<f32>,
    /// The class index of every image.
    pub labels: Vec<usize>,
    /// The index in the split of every image.
    pub indices: Vec<usize>,
}

/// The batches of one epoch.
///
/// An image that cannot be read makes its batch an error that names the file; the next call goes on with the next
/// batch. Dropping the loader early lets the tasks that have not begun return at once.
#[derive(Debug)]
pub struct Loader {
    split: Split,
    options: LoaderOptions,
    order: Vec<usize>,
    next_batch: usize,
    ahead: VecDeque<PendingBatch>,
    cancelled: Arc<AtomicBool>,
}

/// A batch whose images arrive in any order.
#[derive(Debug)]
struct PendingBatch {
    indices: Vec<usize>,
    images: Receiver<(usize, Result<Vec<f32>, DataError>)>,
}

impl Loader {
    /// Begins an epoch over `split`; decoding starts at the first call of `next`.
    ///
    /// # Errors
    /// [`DataError::InvalidNumber`] for a batch size of 0 or an image size that is 0 or above 4096.
    pub fn new(split: &Split, options: LoaderOptions) -> Result<Self, DataError> {
        if options.batch_size == 0 {
            return Err(DataError::InvalidNumber(
                "the batch size is 0; it must be at least 1".to_owned(),
            ));
        }
        if !(1..=MAX_IMAGE_SIZE).contains(&options.image_size) {
            let size = options.image_size;
            return Err(DataError::InvalidNumber(format!(
                "the image size is {size}; 1 to {MAX_IMAGE_SIZE} are possible"
            )));
        }
        let mut order: Vec<usize> = (0..split.len()).collect();
        if options.order == Order::Shuffled {
            order.shuffle(&mut stream(options.seed, "order", &[options.epoch]));
        }
        Ok(Self {
            split: split.clone(),
            next_batch: options.first_batch,
            options,
            order,
            ahead: VecDeque::new(),
            cancelled: Arc::default(),
        })
    }

    /// The number of batches of the whole epoch, those before `first_batch` included.
    pub fn batches_per_epoch(&self) -> usize {
        self.order.len().div_ceil(self.options.batch_size)
    }

    /// Hands the images of the next batch to the pool, if there is one.
    fn start_next_batch(&mut self) {
        let Some(indices) = self.order.chunks(self.options.batch_size).nth(self.next_batch) else {
            return;
        };
        let (sender, images) = channel();
        for (place, &index) in indices.iter().enumerate() {
            self.spawn(place, index, sender.clone());
        }
        self.ahead.push_back(PendingBatch {
            indices: indices.to_vec(),
            images,
        });
        self.next_batch += 1;
    }

    fn spawn(&self, place: usize, index: usize, sender: Sender<(usize, Result<Vec<f32>, DataError>)>) {
        let (split, options, cancelled) = (self.split.clone(), self.options, Arc::clone(&self.cancelled));
        // First in, first out: the batch that is needed next is finished first.
        rayon::spawn_fifo(move || {
            if !cancelled.load(Ordering::Relaxed) {
                // Nobody receives after the loader was dropped; then the image is not needed either.
                let _ = sender.send((place, load(&split, index, &options)));
            }
        });
    }

    fn finish(&self, pending: PendingBatch) -> Result<Batch, DataError> {
        let image_len = self.options.image_size * self.options.image_size * 3;
        let mut images = vec![0.0; pending.indices.len() * image_len];
        let mut first_error: Option<(usize, DataError)> = None;
        for _ in 0..pending.indices.len() {
            match receive(&pending.images) {
                (place, Ok(pixels)) => images[place * image_len..][..image_len].copy_from_slice(&pixels),
                // The first image in the batch's order, not in time: the same message in every run.
                (place, Err(error)) if first_error.as_ref().is_none_or(|(first, _)| place < *first) => {
                    first_error = Some((place, error));
                }
                _ => {}
            }
        }
        match first_error {
            Some((_, error)) => Err(error),
            None => {
                let labels = pending.indices.iter().map(|&index| self.split.label(index)).collect();
                Ok(Batch {
                    images,
                    labels,
                    indices: pending.indices,
                })
            }
        }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ahead.len() <= BATCHES_AHEAD && self.next_batch < self.batches_per_epoch() {
            self.start_next_batch();
        }
        let pending = self.ahead.pop_front()?;
        Some(self.finish(pending))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches_per_epoch().saturating_sub(self.next_batch) + self.ahead.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Loader {}

impl Drop for Loader {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Waits for a task's result and works for the pool meanwhile, if this thread belongs to it.
fn receive<T>(results: &Receiver<T>) -> T {
    const TASK_PANICKED: &str = "an image task ended without a result";
    loop {
        match results.try_recv() {
            Ok(result) => return result,
            Err(TryRecvError::Disconnected) => panic!("{TASK_PANICKED}"),
            Err(TryRecvError::Empty) => {}
        }
        // Where there is no other work, the last images are being loaded by other threads; new work may come up.
        let patience = match rayon::yield_now() {
            Some(rayon::Yield::Executed) => continue,
            Some(rayon::Yield::Idle) => Duration::from_micros(200),
            None => Duration::from_secs(1),
        };
        match results.recv_timeout(patience) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => panic!("{TASK_PANICKED}"),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// From a split's image to a network's input: image size × image size × 3.
fn load(split: &Split, index: usize, options: &LoaderOptions) -> Result<Vec<f32>, DataError> {
    let size = options.image_size as u32;
    let image = resize::nearest(split.decode(index)?, size);
    let mut pixels = match &options.augmentation {
        Some(augmentation) => {
            AugmentationParameters::draw(augmentation, size, options.seed, options.epoch, index as u64).apply(&image)
        }
        None => image.into_raw().into_iter().map(f32::from).collect(),
    };
    preprocess::caffe(&mut pixels);
    Ok(pixels)
}
