//! Opening a feed: which format a file is in, what belongs to it, and how far it has been read.

use crate::ui::Failure;
use simulator::feed::dbn::{DbnReader, EventOrder};
use simulator::feed::itch::{ItchReader, gunzip};
use simulator::feed::lobster::{LobsterReader, book_file_name, symbol_of_file_name};
use simulator::feed::{Feed, FeedError, Format};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// A feed ready to be read.
pub struct Opened {
    pub feed: Box<dyn Feed>,
    /// Bytes of its file.
    pub length: u64,
    /// How many of them have been read.
    pub read: Arc<AtomicU64>,
}

/// Counts what is read of a file, as it lies on the disk.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// Opens a feed by the name of its file.
pub fn open(path: &Path, cancels_first: bool) -> Result<Opened, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(format) = Format::of_file_name(name) else {
        let hint = "known are SYMBOL_DATE_…_message_N.csv (LOBSTER), .dbn and .dbn.zst (DBN market by order), \
                    .ITCH_50 and .ITCH_50.gz (ITCH 5.0)";
        return Err(Failure::usage(format_args!("{name:?} does not tell which format it is in")).hint(hint));
    };
    let read = Arc::new(AtomicU64::new(0));
    let (file, length) = file(path)?;
    let reader = BufReader::with_capacity(BUFFER_BYTES, Counted { file, read: Arc::clone(&read) });
    let feed: Box<dyn Feed> = match format {
        Format::Lobster => {
            let symbol = symbol_of_file_name(name)
                .ok_or_else(|| Failure::usage(format_args!("{name:?} does not begin with a symbol")))?;
            let book_name = book_file_name(name).expect("the format was told by this");
            let book_path = path.with_file_name(&book_name);
            let book = if book_path.is_file() { Some(BufReader::new(file_only(&book_path)?)) } else { None };
            let book = book.map(|book| (book_name.as_str(), book));
            Box::new(LobsterReader::new(symbol, (name, reader), book))
        }
        Format::Dbn => {
            let order = if cancels_first { EventOrder::CancelsFirst } else { EventOrder::AsRecorded };
            Box::new(DbnReader::new(name, reader, order)?)
        }
        Format::Itch if path.extension().is_some_and(|extension| extension == "gz") => {
            Box::new(ItchReader::new(name, gunzip(reader)))
        }
        Format::Itch => Box::new(ItchReader::new(name, reader)),
    };
    Ok(Opened { feed, length, read })
}

fn file_only(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| unreadable(path, error))
}

fn file(path: &Path) -> Result<(File, u64), Failure> {
    let file = file_only(path)?;
    let length = file.metadata().map_err(|error| unreadable(path, error))?.len();
    Ok((file, length))
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::usage(format_args!("cannot read {}", path.display())).caused_by(error)
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        Self::usage(error)
    }
}
