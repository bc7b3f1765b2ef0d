//! Several engines on one step: each computes the gradients of its share of the batch, they are summed in the engines' order, one owner
//! updates, and all get its parameters.
//!
//! No kernel knows of it: a share is what a part of a batch that doesn't fit is too. Unlike engines don't round alike, so parameters
//! are computed once, by the owner, and sent as bytes. The owner should be an engine in main memory, where the sums are made: then a device
//! that is lost takes nothing with it that is not there too.

mod collect;
mod evaluate;
mod member;
mod pace;
mod split;
mod synchronize;

use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::{DeviceInfo, Engine, EngineError, Limits, Pending};
use convoke_core::loss::Loss;
use convoke_core::model::Network;
use convoke_core::plan::{Bucket, Training};
use convoke_core::step::Step;
use convoke_data::Dataset;
use convoke_formats::NamedTensor;
use serde::{Deserialize, Serialize};

use crate::augment::Share;
use crate::error::{Result, TrainError};
use crate::session::{Figures, Input, Session};
pub use split::Split;
pub(crate) use split::cut;

use pace::{Cost, best_shares, step_time};

/// The engines of a run: one, or several among which each step's batch is split. One is made of an engine by `into()`.
pub struct Engines {
    pub(crate) owner: Box<dyn Engine>,
    pub(crate) replicas: Vec<Box<dyn Engine>>,
    pub(crate) split: Split,
    pub(crate) deadline: Duration,
}

impl Engines {
    /// Several engines, in the order in which their gradients are summed, and the one that owns the parameters and the optimizer's state, which
    /// computes nothing else. Their calls must not wait for the device: what computes on the calling thread belongs on a thread of its
    /// own (`convoke::Threaded`).
    pub fn several(owner: Box<dyn Engine>, replicas: Vec<Box<dyn Engine>>, split: Split) -> Self {
        Self { owner, replicas, split, deadline: Duration::from_secs(60) }
    }

    /// How long a replica may take for its share of a step before it counts as lost: a minute, unless this says otherwise. Clocks wake nobody:
    /// it is looked at when an answer comes, and whenever the executor looks by itself, as `convoke::block_on` does.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Who computes: the replicas, or the only engine.
    pub fn infos(&self) -> Vec<&DeviceInfo> {
        match self.replicas.as_slice() {
            [] => vec![self.owner.info()],
            replicas => replicas.iter().map(|engine| engine.info()).collect(),
        }
    }
}

impl std::fmt::Debug for Engines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engines").field("devices", &self.infos()).field("split", &self.split).finish_non_exhaustive()
    }
}

impl<E: Engine + 'static> From<Box<E>> for Engines {
    fn from(engine: Box<E>) -> Self {
        (engine as Box<dyn Engine>).into()
    }
}

impl From<Box<dyn Engine>> for Engines {
    fn from(owner: Box<dyn Engine>) -> Self {
        Self { owner, replicas: Vec::new(), split: Split::Auto, deadline: Duration::MAX }
    }
}

/// How much of each batch a device has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceShare {
    /// The device's name.
    pub device: String,
    /// Its share in proportion to the others': with shares that were measured, its samples of a whole batch.
    pub weight: f64,
    /// What it was found to need, in seconds: for any share, and for each sample; where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<[f64; 2]>,
}

/// A replica that is gone, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Departure {
    /// The last step in which it took part.
    pub step: u64,
    pub device: String,
    pub error: EngineError,
}

/// Gradients in buckets of at least so many bytes travel while the next are computed.
const BUCKET_BYTES: usize = 1 << 20;

/// Steps after which it is considered whether other shares would do better.
const CONSIDER_EVERY: u64 = 20;

/// The part of a step's time that other shares have to save before they are taken.
const WORTH_CHANGING: f64 = 0.05;

/// Steps after which all replicas' parameters are compared with the owner's.
const CHECK_EVERY: u64 = 100;

