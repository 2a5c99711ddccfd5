//! What each account has been doing in each instrument, as far as risk rules may know: what its working buys could still buy,
//! and what it has traded today. What its sells hold is in the ledger.

use model::{AccountId, InstrumentId, Quantity};

/// An account's activity in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Activity {
    /// Lots that its working buys could still buy.
    pub open_buy: Quantity,
    /// Lots it has bought and sold this trading day.
    pub day_volume: Quantity,
}

/// All activity. Rows grow as the ledger's do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activities {
    rows: Vec<Vec<Activity>>,
}

impl Activities {
    pub fn open_account(&mut self) {
        self.rows.push(Vec::new());
    }

    #[inline]
    pub fn get(&self, account: AccountId, instrument: InstrumentId) -> Activity {
        let cell = self.rows.get(account.index()).and_then(|row| row.get(instrument.index()));
        cell.copied().unwrap_or_default()
    }

    /// An account's activity by instrument id. May be shorter than the list of instruments: the rest is nothing.
    pub fn row(&self, account: AccountId) -> &[Activity] {
        &self.rows[account.index()]
    }

    #[inline]
    pub fn cell(&mut self, account: AccountId, instrument: InstrumentId) -> &mut Activity {
        let row = &mut self.rows[account.index()];
        if instrument.index() >= row.len() {
            grow(row, instrument.index() + 1);
        }
        &mut row[instrument.index()]
    }

    /// A new trading day: nobody has traded yet.
    pub fn start_day(&mut self) {
        for activity in self.rows.iter_mut().flatten() {
            activity.day_volume = Quantity::ZERO;
        }
    }
}

/// Apart, because it happens a few times for a row and then never.
#[cold]
fn grow(row: &mut Vec<Activity>, len: usize) {
    row.resize(len.next_power_of_two(), Activity::default());
}
