//! From a record of what was done to the disk as a crash may leave it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::fault::memory::{FaultFs, FileId, Op, Step};

/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// What becomes, in a crash, of the writes since the last sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All are lost.
    Everything,
    /// None is lost: the process died, the machine did not.
    Nothing,
    /// Each sector is as it was after some one of the writes to it, or before them.
    Sectors,
    /// Each sector is either as it was at the last sync, or as it is now.
    Halves,
    /// The writes up to some one of them are kept, and of the next one some sectors.
    Prefix,
    /// All are kept but one.
    AllButOne,
    /// Only the last few are kept.
    LastOnly,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Everything,
        Self::Nothing,
        Self::Sectors,
        Self::Halves,
        Self::Prefix,
        Self::AllButOne,
        Self::LastOnly,
    ];
}

/// A small generator of numbers that look random (`SplitMix64`), the same for the same seed everywhere.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % (bound as u64)).expect("below a usize")
    }

    /// Heads or tails.
    pub fn flip(&mut self) -> bool {
        self.draw() & 1 == 1
    }
}

#[derive(Debug, Clone, Default)]
struct FileState {
    /// As of the last sync.
    synced: Vec<u8>,
    /// Steps since.
    pending: Vec<usize>,
    /// A sync has failed: nothing since is ever sure to reach the disk.
    doomed: bool,
}

/// A recorded run, and a point in it.
#[derive(Debug)]
pub struct Replay {
    steps: Vec<Step>,
    at: usize,
    files: Vec<FileState>,
    names: BTreeMap<PathBuf, FileId>,
    pending_names: Vec<usize>,
    acknowledged: u64,
    written: u64,
    boot: u64,
}

impl Replay {
    /// Begins recording on `fs`, with what it holds now as the disk's content.
    pub fn start(fs: &FaultFs) -> Self {
        drop(fs.take_steps());
        let mut this = Self {
            steps: Vec::new(),
            at: 0,
            files: Vec::new(),
            names: BTreeMap::new(),
            pending_names: Vec::new(),
            acknowledged: 0,
            written: 0,
            boot: fs.boot(),
        };
        for (path, file, content) in fs.initial() {
            this.file(file).synced = content;
            this.names.insert(path, file);
        }
        this
    }

    /// Ends recording.
    pub fn finish(&mut self, fs: &FaultFs) {
        self.steps = fs.take_steps();
    }

    /// Number of points a crash can happen at: before the first operation, after it, and so on.
    pub fn points(&self) -> usize {
        self.steps.len() + 1
    }

    /// Moves past one more operation; `false` at the end.
    pub fn advance(&mut self) -> bool {
        let Some(step) = self.steps.get(self.at).cloned() else { return false };
        self.acknowledged = step.acknowledged;
        self.written = step.written;
        match step.op {
            Op::Write { file, .. } | Op::Resize { file, .. } => {
                let at = self.at;
                self.file(file).pending.push(at);
            }
            Op::Sync { file } => {
                if !self.file(file).doomed {
                    let mut state = std::mem::take(self.file(file));
                    for index in std::mem::take(&mut state.pending) {
                        apply(&self.steps[index].op, &mut state.synced, |_| true);
                    }
                    *self.file(file) = state;
                }
            }
            Op::FailedSync { file } => self.file(file).doomed = true,
            Op::Names(_) => self.pending_names.push(self.at),
            Op::SyncDir => {
                for index in std::mem::take(&mut self.pending_names) {
                    rename(&self.steps[index].op, &mut self.names);
                }
            }
        }
        self.at += 1;
        true
    }

    /// The last record acknowledged before the next operation: it must survive a crash here.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The last record written so far: it must survive the death of the process alone.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The disk after a crash at this point.
    pub fn crash(&self, loss: Loss, rng: &mut Rng, recording: bool) -> FaultFs {
        let mut names = self.names.clone();
        let kept = match loss {
            Loss::Everything => 0,
            Loss::Nothing => self.pending_names.len(),
            _ => rng.below(self.pending_names.len() + 1),
        };
        for &index in &self.pending_names[..kept] {
            rename(&self.steps[index].op, &mut names);
        }
        let content = names.into_iter().map(|(path, file)| (path, self.content(file, loss, rng)));
        let boot = if loss == Loss::Nothing { self.boot } else { self.boot + 1 };
        FaultFs::with_files(content.collect::<Vec<_>>(), boot, recording)
    }