/// One of several engines on a step.
struct Member {
    /// The device's name, with a number where another has it too.
    name: String,
    session: Session,
    buckets: Rc<Vec<Bucket>>,
    weight: f64,
    cost: Option<Cost>,
    /// The last times: samples, and seconds.
    times: Vec<(usize, f64)>,
    /// What went wrong when it was last sent something.
    failed: Option<EngineError>,
}

/// What an answer holds.
enum Answer {
    /// The figures of so many runs, and the flag.
    Figures,
    /// The gradients of a bucket.
    Bucket(usize),
}

/// What a member was asked for, in the order in which it is answered.
type Asked = VecDeque<(Answer, Pending<'static, Vec<Vec<u32>>>)>;

/// The gradients of a step.
#[derive(Debug)]
pub(crate) struct Reduced {
    /// The figures of all samples.
    pub figures: Figures,
    /// Each bucket's sums.
    pub sums: Vec<Vec<f32>>,
    /// How long each member took for its share.
    seconds: Vec<f64>,
}

/// The engines that share a run's steps.
pub(crate) struct Replicas {
    members: Vec<Member>,
    deadline: Duration,
    /// Whether shares are measured and corrected.
    auto: bool,
    /// Whether they have been measured.
    measured: bool,
    /// The seconds that each member that takes part adds to a step for sums and parameters.
    each: f64,
    /// Whether other shares seemed better when they were considered last.
    found_better: bool,
    /// Members that are gone and that nobody was told of.
    gone: Vec<Departure>,
}

/// What is only done with several engines, where a program may have several. A page never has, and then the compiler leaves it out, with all that it
/// alone needs: so it is a box here, for a future that is part of another one can't be left out.
pub(crate) fn with_several<'a, T>(
    future: impl Future<Output = T> + 'a,
) -> Option<Pin<Box<dyn Future<Output = T> + 'a>>> {
    if cfg!(feature = "lean") { None } else { Some(Box::pin(future)) }
}

impl std::fmt::Debug for Replicas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.shares()).finish()
    }
}

/// What all engines keep within, so that parameters lie alike on all of them.
pub(crate) fn common_limits(engines: &Engines) -> Limits {
    engines.replicas.iter().fold(engines.owner.limits(), |limits, engine| limits.common(engine.limits()))
}

impl Replicas {
    /// Loads the network on all engines. Those that can't hold it are left out.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where the split is for another number of engines; the first engine's error where none can hold the network.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, and none has a default")]
    pub async fn new(
        engines: Vec<Box<dyn Engine>>,
        (split, deadline): (Split, Duration),
        network: &Network,
        data: &Rc<Dataset>,
        input: &Input,
        loss: &Loss,
        training: &Training,
        capacity: usize,
        limits: Limits,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let weights = split.weights(engines.len()).map_err(TrainError::Setting)?;
        let auto = weights.is_none();
        let weights = weights.unwrap_or_else(|| vec![1.0; engines.len()]);
        let training = Training { updates: false, average: None, clip: None, ..training.clone() };
        let (mut members, mut gone) = (Vec::new(), Vec::new());
        let mut first_error = None;
        let names = names(&engines);
        for ((engine, weight), name) in engines.into_iter().zip(weights).zip(names) {
            let options = (Some(training.clone()), capacity, limits);
            match Session::within(engine, network, data.clone(), input, loss, options, progress).await {
                Ok(session) => {
                    let buckets = Rc::new(session.program().buckets(BUCKET_BYTES));
                    members.push(Member {
                        name,
                        session,
                        buckets,
                        weight,
                        cost: None,
                        times: Vec::new(),
                        failed: None,
                    });
                }
                Err(TrainError::Engine(error)) => {
                    first_error.get_or_insert(TrainError::Engine(error.clone()));
                    gone.push(Departure { step: 0, device: name, error });
                }
                Err(error) => return Err(error),
            }
        }
        match first_error {
            Some(error) if members.is_empty() => Err(error),
            _ => Ok(Self { members, deadline, auto, measured: false, each: 0.0, found_better: false, gone }),
        }
    }

