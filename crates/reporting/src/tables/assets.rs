//! `assets`: what an account can own.

use std::sync::Arc;

use model::AssetRegistered;

use crate::error::Error;
use crate::store::Store;
use crate::table::scan::Ready;
use crate::table::vector::Exact;
use crate::table::{Column, Filter, Parameter, Scan, Table, columns};

/// One row an asset.
pub struct Assets;

impl Table for Assets {
    type Rows = Vec<AssetRegistered>;
    const NAME: &'static str = "assets";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str = "One row an asset: the currencies, and the instruments as things to own.";
    const PARAMETERS: &'static [Parameter] = &[];
    const COLUMNS: &'static [Column<Vec<AssetRegistered>>] = columns![Vec<AssetRegistered>:
        i64, "asset_id", "", "The exchange's number for it, from 0.", |row| i64::from(row.asset.0);
        &str, "asset", "", "Its code: a currency's, or an instrument's symbol.", |row| row.code.as_str();
        bool, "is_instrument", "", "Whether it is an instrument rather than a currency.", |row| row.is_instrument;
        i64, "decimals", "", "Decimals of its smallest unit.", |row| i64::from(row.decimals);
        Option<Exact>, "minor_unit", "units of the asset", "How much its smallest unit is: a cent, or a lot.",
            |row, names| names.amount(row.asset, 1);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<AssetRegistered>>>, Error> {
        Ok(Box::new(Ready::new(store.names(filter.bound)?.assets.clone())))
    }
}
