//! The core loop: takes what the ring holds, gives it one time, decides and applies each command in turn, and writes
//! the batch as one block. The only place where state changes while the exchange runs.
//!
//! **Architecture invariant:** in steady state nothing here allocates, locks or calls the operating system.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::{Ahead, Rules, State, ValidationRow, WINDOW_MAX, decide, evolve_telling, prepare};
use event_store::{BlockWriter, Error as StoreError, Writer, record_bytes};
use model::{
    AdvanceTime, Command, Event, InstrumentCreated, Phase, RuleActivated, SetPhase, StartTradingDay,
    Timestamp,
};
use order_book::OrderBook;

use crate::agent::Agent;
use crate::calendar::{Due, Schedule};
use crate::clock::Clock;
use crate::fault::{FatalError, Fault};
use crate::ring::{Envelope, Gate, Inbound, Refusal, SEQUENCER_TAG, Submitter};
use crate::status::Counters;

/// Room for the events of one command before the first allocation: a sweep through thousands of orders.
const EVENTS_ROOM: usize = 16_384;

/// The application loop of one exchange. Poll it from one thread; it needs no other.
pub struct CoreLoop<B: OrderBook, R, C> {
    machine: Machine<B, R>,
    writer: Writer,
    inbound: Arc<Inbound>,
    clock: C,
    schedule: Schedule,
    due: Vec<Due>,
    /// The sequencer's own commands, which come before those in the ring.
    own: VecDeque<Command>,
    /// Commands taken from the ring for which the state has looked ahead.
    window: VecDeque<Envelope>,
    /// A command that did not fit the last block.
    held: Option<Envelope>,
    /// No block is stamped before this.
    now: Timestamp,
    max_batch: usize,
    counters: Arc<Counters>,
    fault: Arc<Fault>,
}

/// The state and what decides over it.
struct Machine<B: OrderBook, R> {
    state: State<B>,
    rules: R,
    events: Vec<Event>,
    /// Room to work in while rules look ahead.
    rows: Vec<ValidationRow>,
}

/// What a core loop is made of.
pub struct Parts<B: OrderBook, R, C> {
    /// The state at the end of the log.
    pub state: State<B>,
    /// The rules that judge orders.
    pub rules: R,
    /// The log.
    pub writer: Writer,
    /// The time.
    pub clock: C,
    /// The boundaries to come.
    pub schedule: Schedule,
    /// The first command, if the log is empty.
    pub first: Option<Command>,
    /// Commands the inbound ring has room for.
    pub ring_capacity: usize,
    /// The most commands in one block.
    pub max_batch: usize,
}

impl<B: OrderBook, R: Rules, C: Clock> CoreLoop<B, R, C> {
    /// A loop that nobody else shares: for scenarios and benchmarks, without threads.
    pub fn new(parts: Parts<B, R, C>) -> Self {
        let inbound = Inbound::new(parts.ring_capacity, crate::agent::Duty::new());
        Self::with(parts, inbound, Arc::default(), Arc::default())
    }

    pub(crate) fn with(
        parts: Parts<B, R, C>,
        inbound: Arc<Inbound>,
        counters: Arc<Counters>,
        fault: Arc<Fault>,
    ) -> Self {
        let now = Timestamp(parts.writer.last_timestamp_ns());
        let mut rules = parts.rules;
        rules.restore(&parts.state.active_rules().copied().collect::<Vec<RuleActivated>>());
        Self {
            machine: Machine {
                state: parts.state,
                rules,
                events: Vec::with_capacity(EVENTS_ROOM),
                rows: Vec::with_capacity(WINDOW_MAX),
            },
            writer: parts.writer,
            inbound,
            clock: parts.clock,
            schedule: parts.schedule,
            due: Vec::new(),
            own: parts.first.into_iter().collect(),
            window: VecDeque::with_capacity(WINDOW_MAX),
            held: None,
            now,
            max_batch: parts.max_batch,
            counters,
            fault,
        }
    }

    /// A handle to leave commands with.
    pub fn submitter(&self) -> Submitter {
        Submitter::new(Arc::clone(&self.inbound))
    }

    /// The state after the last command.
    pub fn state(&self) -> &State<B> {
        &self.machine.state
    }

    /// The log.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// What stopped the loop for good, if something did.
    pub fn fatal(&self) -> Option<&FatalError> {
        self.fault.get()
    }