    /// How much of each batch each device has.
    pub fn shares(&self) -> Vec<DeviceShare> {
        let seconds = |cost: Cost| [cost.fixed, cost.per_sample];
        let share = |member: &Member| DeviceShare {
            device: member.name.clone(),
            weight: member.weight,
            seconds: member.cost.map(seconds),
        };
        self.members.iter().map(share).collect()
    }

    /// The shares of a checkpoint, where they are for these devices: then nothing needs to be measured.
    pub fn repeat(&mut self, shares: &[DeviceShare]) {
        let same = |(member, share): (&Member, &DeviceShare)| member.name == share.device;
        if self.auto && shares.len() == self.members.len() && self.members.iter().zip(shares).all(same) {
            for (member, share) in self.members.iter_mut().zip(shares) {
                member.weight = share.weight;
                member.cost = share.seconds.map(|[fixed, per_sample]| Cost { fixed, per_sample });
            }
            self.measured = true;
        }
    }

    /// The sessions of all members.
    pub fn sessions(&mut self) -> impl Iterator<Item = &mut Session> {
        self.members.iter_mut().map(|member| &mut member.session)
    }

    /// Each member's part of so many samples.
    fn parts(&self, samples: usize) -> Vec<std::ops::Range<usize>> {
        let weights: Vec<f64> = self.members.iter().map(|member| member.weight).collect();
        cut(&weights, samples)
    }

    /// Sessions by themselves, each with its part of so many samples.
    pub fn cut(&mut self, samples: usize) -> Vec<(&mut Session, std::ops::Range<usize>)> {
        let parts = self.parts(samples);
        self.sessions().zip(parts).collect()
    }

    /// The number of engines that are left.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The most samples that every member computes at once.
    pub fn capacity(&self) -> usize {
        self.members.iter().map(|member| member.session.program().capacity).min().unwrap_or(1)
    }

    /// The buckets in which gradients come.
    pub fn buckets(&self) -> Rc<Vec<Bucket>> {
        self.members[0].buckets.clone()
    }

    /// Whether shares have to be measured before they are any good.
    pub fn unmeasured(&self) -> bool {
        self.auto && !self.measured && self.members.len() > 1
    }

    /// Removes a member that took part up to a step: the others share what it had.
    ///
    /// # Errors
    /// [`TrainError::NoneLeft`] where it was the last one.
    pub fn remove(&mut self, index: usize, step: u64, error: EngineError) -> Result<()> {
        let member = self.members.remove(index);
        self.gone.push(Departure { step, device: member.name, error: error.clone() });
        if self.members.is_empty() { Err(TrainError::NoneLeft { step, last: error }) } else { Ok(()) }
    }

    /// Those that left since this was last asked.
    pub fn departures(&mut self) -> Vec<Departure> {
        std::mem::take(&mut self.gone)
    }

    /// The sum of the gradients of a batch. A member that fails is removed, and the others do its part: the batch is computed anew.
    ///
    /// # Errors
    /// [`TrainError::NoneLeft`].
    pub async fn gradients(
        &mut self,
        whole: &Share<'_>,
        fill: &dyn Fn(&mut Step),
        clock: &dyn Fn() -> Duration,
    ) -> Result<Reduced> {
        loop {
            match self.attempt(whole, &self.parts(whole.batch.len()), fill, clock).await? {
                Ok(reduced) => return Ok(reduced),
                Err((index, error)) => self.remove(index, whole.step - 1, error)?,
            }
        }
    }

