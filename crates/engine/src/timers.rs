//! Good-till-date timers: which orders expire when, by time and then by age.
//!
//! A binary heap whose members know their own place (`Order::timer`), so that a cancel takes its timer along and the heap
//! is never larger than the number of working orders.

use crate::orders::{NONE, Orders};
use model::{OrderId, Timestamp};

/// When an order expires. Sorts by time, then by age.
type Timer = (Timestamp, OrderId);

/// All timers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<Timer>,
}

impl Timers {
    /// When the next order expires.
    #[inline]
    pub fn next(&self) -> Option<Timestamp> {
        self.heap.first().map(|&(time, _)| time)
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// The order at a place in the heap.
    pub fn at(&self, place: u32) -> Option<Timer> {
        self.heap.get(place as usize).copied()
    }

    /// Calls `due` for every timer at or before `now`, in no particular order.
    pub fn due(&self, now: Timestamp, mut due: impl FnMut(OrderId)) {
        // A timer that is not due hides only later ones below it. The heap is its own list of what is left to look at:
        // from any place, go down to the first child while timers are due, else on to the next branch.
        let is_due = |place: usize| self.heap.get(place).is_some_and(|&(time, _)| time <= now);
        let mut place = 0;
        loop {
            if is_due(place) {
                due(self.heap[place].1);
                place = 2 * place + 1;
                continue;
            }
            // Up while this is a second child (even), then over to the sibling.
            while place != 0 && place.is_multiple_of(2) {
                place = (place - 1) / 2;
            }
            if place == 0 {
                return;
            }
            place += 1;
        }
    }

    /// Starts the timer of an order.
    pub fn insert(&mut self, time: Timestamp, id: OrderId, orders: &mut Orders) {
        self.heap.push((time, id));
        self.rise(self.heap.len() - 1, orders);
    }

    /// Stops the timer at a place.
    pub fn remove(&mut self, place: u32, orders: &mut Orders) {
        let place = place as usize;
        let (_, id) = self.heap.swap_remove(place);
        orders.working(id).timer = NONE;
        if place < self.heap.len() {
            self.sink(place, orders);
            self.rise(place, orders);
        }
    }

    fn settle(&self, place: usize, orders: &mut Orders) {
        let place_word = u32::try_from(place).expect("no more timers than working orders");
        orders.working(self.heap[place].1).timer = place_word;
    }

    fn rise(&mut self, mut place: usize, orders: &mut Orders) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.settle(place, orders);
            place = parent;
        }
        self.settle(place, orders);
    }

    fn sink(&mut self, mut place: usize, orders: &mut Orders) {
        loop {
            let first = 2 * place + 1;
            let Some(&(mut least)) = self.heap.get(first) else { break };
            let mut child = first;
            if let Some(&second) = self.heap.get(first + 1)
                && second < least
            {
                (child, least) = (first + 1, second);
            }
            if self.heap[place] <= least {
                break;
            }
            self.heap.swap(child, place);
            self.settle(place, orders);
            place = child;
        }
        self.settle(place, orders);
    }
}