    fn content(&self, file: FileId, loss: Loss, rng: &mut Rng) -> Vec<u8> {
        // A file that was only created has no state yet.
        let Some(state) = self.files.get(file) else { return Vec::new() };
        let mut bytes = state.synced.clone();
        let count = state.pending.len();
        let ops = || state.pending.iter().map(|&index| &self.steps[index].op);
        match loss {
            Loss::Everything => {}
            Loss::Nothing => ops().for_each(|op| apply(op, &mut bytes, |_| true)),
            Loss::Sectors => {
                // How many of the writes to each sector reached the disk.
                let mut writes = BTreeMap::<usize, usize>::new();
                ops().flat_map(sectors).for_each(|sector| *writes.entry(sector).or_default() += 1);
                for count in writes.values_mut() {
                    *count = rng.below(*count + 1);
                }
                for op in ops() {
                    apply(op, &mut bytes, |sector| {
                        let left = writes.get_mut(&sector).expect("every written sector was counted");
                        let kept = *left > 0;
                        *left = left.saturating_sub(1);
                        kept
                    });
                }
            }
            Loss::Halves => {
                let mut kept = BTreeMap::<usize, bool>::new();
                for op in ops() {
                    apply(op, &mut bytes, |sector| *kept.entry(sector).or_insert_with(|| rng.flip()));
                }
            }
            Loss::Prefix => {
                let cut = rng.below(count + 1);
                for (index, op) in ops().enumerate().take(cut + 1) {
                    apply(op, &mut bytes, |_| index < cut || rng.flip());
                }
            }
            Loss::AllButOne => {
                let lost = rng.below(count + 1);
                for (index, op) in ops().enumerate() {
                    apply(op, &mut bytes, |_| index != lost);
                }
            }
            Loss::LastOnly => {
                let first = count - rng.below(count.min(4) + 1);
                for (index, op) in ops().enumerate() {
                    apply(op, &mut bytes, |_| index >= first);
                }
            }
        }
        bytes
    }

    fn file(&mut self, file: FileId) -> &mut FileState {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, FileState::default);
        }
        &mut self.files[file]
    }
}

fn rename(op: &Op, names: &mut BTreeMap<PathBuf, FileId>) {
    let Op::Names(changes) = op else { unreachable!("only name changes are pending names") };
    for (path, file) in changes {
        match file {
            Some(file) => names.insert(path.clone(), *file),
            None => names.remove(path),
        };
    }
}

/// The sectors an operation writes to.
fn sectors(op: &Op) -> std::ops::Range<usize> {
    match op {
        Op::Write { offset, bytes, .. } => {
            offset / SECTOR_BYTES..(offset + bytes.len()).div_ceil(SECTOR_BYTES)
        }
        _ => 0..0,
    }
}

/// Does to `bytes` what `op` did to the file, in the sectors that `keep` says. Sizes are always kept: a file's name
/// is never synced before its size.
fn apply(op: &Op, bytes: &mut Vec<u8>, mut keep: impl FnMut(usize) -> bool) {
    match op {
        Op::Write { offset, bytes: new, .. } => {
            for sector in sectors(op) {
                let start = (sector * SECTOR_BYTES).max(*offset);
                let end = ((sector + 1) * SECTOR_BYTES).min(offset + new.len());
                if keep(sector) {
                    if bytes.len() < end {
                        bytes.resize(end, 0);
                    }
                    bytes[start..end].copy_from_slice(&new[start - offset..end - offset]);
                }
            }
        }
        Op::Resize { bytes: size, .. } => bytes.resize(*size, 0),
        _ => unreachable!("only writes are pending"),
    }
}