    /// As [`gradients`](Self::gradients), with these shares, and once. The inner error is that of a member.
    async fn attempt(
        &mut self,
        whole: &Share<'_>,
        shares: &[std::ops::Range<usize>],
        fill: &dyn Fn(&mut Step),
        clock: &dyn Fn() -> Duration,
    ) -> Result<std::result::Result<Reduced, (usize, EngineError)>> {
        let (mut asked, mut blocks) = (Vec::new(), Vec::new());
        let mut spent = vec![0.0; self.members.len()];
        let synchronized = !self.members[0].session.exchanges().is_empty();
        for (index, (member, share)) in self.members.iter_mut().zip(shares).enumerate() {
            let began = match member.failed.take() {
                Some(error) => Err(TrainError::Engine(error)),
                None if synchronized => member.session.begin_synchronized(whole, share.clone(), fill).map(|block| {
                    blocks.push(block);
                    Asked::new()
                }),
                None => member.session.begin_gradients(whole, share.clone(), fill, &member.buckets),
            };
            match began {
                Ok(answers) => asked.push((answers, clock())),
                Err(TrainError::Engine(error)) => return Ok(Err((index, error))),
                Err(error) => return Err(error),
            }
        }
        if synchronized && let Err(failed) = self.synchronize(&blocks, &mut asked, &mut spent, clock).await {
            return Ok(Err(failed));
        }
        let mut collected = self.collect(asked, clock).await;
        // Who waits for others at an exchange is not slow.
        collected
            .iter_mut()
            .for_each(|reduced| reduced.seconds.iter_mut().zip(&spent).for_each(|(all, part)| *all += part));
        Ok(collected)
    }

    /// Sends all members the parameters of the update: of each bucket its pieces. Who fails is told of it at the next step.
    pub fn send(&mut self, parameters: &[Vec<Vec<u32>>]) {
        for member in &mut self.members {
            let sent = member.session.write_parameters(&member.buckets, parameters);
            member.failed = member.failed.take().or(sent.err());
        }
    }

