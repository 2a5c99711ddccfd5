//! Making an index: one walk over a completed segment, or over a piece of one.

use event_store::{Block, Reader, SealedSegment, Span, StoreId, record_bytes};
use model::{Record as _, Trade};

use super::layout::{self, Header, ZONE_TRADES, ZoneLists};
use crate::error::Error;
use crate::names::is_name;

/// Bytes of log looked through at once.
const SPAN_BYTES: usize = 4 << 20;

/// The index file of a segment; `None` when the segment is not complete yet.
pub fn build(reader: &mut Reader, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let Some(segment) = reader.sealed_segment(number)? else { return Ok(None) };
    reader.seek_segment(number)?;
    let mut building = Building::default();
    while let Some(span) = reader.next_span(SPAN_BYTES, segment.last_sequence())? {
        building.span(&span, &segment)?;
    }
    Ok(building.finish(reader.store_id(), &segment))
}

/// The index of the end of a part of a segment.
pub fn piece(store: StoreId, segment: &SealedSegment, span: &Span) -> Result<Option<Vec<u8>>, Error> {
    let mut building = Building::default();
    building.span(span, segment)?;
    Ok(building.finish(store, segment))
}

#[derive(Default)]
struct Building {
    naming_blocks: Vec<u32>,
    zones: Vec<ZoneLists>,
    last_block: usize,
    command: u64,
}

impl Building {
    fn span(&mut self, span: &Span, segment: &SealedSegment) -> Result<(), Error> {
        span.try_for_each(|block| self.block(block, segment.first_sequence()))
    }

    fn finish(self, store_id: StoreId, segment: &SealedSegment) -> Option<Vec<u8>> {
        let last = segment.block_at(self.last_block)?;
        let header = Header {
            store_id,
            segment: segment.number(),
            first_sequence: segment.first_sequence(),
            last_sequence: segment.last_sequence(),
            last_block: self.last_block,
            naming_blocks: u32::try_from(self.naming_blocks.len()).expect("fewer than bytes of a segment"),
            chain: last.chain_hash()?,
        };
        Some(layout::write(&header, &self.naming_blocks, &self.zones))
    }

    fn block(&mut self, block: &Block<'_>, first_sequence: u64) -> Result<(), Error> {
        let begin = usize::try_from(block.offset()).expect("segments are mapped whole");
        self.last_block = begin;
        // A block ends where its records do, so this is where they begin.
        let length = block.header().length as usize;
        let mut offset = begin + length - block.record_bytes().len();
        let mut is_naming = false;
        for record in block.records() {
            if record.kind < model::KIND_EVENT_FIRST {
                self.command = record.sequence;
            }
            is_naming |= is_name(record.kind);
            if record.kind == Trade::KIND {
                let trade = Trade::decode(record.version, record.payload)
                    .map_err(|source| Error::Record { sequence: record.sequence, source })?;
                let behind = record.sequence - self.command;
                self.trade(offset, record.sequence - first_sequence, behind, trade.instrument.0);
            }
            offset += record_bytes(record.payload.len());
        }
        debug_assert_eq!(offset, begin + length, "records fill their block");
        if is_naming {
            self.naming_blocks.push(sixteenth(begin));
        }
        Ok(())
    }

    fn trade(&mut self, offset: usize, sequence: u64, behind: u64, instrument: u32) {
        // Every record takes sixteen bytes at least, and a segment is at most 2 GiB.
        let small = |number: u64| u32::try_from(number).expect("fewer records than bytes of a segment");
        let is_full = |zone: &ZoneLists| zone.offsets.len() == ZONE_TRADES as usize;
        if self.zones.last().is_none_or(is_full) {
            self.zones.push(ZoneLists::default());
        }
        if let Some(zone) = self.zones.last_mut() {
            zone.offsets.push(sixteenth(offset));
            zone.sequences.push(small(sequence));
            zone.behind.push(small(behind));
            zone.instruments.push(instrument);
        }
    }
}

fn sixteenth(offset: usize) -> u32 {
    u32::try_from(offset / event_store::ALIGNMENT).expect("a segment is at most 2 GiB")
}
