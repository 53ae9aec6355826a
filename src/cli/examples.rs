//! Commands that the help shows. A test parses every one of them.

pub const ALL: &str = "Start here (two minutes, needs no data):
  wise-srnet experiments/quickstart.ron

Examples:
  wise-srnet check experiments/intel_densenet.ron --data data/intel
  wise-srnet experiments/intel_densenet.ron --data data/intel --limit-train 240 --limit-test 120 --epochs 2
  wise-srnet new --data photos mine.ron
  wise-srnet predict --checkpoint reports/quickstart/wise_srnet-seed0/best.safetensors photos/ --explain heat

`wise-srnet COMMAND --help` shows examples of each command. RUST_LOG=info shows what happens inside.";

pub const NEW: &str = "Examples:
  wise-srnet new --data photos pets.ron
  wise-srnet new --data photos.zip --network densenet169 --size 224 pets.ron

The photographs lie in one folder per class, `photos/<class>/*.jpg`, of which a fifth becomes the test; or in folders `train`
and `test` (or `val`) of such folders; or as Kaggle ships the paper's data sets. docs/your-own-data.md goes on from here.";

pub const RUN: &str = "Examples:
  wise-srnet experiments/quickstart.ron
  wise-srnet run experiments/intel_mini_resnet.ron --data data/intel.zip --heads gap,wise_srnet --seeds 0,1,2
  wise-srnet experiments/mit_xception_512.ron --data data/mit_indoor --weights xception_notop.h5 --batch-size 4
  wise-srnet experiments/quickstart.ron --epochs 2 --out /tmp/try --fresh --log-format json
  wise-srnet experiments/quickstart.ron --set optimizer.learning_rate=0.01 --set schedule=Constant --out try

A run that was stopped or killed goes on where it was when the same command is given again. Each run's folder holds an
event file for TensorBoard: `tensorboard --logdir reports/quickstart`.";

pub const CHECK: &str = "Examples:
  wise-srnet check experiments/quickstart.ron
  wise-srnet check experiments/intel_densenet.ron --data data/intel --batch-size 32 --threads 2
  wise-srnet check experiments/quickstart.ron --json";

pub const SUMMARY: &str = "Examples:
  wise-srnet summary experiments/quickstart.ron
  wise-srnet summary experiments/mit_nasnet_512.ron --classes 67 --json
  wise-srnet summary experiments/quickstart.ron --set image_size=96";

pub const REPORT: &str = "Examples:
  wise-srnet report reports/quickstart
  wise-srnet report notebooks/Xception_GAP.csv reports/quickstart/gap-seed0/history.csv
  wise-srnet report reports/mit_xception_224 reports/mit_xception_512 notebooks/ --out reports/together";

pub const EVALUATE: &str = "Examples:
  wise-srnet evaluate experiments/quickstart.ron --checkpoint reports/quickstart/gap-seed0/best.safetensors
  wise-srnet evaluate experiments/intel_densenet.ron --data data/intel --head wise_srnet --checkpoint last.safetensors --json";

pub const PREDICT: &str = "Examples:
  wise-srnet predict --checkpoint reports/quickstart/gap-seed0/best.safetensors photo.jpg
  wise-srnet predict --checkpoint best.safetensors photos/ more.zip --top 3 --explain heat
  wise-srnet predict --checkpoint best.safetensors photos/ --explain heat --class forest --json

Every image is decoded, resized and preprocessed as the images of a test split are. An image that can't be read is told on
standard error; the others are predicted, and the command ends with an error.
A heat map divides the class's logit among the cells of the feature map: with the bias they add up to it.";

pub const EXPORT: &str = "Examples:
  wise-srnet export --checkpoint reports/intel_densenet/wise_srnet-seed0/best.safetensors --output densenet.h5
  wise-srnet export --checkpoint best.safetensors --output densenet_notop.h5 --backbone";

pub const FEATURES: &str = "Examples:
  wise-srnet features --network densenet169 --size 224 --weights notop.h5 --input images.npy --output maps.npy
  wise-srnet features --network mini_resnet --size 64 --weights best.safetensors --input images.npy --output maps.npy";

pub const BENCH: &str = "Examples:
  wise-srnet bench --network mini_resnet --size 64
  wise-srnet bench --network densenet169 --size 224 --head wise_srnet --batch 8 --steps 5 --threads 2 --json
  wise-srnet bench --network xception --size 224 --batch 8 --steps 5 --by-layer
  wise-srnet bench --network xception --size 512 --batch 1 --infer";

pub const COMPLETIONS: &str = "Examples:
  wise-srnet completions bash > ~/.local/share/bash-completion/completions/wise-srnet
  wise-srnet completions zsh > ~/.zfunc/_wise-srnet
  wise-srnet completions fish > ~/.config/fish/completions/wise-srnet.fish";