    /// Compares every member's parameters with those that it was sent, by a hash.
    ///
    /// # Errors
    /// [`TrainError::Transport`] where they differ.
    pub async fn check(&mut self, parameters: &[Vec<Vec<u32>>], step: u64, clock: &dyn Fn() -> Duration) -> Result<()> {
        let wanted = hash(parameters.iter().flatten());
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            let answer = member.session.read_parameters(&member.buckets);
            match self.answers(vec![(index, answer)], clock).await {
                Ok(found) if found.iter().all(|(words, _)| hash(words.iter()) == wanted) => {}
                Ok(_) => return Err(TrainError::Transport { device: self.members[index].name.clone(), step }),
                Err((_, error)) => self.members[index].failed = Some(error),
            }
        }
        Ok(())
    }

    /// Gives all members the same weights. Who fails is told of it when it is next asked for something.
    pub fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<()> {
        self.each_member(|session| session.set_weights(weights))
    }

    /// Lets updates through again after a broken step.
    pub fn clear_flags(&mut self) -> Result<()> {
        self.each_member(|session| Ok(session.clear_flag()?))
    }

    fn each_member(&mut self, work: impl Fn(&mut Session) -> Result<()>) -> Result<()> {
        for member in &mut self.members {
            match work(&mut member.session) {
                Err(TrainError::Engine(error)) => _ = member.failed.get_or_insert(error),
                other => other?,
            }
        }
        Ok(())
    }

    /// Measures what the members need, on samples of the batch, all at once as they will work, and sets their shares of `samples` samples by it.
    ///
    /// # Errors
    /// [`TrainError::NoneLeft`].
    pub async fn measure(
        &mut self,
        whole: &Share<'_>,
        samples: usize,
        fill: &dyn Fn(&mut Step),
        clock: &dyn Fn() -> Duration,
    ) -> Result<()> {
        const ROUNDS: usize = 3;
        'anew: loop {
            let count = self.members.len();
            // Two sizes are compared, and a short batch may be too small for that.
            if whole.batch.len() < 2 * count {
                self.measured = samples < 2 * count;
                return Ok(());
            }
            let mut best = vec![[(0, f64::INFINITY); 2]; count];
            // The first round is not counted: drivers do much when they do something for the first time.
            for round in 0..=ROUNDS {
                for (size, part) in [2, 1].into_iter().enumerate() {
                    let each = (whole.batch.len() / count / part).max(1);
                    let end = |index: usize| ((index + 1) * each).min(whole.batch.len());
                    let shares: Vec<_> = (0..count).map(|index| (index * each).min(end(index))..end(index)).collect();
                    match self.attempt(whole, &shares, fill, clock).await? {
                        Ok(reduced) if round > 0 => {
                            for (best, (&seconds, share)) in best.iter_mut().zip(reduced.seconds.iter().zip(&shares)) {
                                best[size] = (share.len(), seconds.min(best[size].1));
                            }
                        }
                        Ok(_) => {}
                        Err((index, error)) => {
                            self.remove(index, whole.step - 1, error)?;
                            continue 'anew;
                        }
                    }
                }
            }
            self.members.iter_mut().zip(best).for_each(|(member, times)| member.cost = Some(Cost::of(times)));
            self.measured = true;
            if let Some(shares) = self.better(samples) {
                self.take(&shares);
            }
            return Ok(());
        }
    }

    /// Learns from a step how long members take. Every so often it takes other shares of `samples` samples where they would save enough, and says
    /// whether it did.
    pub fn learn(&mut self, step: u64, batch: usize, samples: usize, seconds: &StepSeconds) -> bool {
        if !self.auto || self.members.len() < 2 {
            return false;
        }
        let parts = self.parts(batch);
        for ((member, share), &took) in self.members.iter_mut().zip(parts).zip(&seconds.members) {
            if !share.is_empty() {
                member.times.push((share.len(), took));
            }
        }
        let slowest = seconds.members.iter().fold(0.0, |a: f64, &b| a.max(b));
        let each = (seconds.whole - slowest).max(0.0) / self.members.len() as f64;
        self.each = if self.each == 0.0 { each } else { self.each + 0.1 * (each - self.each) };
        if !step.is_multiple_of(CONSIDER_EVERY) {
            return false;
        }
        for member in &mut self.members {
            let times = std::mem::take(&mut member.times);
            member.cost = Cost::following(member.cost, &times);
        }
        // Once may be chance.
        let better = self.better(samples);
        let again = better.is_some() && std::mem::replace(&mut self.found_better, better.is_some());
        self.found_better = better.is_some() && !again;
        better.filter(|_| again).iter().for_each(|shares| self.take(shares));
        again
    }

    /// Shares that are better than those at hand by what is worth a change.
    fn better(&self, samples: usize) -> Option<Vec<usize>> {
        // Of whom nothing is known nothing is expected.
        let unknown = Cost { fixed: f64::MAX / 2.0, per_sample: 1.0 };
        let costs: Vec<Cost> = self.members.iter().map(|member| member.cost.unwrap_or(unknown)).collect();
        if costs.iter().all(|cost| *cost == unknown) {
            return None;
        }
        let now: Vec<usize> = self.parts(samples).iter().map(std::ops::Range::len).collect();
        let time = |shares: &[usize]| step_time(&costs, shares, self.each);
        let shares = best_shares(&costs, samples, self.each);
        (time(&shares) < (1.0 - WORTH_CHANGING) * time(&now)).then_some(shares)
    }

    fn take(&mut self, shares: &[usize]) {
        self.members.iter_mut().zip(shares).for_each(|(member, &share)| member.weight = share as f64);
    }

    /// Whether the parameters are to be compared after this step.
    pub fn check_due(&self, step: u64) -> bool {
        step == 1 || step.is_multiple_of(CHECK_EVERY)
    }
}

/// How long a step took, and each member's share of it.
#[derive(Debug)]
pub(crate) struct StepSeconds {
    pub members: Vec<f64>,
    pub whole: f64,
}

impl Reduced {
    /// With the time of the whole step.
    pub fn seconds(self, whole: f64) -> StepSeconds {
        StepSeconds { members: self.seconds, whole }
    }
}

/// The engines' names, numbered where several have the same.
fn names(engines: &[Box<dyn Engine>]) -> Vec<String> {
    let names: Vec<&str> = engines.iter().map(|engine| engine.info().name.as_str()).collect();
    let numbered = |(index, &name): (usize, &&str)| {
        let alike = |names: &[&str]| names.iter().filter(|other| **other == name).count();
        if alike(&names) == 1 { name.to_string() } else { format!("{name} ({})", alike(&names[..=index])) }
    };
    names.iter().enumerate().map(numbered).collect()
}

fn hash<'a>(words: impl Iterator<Item = &'a Vec<u32>>) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    words.for_each(|words| hash.update(bytemuck::cast_slice(words)));
    hash.digest128()
}
