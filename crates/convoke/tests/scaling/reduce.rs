//! How long a step takes with reductions of several kinds, bucket by bucket.

use crate::costs::{Device, Model, Ready};

/// What lies between replicas.
#[derive(Clone, Copy, Debug)]
pub struct Hosts {
    /// Replicas of a machine.
    pub replicas: usize,
    /// Bytes of gradients that a machine adds to a sum in a second.
    pub sum: f64,
    /// Bytes of parameters that it updates in a second.
    pub update: f64,
    /// Bytes a second into a machine from the network, and as many out of it.
    pub network: f64,
    /// Seconds from one machine to another.
    pub hop: f64,
}

/// How gradients become one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// All into one host's memory, after the backward pass.
    After,
    /// All into one host's memory, each bucket when it is ready: what Convoke does.
    Host,
    /// In each machine into its host's memory; from machine to machine up a binary tree, and the parameters down again.
    Tree,
    /// Around a ring of all replicas; each updates its part of the parameters.
    Ring,
    /// In each machine into its host's memory; around a ring of machines, each of which updates its part.
    Hierarchical,
}

impl Reduction {
    pub const ALL: [Self; 5] = [Self::After, Self::Host, Self::Tree, Self::Ring, Self::Hierarchical];

    pub fn name(self) -> &'static str {
        match self {
            Self::After => "one host, after the backward pass",
            Self::Host => "one host, in buckets (Convoke)",
            Self::Tree => "tree of hosts",
            Self::Ring => "ring of replicas",
            Self::Hierarchical => "host sums, ring of hosts",
        }
    }

    /// Sizes of buckets among which it chooses: what one host does is what Convoke does.
    fn bucket_bytes(self) -> &'static [usize] {
        match self {
            Self::After => &[usize::MAX],
            Self::Host => &[1 << 20],
            Self::Tree | Self::Ring | Self::Hierarchical => &[1 << 20, 4 << 20, 16 << 20, usize::MAX],
        }
    }
}

/// Something that does one thing at a time, in order.
#[derive(Clone, Copy, Debug, Default)]
struct Station {
    free: f64,
}

impl Station {
    /// When something is done that comes at `at` and takes `seconds`.
    fn pass(&mut self, at: f64, seconds: f64) -> f64 {
        self.free = self.free.max(at) + seconds;
        self.free
    }
}

/// Replicas with so many samples each.
#[derive(Clone, Copy)]
pub struct Cluster<'a> {
    pub model: &'a Model,
    pub device: &'a Device,
    pub hosts: &'a Hosts,
    pub replicas: usize,
    pub samples: usize,
}

impl Cluster<'_> {
    /// The time of a step: until all replicas have the new parameters.
    pub fn step(&self, reduction: Reduction) -> f64 {
        if self.replicas == 1 {
            return self.model.alone(self.device, self.samples);
        }
        let end = self.model.backward(self.device, self.samples);
        let times = reduction.bucket_bytes().iter().map(|&bytes| {
            let buckets = self.model.ready(self.device, self.samples, bytes);
            // The figures come last.
            let done = self.reduced(reduction, &buckets);
            done.max(end) + self.device.answer + self.model.bytes() / self.device.write
        });
        times.fold(f64::INFINITY, f64::min)
    }

    fn machines(&self) -> usize {
        self.replicas.div_ceil(self.hosts.replicas)
    }

    /// When every host has the new parameters.
    fn reduced(&self, reduction: Reduction, buckets: &[Ready]) -> f64 {
        let bytes = self.model.bytes();
        match reduction {
            Reduction::After | Reduction::Host => {
                let far = self.replicas.saturating_sub(self.hosts.replicas) as f64;
                let sums = self.summed_in_host(buckets, self.replicas as f64, far);
                last(&sums) + bytes / self.hosts.update + self.hop(far * bytes)
            }
            Reduction::Tree => {
                let sums = self.within_machines(buckets);
                let depth = (self.machines() + 1).next_power_of_two().ilog2() - 1;
                let up = (0..depth).fold(sums, |sums, _| self.level(&sums, 1.0 / self.hosts.sum));
                let updated = last(&up) + bytes / self.hosts.update;
                let down: Vec<Ready> = up.iter().map(|bucket| Ready { at: updated, ..*bucket }).collect();
                last(&(0..depth).fold(down, |sums, _| self.level(&sums, 0.0)))
            }
            Reduction::Ring => {
                let read = self.summed_in_host(buckets, 0.0, 0.0);
                self.ring(&read, self.replicas)
            }
            Reduction::Hierarchical => self.ring(&self.within_machines(buckets), self.machines()),
        }
    }

    /// When buckets are summed in one host's memory: of `replicas` replicas, `far` of which send theirs over the network.
    fn summed_in_host(&self, buckets: &[Ready], replicas: f64, far: f64) -> Vec<Ready> {
        let (mut link, mut network, mut adder) = (Station::default(), Station::default(), Station::default());
        let summed = |bucket: &Ready| {
            let near = link.pass(bucket.at, bucket.bytes / self.device.read) + self.device.answer;
            let from_far = if far > 0.0 {
                network.pass(near, far * bucket.bytes / self.hosts.network) + self.hosts.hop
            } else {
                near
            };
            Ready { at: adder.pass(from_far, replicas * bucket.bytes / self.hosts.sum), ..*bucket }
        };
        buckets.iter().map(summed).collect()
    }

    fn within_machines(&self, buckets: &[Ready]) -> Vec<Ready> {
        self.summed_in_host(buckets, self.replicas.min(self.hosts.replicas) as f64, 0.0)
    }

    /// One level of the tree: two children's buckets through one network card, and `add` seconds for each of their bytes.
    fn level(&self, buckets: &[Ready], add: f64) -> Vec<Ready> {
        let (mut network, mut adder) = (Station::default(), Station::default());
        let passed = |bucket: &Ready| {
            let here = network.pass(bucket.at, 2.0 * bucket.bytes / self.hosts.network) + self.hosts.hop;
            Ready { at: adder.pass(here, 2.0 * bucket.bytes * add), ..*bucket }
        };
        buckets.iter().map(passed).collect()
    }

    /// Around a ring of so many: the sums come to lie one part with each, which updates it, and the parameters go around.
    fn ring(&self, buckets: &[Ready], members: usize) -> f64 {
        let (steps, part) = (members as f64 - 1.0, 1.0 / members as f64);
        // All of a ring's members pass something on at once: it is as fast as its slowest link. Within a machine that is memory.
        let passed = |bytes: f64| if self.machines() > 1 { self.hop(bytes) } else { 0.0 };
        let mut ring = Station::default();
        let summed = buckets.iter().map(|bucket| {
            let bytes = bucket.bytes * part;
            ring.pass(bucket.at, steps * (passed(bytes) + bytes / self.hosts.sum))
        });
        let summed = summed.fold(0.0, f64::max);
        let bytes = self.model.bytes() * part;
        // A machine updates the parts of all its members.
        let own = bytes * (members as f64 / self.machines() as f64);
        summed + own / self.hosts.update + steps * passed(bytes)
    }

    /// Bytes to other machines, where there are some.
    fn hop(&self, bytes: f64) -> f64 {
        if bytes > 0.0 { self.hosts.hop + bytes / self.hosts.network } else { 0.0 }
    }
}

fn last(buckets: &[Ready]) -> f64 {
    buckets.iter().map(|bucket| bucket.at).fold(0.0, f64::max)
}