    /// Takes no more commands, finishes those in the ring, and gives back the writer, whose drop ends the log.
    pub fn finish(mut self) -> Writer {
        self.inbound.set_gate(Gate::Stopped);
        while self.fault.get().is_none() && self.has_work() && self.poll() > 0 {}
        self.writer
    }

    fn has_work(&self) -> bool {
        self.held.is_some() || !self.own.is_empty() || !self.window.is_empty() || self.inbound.depth() > 0
    }

    /// Moves what the calendar and the timers ask for at `self.now` into `own`.
    #[cold]
    fn take_due(&mut self) {
        let now = self.now;
        if self.machine.state.next_timer().is_some_and(|timer| timer <= now) {
            self.own.push_back(AdvanceTime { now }.into());
        }
        if now < self.schedule.due_at() {
            return;
        }
        self.schedule.take(now, &mut self.due);
        for due in self.due.drain(..) {
            match due {
                Due::Day(day) if self.machine.state.trading_day().is_none_or(|today| day > today) => {
                    self.own.push_back(StartTradingDay { day, reserved: 0 }.into());
                }
                // The clock went back, or the day had begun before a restart.
                Due::Day(_) => {}
                Due::Phase { calendar, phase, boundary } => {
                    for instrument in self.machine.state.instruments() {
                        let stands = instrument.phase == phase || instrument.phase == Phase::Halted;
                        if instrument.terms.calendar == calendar && (boundary || !stands) {
                            self.own.push_back(set_phase(instrument.terms.instrument, phase));
                        }
                    }
                }
            }
        }
    }

    /// Writes blocks until the batch is done. Returns the commands executed.
    fn run_batch(&mut self) -> Result<usize, StoreError> {
        let mut taken = 0;
        let mut executed = 0;
        // Whether the events of the held command are still in `machine.events`. One held over from an earlier batch is
        // decided anew: what it causes must be what it causes at the time its block carries.
        let mut decided = false;
        loop {
            let mut block = self.writer.begin(self.now.0)?;
            let mut full = false;
            while taken < self.max_batch || self.held.is_some() {
                let envelope = match self.held.take() {
                    Some(held) => held,
                    None => match next(
                        &mut self.own,
                        &mut self.window,
                        &self.inbound,
                        &mut self.machine,
                        self.now,
                        self.max_batch - taken,
                    ) {
                        Some(envelope) => {
                            taken += 1;
                            envelope
                        }
                        None => break,
                    },
                };
                if !std::mem::take(&mut decided) {
                    self.machine.decide(self.now, &envelope.command);
                }
                if self.machine.bytes(&envelope.command) > block.bytes_remaining() {
                    // The limits checked at the start let every command fit an empty block.
                    assert!(block.record_count() > 0, "a command that fits no block");
                    self.held = Some(envelope);
                    decided = true;
                    full = true;
                    break;
                }
                self.machine.record(&mut block, &envelope);
                executed += 1;
                if let Command::CreateInstrument(_) = envelope.command {
                    bring_to_phase(&self.machine.events, &self.schedule, self.now, &mut self.own);
                }
            }
            let info = block.finish();
            self.counters.count_block(&info);
            if !full {
                self.counters.count_batch(executed);
                return Ok(executed);
            }
        }
    }

    /// No block can be begun. Returns how many commands were refused for it.
    #[cold]
    fn cannot_write(&mut self, error: StoreError) -> usize {
        let held = self.held.take();
        match error {
            StoreError::NotReady { .. } => {
                self.counters.count_store_wait();
                self.held = held;
                0
            }
            StoreError::NoSpace { .. } | StoreError::PrepareFailed { .. } => {
                self.inbound.set_gate(Gate::StoreFull);
                let mut refused = 0;
                // The sequencer's own commands wait: nobody would ask for them again.
                let mut waiting = match held {
                    Some(Envelope { tag: SEQUENCER_TAG, command }) => {
                        self.own.push_front(command);
                        None
                    }
                    held => held,
                };
                while let Some(envelope) =
                    waiting.take().or_else(|| self.window.pop_front()).or_else(|| self.inbound.pop())
                {
                    self.inbound.refuse_taken(Refusal { tag: envelope.tag });
                    refused += 1;
                }
                refused
            }
            error => {
                self.inbound.set_gate(Gate::Stopped);
                self.fault.set(FatalError::Store(error));
                0
            }
        }
    }
}

