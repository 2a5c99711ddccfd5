//! The desk: where any thread looks at components, stores them, makes rules ready ahead of their activation, and asks what rules
//! do and what their codes mean. The trading thread has the [`LiveRules`], which take from the desk's shelf what is ready.
//!
//! A helper thread, the keeper, does what the trading thread should not wait for: it makes spare instances and takes away those
//! that are no longer needed. When it is behind, the trading thread helps itself: slower, never differently.

use crate::cache::Cache;
use crate::files::{self, FileError};
use crate::inspect::{self, Inspection, Policy, Refusal};
use crate::instance::Instance;
use crate::live::LiveRules;
use crate::rule::{self, BuildError, CallPath, Recipe, RecipeKey, Rule};
use crate::signature::Signature;
use crate::statistics::{Counts, Statistics};
use crossbeam_queue::ArrayQueue;
use model::{ComponentHash, RuleKind, RuleParameters};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use wasmtime::Engine;

/// Rules that stand ready to be activated; the oldest goes when there are more.
pub const MAX_READY: usize = 64;
/// Compiled components that are kept, so that going back to one takes no time.
pub const MAX_COMPILED: usize = 64;
/// Activations whose counts are kept after they ended.
pub const MAX_ENDED: usize = 256;
/// Chores that can wait for the keeper.
const MAX_CHORES: usize = 256;

/// How rules are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of component files: `STORE/plugins`.
    pub plugins: PathBuf,
    /// A folder of this user's own for compiled code, which is a cache. `None`: everything is compiled at every start.
    pub compiled: Option<PathBuf>,
    /// What the operator lets a rule be and have.
    pub policy: Policy,
    /// How rules are called, where there is a choice. [`CallPath::Component`] is slower and there to be compared with.
    pub path: CallPath,
}

impl Settings {
    /// Rules of a store, without a cache.
    pub fn of_plugins(plugins: impl Into<PathBuf>) -> Self {
        Self { plugins: plugins.into(), compiled: None, policy: Policy::default(), path: CallPath::Module }
    }
}

/// Why a rule cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Its component's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its component.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The making.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A handle on everything that has to do with rules, for any thread. Cheap to clone.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Shared>);

/// What the threads share.
pub(crate) struct Shared {
    settings: Settings,
    engine: Engine,
    /// Made when the first reporting rule comes.
    reporting_engine: OnceLock<Engine>,
    cache: Option<Cache>,
    cache_error: Option<std::io::Error>,
    shelf: Mutex<Shelf>,
    counts: Mutex<Vec<Arc<Counts>>>,
    pub(crate) words: Mutex<crate::explain::Words>,
    chores: SyncSender<Chore>,
}

#[derive(Default)]
struct Shelf {
    ready: VecDeque<Ready>,
    compiled: VecDeque<(Arc<Rule>, Arc<Inspection>)>,
}

/// A rule ready to judge: an instance, and a place for a spare one.
pub(crate) struct Ready {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) instance: Instance,
    pub(crate) spare: Arc<ArrayQueue<Instance>>,
}

/// What the keeper is asked to do.
pub(crate) enum Chore {
    /// Make a spare.
    Refill(Arc<Recipe>, Arc<ArrayQueue<Instance>>),
    /// Take an instance away.
    Bury(Instance),
    /// Take away an instance that has judged, and put its recipe on the shelf with a fresh one.
    Shelve(Ready),
}

impl Desk {
    /// A desk for the rules of a store. Opens no file but the cache's folder.
    pub fn open(settings: Settings) -> Result<Self, BuildError> {
        let engine = rule::engine(RuleKind::Risk)?;
        let (chores, waiting) = sync_channel(MAX_CHORES);
        let (cache, cache_error) = match settings.compiled.as_deref().map(Cache::open) {
            Some(Err(error)) => (None, Some(error)),
            cache => (cache.and_then(Result::ok), None),
        };
        let shared = Arc::new(Shared {
            settings,
            engine,
            reporting_engine: OnceLock::new(),
            cache,
            cache_error,
            shelf: Mutex::default(),
            counts: Mutex::default(),
            words: Mutex::default(),
            chores,
        });
        let keeper = Arc::downgrade(&shared);
        // It ends when the last desk is gone, and with it the sending half of the queue.
        std::thread::Builder::new()
            .name("rule-keeper".to_owned())
            .spawn(move || keep(&waiting, &keeper))
            .map_err(|error| BuildError::Compile { what: error.to_string() })?;
        Ok(Self(shared))
    }

