//! Two books that get the same calls and must give the same answers: the operations, how bytes become operations, and
//! the comparison. Shared by the property tests, the byte-driven fuzz test and the `twin` example.

use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Book, Handle, NaiveBook, OrderBook, Resting};

/// A stream of choices: a fuzzer's bytes, or as many pseudo-random ones as wanted.
pub trait Source {
    /// The next byte, or `None` at the end.
    fn byte(&mut self) -> Option<u8>;

    /// Eight bytes as a number.
    fn word(&mut self) -> Option<u64> {
        (0..8).try_fold(0, |word, _| Some(word << 8 | u64::from(self.byte()?)))
    }

    /// A number from -128 to 127.
    fn small(&mut self) -> Option<i64> {
        Some(i64::from(self.byte()?.cast_signed()))
    }
}

/// A fuzzer's bytes, used up from the front.
#[allow(dead_code, reason = "not every user of this module has bytes")]
pub struct Bytes<'a>(pub &'a [u8]);

impl Source for Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Endless pseudo-random bytes: xorshift64*, the same for the same seed everywhere.
pub struct Random {
    state: u64,
    word: u64,
    left: u32,
}

impl Random {
    /// Bytes of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, word: 0, left: 0 }
    }
}

impl Source for Random {
    fn byte(&mut self) -> Option<u8> {
        if self.left == 0 {
            self.state ^= self.state >> 12;
            self.state ^= self.state << 25;
            self.state ^= self.state >> 27;
            self.word = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D);
            self.left = 8;
        }
        self.left -= 1;
        let byte = self.word.to_le_bytes()[0];
        self.word >>= 8;
        Some(byte)
    }
}

/// How prices spread around the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Everything: near, far, at the edges of the ring, anywhere at all, at the ends of all prices.
    Mixed,
    /// Within 128 ticks: long queues, levels that end and begin all the time.
    Tight,
    /// Within 16,384 ticks: more than the ring covers, most levels alone.
    Wide,
    /// Within 4,096 ticks of a middle that jumps between two far places: the worst there is for a ring that follows.
    Jumping,
    /// Any 64-bit price.
    Wild,
}

impl Spread {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mixed, Self::Tight, Self::Wide, Self::Jumping, Self::Wild];
}

/// The two books, and what is needed to talk to both.
pub struct Twin {
    fast: Book,
    naive: NaiveBook,
    live: Vec<(Handle, Handle)>,
    spread: Spread,
    orders_max: usize,
    middle: i64,
    added: u64,
    /// The whole books are compared after every so many steps.
    compare_every: u32,
    steps: u32,
}

impl Twin {
    /// Two empty books that will hold at most so many orders.
    pub fn new(spread: Spread, orders_max: usize, compare_every: u32) -> Self {
        Self {
            fast: Book::default(),
            naive: NaiveBook::default(),
            live: Vec::new(),
            spread,
            orders_max,
            middle: 1 << 20,
            added: 0,
            compare_every,
            steps: 0,
        }
    }

    /// Does one operation on both, and compares every answer. `None` when the source has ended.
    pub fn step(&mut self, source: &mut impl Source) -> Option<()> {
        let choice = source.byte()?;
        let full = self.live.len() >= self.orders_max;
        match choice % 16 {
            0..=7 if !full => self.add(source)?,
            0..=2 | 8..=11 => {
                let choice = pick(source)?;
                self.remove(choice);
            }
            12 => {
                let choice = pick(source)?;
                let by = source.byte()?;
                self.reduce(choice, by);
            }
            3..=7 | 13..=14 => {
                let side = if choice & 16 == 0 { Side::Buy } else { Side::Sell };
                let lots = u64::from(source.byte()?) * 2;
                self.sweep(side, lots);
            }
            _ => self.move_middle(source)?,
        }
        self.steps += 1;
        if self.steps.is_multiple_of(self.compare_every) {
            self.compare_all();
        }
        self.compare_touch();
        Some(())
    }

    fn add(&mut self, source: &mut impl Source) -> Option<()> {
        let side = if source.byte()? & 1 == 0 { Side::Buy } else { Side::Sell };
        let price = Price(self.price(source)?);
        let leaves = Quantity(u64::from(source.byte()? % 32) + 1);
        self.added += 1;
        let owner = AccountId((self.added % 5) as u32);
        let order = Resting { order_id: OrderId(self.added), owner, price, leaves };
        let handles = (self.fast.add(side, order), self.naive.add(side, order));
        assert_eq!(self.fast.get(handles.0), order);
        self.live.push(handles);
        Some(())
    }

