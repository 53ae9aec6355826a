//! A temporary folder with a tiny experiment, and the command run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use tempfile::TempDir;
use wise_srnet::training::{Checkpoint, Position};

use super::state::state;
pub use super::state::{files, without_seconds};

/// Five epochs of three steps, with random changes of the images and a head that draws random masks.
pub const TINY: &str = r#"Experiment(
    name: "tiny",
    network: "mini_resnet",
    image_size: 64,
    heads: [wise_srnet_dropout],
    epochs: 5,
    batch_size: 16,
    data: (layout: Generated(train_per_class: 6, test_per_class: 4, image_size: 64, seed: 0)),
    augmentation: (horizontal_flip: true, channel_shift: 20.0),
    optimizer: (learning_rate: 0.01),
)
"#;

/// The folder of the run that [`TINY`] describes, below [`Lab::results`].
pub const RUN: &str = "wise_srnet_dropout-seed0";

/// The longest that a test waits for a process.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Lab {
    folder: TempDir,
}

impl Lab {
    /// With [`TINY`] as `tiny.ron`.
    pub fn new() -> Self {
        Self::with(TINY)
    }

    /// With `text` as `tiny.ron`.
    pub fn with(text: &str) -> Self {
        let lab = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        lab.write("tiny.ron", text);
        lab
    }

    /// With [`TINY`], `from` replaced by `to`.
    pub fn changed(from: &str, to: &str) -> Self {
        assert!(TINY.contains(from), "{from} is not in TINY");
        Self::with(&TINY.replacen(from, to, 1))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A photograph of one bright pixel.
    pub fn write_image(&self, name: &str) {
        let pixel = image::RgbImage::from_pixel(1, 1, image::Rgb([250; 3]));
        pixel.save(self.path(name)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Asserts that the experiment's only run has ended here as it has there: with the same bits, tables and files.
    #[track_caller]
    pub fn assert_same_results(&self, other: &Self) {
        assert!(
            state(&self.results(RUN)) == state(&other.results(RUN)),
            "checkpoints differ"
        );
        let written = files(&self.results(""));
        assert_eq!(written, files(&other.results("")));
        for table in written.iter().filter(|name| name.ends_with(".csv")) {
            let [found, expected] = [self, other].map(|lab| without_seconds(&lab.results(table)));
            assert_eq!(found, expected, "{table}");
        }
    }

    /// Where results are without `--out`.
    pub fn results(&self, name: &str) -> PathBuf {
        self.path("reports/tiny").join(name)
    }

    /// Runs the command to its end: exit code, standard output, standard error.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments)
    }

    /// As [`run`](Self::run), with these environment variables.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        self.end(Command::new(env!("CARGO_BIN_EXE_wise-srnet")), variables, arguments)
    }

    /// As [`run`](Self::run), with addresses for no more than `mebibytes`.
    #[cfg(target_os = "linux")]
    pub fn run_within(&self, mebibytes: u64, arguments: &[&str]) -> Ended {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {} && exec \"$0\" \"$@\"", mebibytes << 10)]);
        shell.arg(env!("CARGO_BIN_EXE_wise-srnet"));
        self.end(shell, &[], arguments)
    }

    fn end(&self, mut command: Command, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let output = command
            .args(arguments)
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .current_dir(&self.folder)
            .timeout(PATIENCE)
            .output()
            .unwrap();
        Ended::of(output)
    }

    /// Runs `tiny.ron` to its end, which must be a good one.
    pub fn train(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(&[&["tiny.ron"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    /// Starts `tiny.ron`.
    pub fn start(&self, arguments: &[&str]) -> Running<'_> {
        self.start_with(&[], arguments)
    }

    /// As [`start`](Self::start), with these environment variables.
    pub fn start_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Running<'_> {
        let mut process = Process::new(env!("CARGO_BIN_EXE_wise-srnet"));
        process.arg("tiny.ron").args(arguments).current_dir(&self.folder);
        process.env_remove("RUST_LOG").envs(variables.iter().copied());
        let child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { lab: self, child }
    }

    /// How far the experiment's only run has come, as its checkpoint tells; nowhere without one.
    pub fn position(&self) -> Position {
        let path = self.results(RUN).join("last.safetensors");
        if path.exists() {
            Checkpoint::load(&path).unwrap().position
        } else {
            Position::default()
        }
    }
}

/// A process that has ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts an end by an error whose message holds all of `parts`.
    #[track_caller]
    pub fn assert_refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// A process that trains.
pub struct Running<'a> {
    lab: &'a Lab,
    child: Child,
}

impl Running<'_> {
    /// Waits until `epochs` epochs stand in the history.
    pub fn wait_for_epochs(&mut self, epochs: usize) {
        let history = self.lab.results("history.csv");
        let waiting = Instant::now();
        while fs::read_to_string(&history).map_or(0, |text| text.lines().count()) <= epochs {
            assert!(waiting.elapsed() < PATIENCE, "epoch {epochs} does not end");
            assert_eq!(self.child.try_wait().unwrap(), None, "ended before epoch {epochs}");
            sleep(Duration::from_millis(2));
        }
    }

    /// Waits until `moment` has come; whether it came before the process ended.
    pub fn wait_for(&mut self, mut moment: impl FnMut(&Lab) -> bool) -> bool {
        let waiting = Instant::now();
        while !moment(self.lab) {
            assert!(waiting.elapsed() < PATIENCE, "the moment does not come");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            sleep(Duration::from_micros(300));
        }
        true
    }

    /// Nobody reads any more what it writes, as once a terminal is closed.
    pub fn stop_reading(&mut self) {
        drop((self.child.stdout.take(), self.child.stderr.take()));
    }

    /// Ends it at once. It can have ended by itself just before.
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end()
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub fn interrupt(self) -> Ended {
        self.signal("INT");
        self.end()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let signal = format!("kill -{name} {}", self.child.id());
        assert!(Process::new("sh").args(["-c", &signal]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn end(self) -> Ended {
        Ended::of(self.child.wait_with_output().unwrap())
    }
}
