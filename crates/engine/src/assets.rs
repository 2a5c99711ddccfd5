//! What an account can own: currencies and instruments, interned to small ids on first mention.

use model::{AssetCode, AssetId};
use std::collections::BTreeMap;

/// Decimals of a currency nobody has described: cents.
pub const DEFAULT_CURRENCY_DECIMALS: u8 = 2;

/// Something an account can own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// Its code: a currency's three letters or an instrument's symbol.
    pub code: AssetCode,
    /// Decimals of its smallest unit: 2 for cents. For an instrument, those of its lot, which is its unit.
    pub decimals: u8,
    /// Whether it is an instrument rather than a currency.
    pub is_instrument: bool,
}

/// All assets mentioned so far, by id and by code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assets {
    by_id: Vec<Asset>,
    by_code: BTreeMap<AssetCode, AssetId>,
}

impl Assets {
    pub fn iter(&self) -> std::slice::Iter<'_, Asset> {
        self.by_id.iter()
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn get(&self, id: AssetId) -> Option<&Asset> {
        self.by_id.get(id.index())
    }

    pub fn by_code(&self, code: &AssetCode) -> Option<&Asset> {
        self.by_code.get(code).map(|id| &self.by_id[id.index()])
    }

    /// The id that the next new asset but `ahead` others will have.
    pub fn next_id(&self, ahead: usize) -> AssetId {
        AssetId(u32::try_from(self.by_id.len() + ahead).expect("instruments and 17,576 currencies fit u32"))
    }

    pub fn register(&mut self, asset: Asset) {
        assert_eq!(asset.id, self.next_id(0), "assets are numbered in the order of first mention");
        let known = self.by_code.insert(asset.code, asset.id);
        assert!(known.is_none(), "an asset is registered once");
        self.by_id.push(asset);
    }
}

/// Whether a code has the form of a currency: three capital letters.
pub(crate) fn is_currency(code: &AssetCode) -> bool {
    let text = code.as_bytes();
    text[..3].iter().all(u8::is_ascii_uppercase) && text[3..].iter().all(|&byte| byte == 0)
}
