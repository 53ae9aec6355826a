//! What two runs must have in common to count as the same run: for the tests of training and of the command line.

use std::collections::BTreeMap;
use std::path::Path;

use wise_srnet::training::Checkpoint;

/// Everything that a run's last checkpoint holds but clock times: bits of tensors and velocities, scalars, position.
pub fn state(run_folder: &Path) -> (BTreeMap<String, Vec<u32>>, BTreeMap<String, f64>, String) {
    let Checkpoint {
        snapshot, mut position, ..
    } = Checkpoint::load(&run_folder.join("last.safetensors")).unwrap();
    position.seconds = 0.0;
    position.last.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    let velocities = snapshot.velocities.into_iter();
    let velocities = velocities.map(|(name, tensor)| (format!("velocity of {name}"), tensor));
    let tensors = snapshot.tensors.into_iter().chain(velocities);
    let bits = tensors.map(|(name, tensor)| (name, tensor.values.iter().map(|value| value.to_bits()).collect()));
    (bits.collect(), snapshot.scalars, format!("{position:?}"))
}