    /// Why compiled code is not kept, when it should be: the folder cannot be made, or others than this user may enter it.
    pub fn cache_error(&self) -> Option<&std::io::Error> {
        self.0.cache_error.as_ref()
    }

    /// Looks at a component under the operator's policy, without running any of it.
    pub fn inspect(&self, bytes: &[u8], signature: Option<&Signature>) -> Result<Inspection, Refusal> {
        inspect::inspect(bytes, signature, &self.0.settings.policy)
    }

    /// Looks at a component, compiles it (seconds at most) and stores its file. After this, a command may name it.
    pub fn load(&self, bytes: &[u8], signature: Option<&Signature>) -> Result<Inspection, PrepareError> {
        let inspection = self.inspect(bytes, signature)?;
        if inspection.kind != RuleKind::Reporting {
            self.0.compile(bytes, inspection.clone())?;
        }
        files::store_component(&self.0.settings.plugins, bytes)?;
        Ok(inspection)
    }

    /// What is known about a component of the store.
    pub fn inspection(&self, component: ComponentHash) -> Result<Arc<Inspection>, PrepareError> {
        if let Some((_, inspection)) = self.0.known(component) {
            return Ok(inspection);
        }
        let (_, inspection) = self.0.read(component)?;
        Ok(Arc::new(inspection))
    }

    /// Makes a rule ready for an activation with these parameters and limits, so that the trading thread only has to take it.
    /// Shows here, not there, whether the rule wants its parameters. At most [`MAX_READY`] are kept.
    pub fn prepare(
        &self,
        component: ComponentHash,
        parameters: RuleParameters,
        fuel: u64,
        memory_bytes: u32,
    ) -> Result<CallPath, PrepareError> {
        let rule = self.0.rule(component)?;
        let path = rule.path();
        let recipe = Arc::new(Recipe { rule, parameters, fuel, memory_bytes });
        let ready = Ready::new(recipe)?;
        if let Ok(spare) = ready.recipe.build() {
            // Full is as good as filled.
            let _ = ready.spare.push(spare);
        }
        self.0.shelve(ready);
        Ok(path)
    }

    /// The rules for a trading thread.
    pub fn live(&self) -> LiveRules {
        LiveRules::new(Arc::clone(&self.0))
    }

    /// What the rules have done, of all activations that this desk has seen begin; of those that ended, the last
    /// [`MAX_ENDED`].
    pub fn statistics(&self) -> Vec<Statistics> {
        lock(&self.0.counts).iter().map(|counts| counts.read()).collect()
    }
}