impl<B: OrderBook, R: Rules, C: Clock> Agent for CoreLoop<B, R, C> {
    fn poll(&mut self) -> usize {
        let now = self.clock.now().max(self.now);
        let timer = self.machine.state.next_timer().unwrap_or(Timestamp::MAX);
        let due = timer.min(self.schedule.due_at()) <= now;
        // While the log is full nothing can come in, so whether there is room again is asked here.
        let idle = !due && !self.has_work() && !self.inbound.is_store_full();
        if idle || self.fault.get().is_some() {
            return 0;
        }
        if let Err(error) = self.writer.ready() {
            return self.cannot_write(error);
        }
        self.inbound.open();
        self.now = now;
        if due {
            self.take_due();
        }
        match self.run_batch() {
            Ok(executed) => executed,
            Err(error) => self.cannot_write(error),
        }
    }
}

/// The next command: the sequencer's own first, then from the ring, of which at most `room` may be taken.
#[inline]
fn next<B: OrderBook, R: Rules>(
    own: &mut VecDeque<Command>,
    window: &mut VecDeque<Envelope>,
    inbound: &Inbound,
    machine: &mut Machine<B, R>,
    now: Timestamp,
    room: usize,
) -> Option<Envelope> {
    if let Some(command) = own.pop_front() {
        return Some(Envelope { tag: SEQUENCER_TAG, command });
    }
    if window.is_empty() {
        look_ahead(machine, now, inbound, room, window);
    }
    window.pop_front()
}

/// Takes a few commands, at most `room`, from the ring, has the state look at what they are about, and lets the validation
/// rules judge the orders among them.
#[inline]
fn look_ahead<B: OrderBook, R: Rules>(
    machine: &mut Machine<B, R>,
    now: Timestamp,
    inbound: &Inbound,
    room: usize,
    window: &mut VecDeque<Envelope>,
) {
    let mut ahead = [Ahead::NOTHING; WINDOW_MAX];
    let mut count = 0;
    while count < room.min(WINDOW_MAX)
        && let Some(envelope) = inbound.pop()
    {
        ahead[count] = Ahead::of(&envelope.command);
        window.push_back(envelope);
        count += 1;
    }
    // One command's looks would be no earlier than its own.
    if count > 1 {
        machine.state.warm(&ahead[..count]);
        let commands = window.iter().map(|envelope| &envelope.command);
        prepare(&machine.state, now, &commands, &mut machine.rules, &mut machine.rows);
    }
}

fn set_phase(instrument: model::InstrumentId, phase: Phase) -> Command {
    SetPhase { instrument, phase, reserved: [0; 3] }.into()
}

/// A new instrument comes to the phase its calendar has for this moment.
#[cold]
fn bring_to_phase(events: &[Event], schedule: &Schedule, now: Timestamp, own: &mut VecDeque<Command>) {
    for event in events {
        let Event::InstrumentCreated(InstrumentCreated { instrument, calendar, phase, .. }) = event else {
            continue;
        };
        if let Some(calendar) = schedule.calendars().get(calendar)
            && calendar.phase_at(now) != *phase
        {
            own.push_back(set_phase(*instrument, calendar.phase_at(now)));
        }
    }
}

impl<B: OrderBook, R: Rules> Machine<B, R> {
    #[inline]
    fn decide(&mut self, now: Timestamp, command: &Command) {
        self.events.clear();
        decide(&self.state, now, command, &mut self.rules, &mut self.events);
    }

    /// What the command and its events take in a block.
    #[inline]
    fn bytes(&self, command: &Command) -> usize {
        let events: usize = self.events.iter().map(|event| record_bytes(event.size())).sum();
        record_bytes(command.size()) + events
    }

    /// Writes the command and its events, which were found to fit, and applies the events.
    #[inline]
    fn record(&mut self, block: &mut BlockWriter<'_>, envelope: &Envelope) {
        let command = &envelope.command;
        let (_, payload) = block
            .reserve(command.kind(), command.version(), envelope.tag, command.size())
            .expect("the block was found to have room");
        command.encode(payload);
        for event in &self.events {
            let (_, payload) = block
                .reserve(event.kind(), event.version(), 0, event.size())
                .expect("the block was found to have room");
            event.encode(payload);
            evolve_telling(&mut self.state, event, &mut self.rules);
        }
    }
}
