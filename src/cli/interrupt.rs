//! Ctrl-C: the first asks for a stop at the next step, the second ends the program at once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::output;

/// Whether a stop has been asked for.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for Ctrl-C and termination from now on.
    pub fn watch() -> Result<Self, ctrlc::Error> {
        let asked = Arc::new(AtomicBool::new(false));
        let handler = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            output::tell_lines("\nstopping after this step; everything is being saved (again to end at once)");
        })?;
        Ok(Self(asked))
    }

    /// One that never comes.
    pub fn never() -> Self {
        Self(Arc::default())
    }

    /// A break if a stop has been asked for.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