/// A component that is in force was let in before: what the operator allows today is for new ones.
fn anything() -> Policy {
    let ceilings = inspect::Ceilings { component_bytes: usize::MAX, fuel: u64::MAX, memory_bytes: u32::MAX };
    Policy { trading: ceilings, reporting: ceilings, signers: Vec::new(), must_be_signed: false }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it left nothing half done: every change under these locks is one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn known(&self, component: ComponentHash) -> Option<(Arc<Rule>, Arc<Inspection>)> {
        let shelf = lock(&self.shelf);
        shelf.compiled.iter().find(|(rule, _)| rule.component == component).cloned()
    }

    fn compile(&self, bytes: &[u8], inspection: Inspection) -> Result<Arc<Rule>, BuildError> {
        if let Some((rule, _)) = self.known(inspection.component) {
            return Ok(rule);
        }
        if inspection.kind == RuleKind::Reporting {
            return Err(BuildError::Kind { found: RuleKind::Reporting, expected: RuleKind::Risk });
        }
        let rule = Rule::compile(&self.engine, self.cache.as_ref(), bytes, &inspection, self.settings.path)
            .map(Arc::new)?;
        let mut shelf = lock(&self.shelf);
        if shelf.compiled.len() == MAX_COMPILED {
            shelf.compiled.pop_front();
        }
        shelf.compiled.push_back((Arc::clone(&rule), Arc::new(inspection)));
        Ok(rule)
    }

    /// A component of the store.
    pub(crate) fn read(&self, component: ComponentHash) -> Result<(Vec<u8>, Inspection), PrepareError> {
        let bytes = files::load_component(&self.settings.plugins, component)?;
        let inspection = inspect::inspect(&bytes, None, &anything())?;
        Ok((bytes, inspection))
    }

    /// A compiled component: one that is known, or from its file.
    pub(crate) fn rule(&self, component: ComponentHash) -> Result<Arc<Rule>, PrepareError> {
        if let Some((rule, _)) = self.known(component) {
            return Ok(rule);
        }
        let (bytes, inspection) = self.read(component)?;
        Ok(self.compile(&bytes, inspection)?)
    }

    pub(crate) fn reporting_engine(&self) -> Result<&Engine, BuildError> {
        if let Some(engine) = self.reporting_engine.get() {
            return Ok(engine);
        }
        let engine = rule::engine(RuleKind::Reporting)?;
        Ok(self.reporting_engine.get_or_init(|| engine))
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    fn shelve(&self, ready: Ready) {
        let key = ready.recipe.key();
        let mut shelf = lock(&self.shelf);
        let place = shelf.ready.iter().position(|other| other.recipe.key() == key);
        let old = match place {
            Some(at) => shelf.ready.remove(at),
            None if shelf.ready.len() == MAX_READY => shelf.ready.pop_front(),
            None => None,
        };
        shelf.ready.push_back(ready);
        // Unmapping takes a while, and the trading thread may want something from the shelf.
        drop(shelf);
        drop(old);
    }

    /// What stands ready, or else is made now.
    pub(crate) fn take(&self, key: &RecipeKey) -> Result<Ready, PrepareError> {
        {
            let mut shelf = lock(&self.shelf);
            let place = shelf.ready.iter().position(|ready| ready.recipe.key() == *key);
            if let Some(ready) = place.and_then(|at| shelf.ready.remove(at)) {
                return Ok(ready);
            }
        }
        let rule = self.rule(key.component)?;
        if rule.kind != key.kind {
            return Err(BuildError::Kind { found: rule.kind, expected: key.kind }.into());
        }
        let (parameters, fuel, memory_bytes) = (key.parameters, key.fuel, key.memory_bytes);
        let ready = Ready::new(Arc::new(Recipe { rule, parameters, fuel, memory_bytes }))?;
        self.chore(Chore::Refill(Arc::clone(&ready.recipe), Arc::clone(&ready.spare)));
        Ok(ready)
    }

    /// Asks the keeper. When its queue is full, the chore is done here, or left: a spare that is missing is made when it is needed.
    pub(crate) fn chore(&self, chore: Chore) {
        drop(self.chores.try_send(chore));
    }

    pub(crate) fn count(&self, counts: Arc<Counts>) {
        let mut all = lock(&self.counts);
        all.push(counts);
        if all.iter().filter(|counts| counts.has_ended()).count() > MAX_ENDED {
            let oldest = all.iter().position(|counts| counts.has_ended());
            oldest.map(|at| all.remove(at));
        }
    }
}

impl Ready {
    pub(crate) fn new(recipe: Arc<Recipe>) -> Result<Self, BuildError> {
        let instance = recipe.build()?;
        Ok(Self { recipe, instance, spare: Arc::new(ArrayQueue::new(1)) })
    }
}

/// The keeper.
fn keep(chores: &Receiver<Chore>, shared: &Weak<Shared>) {
    while let Ok(chore) = chores.recv() {
        match chore {
            Chore::Refill(recipe, spare) => {
                if spare.is_empty()
                    && let Ok(instance) = recipe.build()
                {
                    let _ = spare.push(instance);
                }
            }
            Chore::Bury(instance) => drop(instance),
            Chore::Shelve(Ready { recipe, instance, spare }) => {
                drop(instance);
                let Some(shared) = shared.upgrade() else { return };
                if let Some(instance) = spare.pop().or_else(|| recipe.build().ok()) {
                    shared.shelve(Ready { recipe, instance, spare });
                }
            }
        }
    }
}