    fn price(&self, source: &mut impl Source) -> Option<i64> {
        let near = source.small()?;
        let shape = match self.spread {
            Spread::Mixed => source.byte()? % 16,
            Spread::Tight => 0,
            Spread::Wide => 9,
            Spread::Jumping => 8,
            Spread::Wild => 14,
        };
        Some(match shape {
            0..=7 => self.middle.saturating_add(near),
            8 => self.middle.saturating_add(near * 32 + source.small()? / 4),
            9 => self.middle.saturating_add(near * 128 + source.small()?),
            // On and beside the ring's edges, wherever it has its seam.
            10 | 11 => {
                self.middle.saturating_add(near.signum() * 4_096 * (near.abs() % 3) + source.small()? % 3)
            }
            12 => i64::MAX - near.abs(),
            13 => i64::MIN + near.abs(),
            _ => source.word()?.cast_signed(),
        })
    }

    fn move_middle(&mut self, source: &mut impl Source) -> Option<()> {
        let by = source.small()?;
        self.middle = match (self.spread, source.byte()? % 8) {
            (Spread::Jumping, _) => (1 << 20) + by.signum() * (3_000 + by.abs() % 4 * 2_000),
            (_, 0) => (1 << 20) + by * 16_384,
            (_, 1) => self.middle + by * 512,
            (_, 2) => self.middle + by * 16,
            _ => self.middle + by / 16,
        };
        Some(())
    }

    fn remove(&mut self, choice: usize) {
        let Some(at) = choice.checked_rem(self.live.len()) else { return };
        let (fast, naive) = self.live.swap_remove(at);
        assert_eq!(self.fast.get(fast), self.naive.get(naive));
        assert_eq!(self.fast.side(fast), self.naive.side(naive));
        assert_eq!(self.fast.remove(fast), self.naive.remove(naive));
    }

    fn reduce(&mut self, choice: usize, by: u8) {
        let Some(at) = choice.checked_rem(self.live.len()) else { return };
        let (fast, naive) = self.live[at];
        let leaves = self.naive.get(naive).leaves.0;
        // Often exactly everything.
        let by = Quantity((u64::from(by) % leaves + 1).min(leaves));
        let left = self.fast.reduce(fast, by);
        assert_eq!(left, self.naive.reduce(naive, by));
        if left.is_zero() {
            self.live.swap_remove(at);
        }
    }

    /// Executes what is in front until so many lots are gone.
    fn sweep(&mut self, side: Side, mut lots: u64) {
        while let Some((handle, front)) = self.fast.front(side) {
            assert_eq!(self.naive.front(side).map(|(_, order)| order), Some(front));
            let by = front.leaves.0.min(lots);
            if by == 0 {
                return;
            }
            lots -= by;
            let at = self.live.iter().position(|&(fast, _)| fast == handle).expect("what rests is live");
            let left = self.fast.reduce(handle, Quantity(by));
            assert_eq!(left, self.naive.reduce(self.live[at].1, Quantity(by)));
            if left.is_zero() {
                self.live.swap_remove(at);
            }
        }
        assert_eq!(self.naive.front(side), None);
    }

    fn compare_touch(&self) {
        assert_eq!(self.fast.len(), self.naive.len());
        assert_eq!(self.fast.is_empty(), self.naive.is_empty());
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(self.fast.best(side), self.naive.best(side));
            assert_eq!(
                self.fast.front(side).map(|(_, order)| order),
                self.naive.front(side).map(|(_, order)| order)
            );
        }
    }

    /// Every level and every order of both books.
    pub fn compare_all(&self) {
        for side in [Side::Buy, Side::Sell] {
            assert!(self.fast.levels(side).eq(self.naive.levels(side)), "levels of {side}");
            let fast = self.fast.orders(side).map(|(_, order)| order);
            assert!(fast.eq(self.naive.orders(side).map(|(_, order)| order)), "orders of {side}");
            // The handles that an iteration gives are the handles of those orders.
            let (handle, order) = self.fast.orders(side).last().unzip();
            assert_eq!(handle.map(|handle| self.fast.get(handle)), order);
        }
    }
}

/// A choice among the orders that rest.
fn pick(source: &mut impl Source) -> Option<usize> {
    Some(usize::from(source.byte()?) << 8 | usize::from(source.byte()?))
}

/// Runs so many operations on two books, and panics, naming the seed, where they differ.
pub fn run(seed: u64, spread: Spread, orders_max: usize, compare_every: u32, operations: u64) {
    let mut source = Random::new(seed);
    let mut twin = Twin::new(spread, orders_max, compare_every);
    for _ in 0..operations {
        twin.step(&mut source).expect("random bytes never end");
    }
    twin.compare_all();
}
