//! Making an index: one walk over a completed segment, or over a piece of one.

use event_store::{ALIGNMENT, Block, Reader, SealedSegment, Span, StoreId};
use model::{Record as _, Trade};

use super::layout::{self, Header, PackedZone, ZONE_TRADES};
use super::rows::TradeRows;
use crate::error::Error;
use crate::names::is_name;
use crate::table::Rows as _;

/// Bytes of log looked through at once.
const SPAN_BYTES: usize = 4 << 20;

/// The index file of a segment; `None` when the segment is not complete yet.
pub fn build(reader: &mut Reader, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let Some(segment) = reader.sealed_segment(number)? else { return Ok(None) };
    reader.seek_segment(number)?;
    let mut building = Building::default();
    while let Some(span) = reader.next_span(SPAN_BYTES, segment.last_sequence())? {
        building.span(&span)?;
    }
    Ok(building.finish(reader.store_id(), &segment))
}

/// The index of the end of a part of a segment.
pub fn piece(store: StoreId, segment: &SealedSegment, span: &Span) -> Result<Option<Vec<u8>>, Error> {
    let mut building = Building::default();
    building.span(span)?;
    Ok(building.finish(store, segment))
}

#[derive(Default)]
struct Building {
    naming_blocks: Vec<u32>,
    zones: Vec<PackedZone>,
    /// The trades of the zone that is not full yet.
    rows: TradeRows,
    last_block: usize,
}

impl Building {
    fn span(&mut self, span: &Span) -> Result<(), Error> {
        span.try_for_each(|block| self.block(block))
    }

    fn finish(mut self, store_id: StoreId, segment: &SealedSegment) -> Option<Vec<u8>> {
        self.zones.extend(layout::pack(&self.rows));
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

    fn block(&mut self, block: &Block<'_>) -> Result<(), Error> {
        self.last_block = usize::try_from(block.offset()).expect("segments are mapped whole");
        let (mut command, mut is_naming) = (0, false);
        for record in block.records() {
            if record.kind < model::KIND_EVENT_FIRST {
                command = record.sequence;
            }
            is_naming |= is_name(record.kind);
            if record.kind == Trade::KIND {
                let trade = Trade::decode(record.version, record.payload)
                    .map_err(|source| Error::Record { sequence: record.sequence, source })?;
                self.rows.push(record.sequence, command, &trade);
                if self.rows.len() == ZONE_TRADES as usize {
                    self.zones.extend(layout::pack(&self.rows));
                    self.rows.clear();
                }
            }
        }
        if is_naming {
            let offset = u32::try_from(self.last_block / ALIGNMENT).expect("a segment is at most 2 GiB");
            self.naming_blocks.push(offset);
        }
        Ok(())
    }
}
