//! Going on with what is committed, until Ctrl-C.

use crate::ui::{Failure, Result};
use std::time::Duration;

/// Does `step` again and again until Ctrl-C, or until it fails. It is never broken off in the middle, and says how long to wait
/// for the next.
pub fn until_interrupted(mut step: impl FnMut() -> Result<Duration>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot wait for signals").caused_by(error))?;
    runtime.block_on(async {
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            let wait = step()?;
            tokio::select! {
                _ = &mut interrupted => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    })
}
