//! Progress of long work, on standard error and only for a person who watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar where the length is known, a counter where it is not, nothing where nobody watches.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(what: &'static str, length: Option<u64>, shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(length, target).with_message(what);
        let template = if length.is_some() {
            "{msg} {wide_bar} {human_pos}/{human_len} {elapsed_precise}"
        } else {
            "{msg} {human_pos} {elapsed_precise}"
        };
        bar.set_style(ProgressStyle::with_template(template).expect("held valid by a test"));
        Self(bar)
    }

    /// So far.
    pub fn set(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Takes it away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_looks_are_valid() {
        for length in [None, Some(10)] {
            let progress = Progress::new("counting", length, false);
            progress.set(5);
            assert_eq!(progress.0.position(), 5);
        }
    }
}
