//! A simulation of 2 to 1,024 replicas over the planner's figures: where sums in one host's memory stop paying. It writes docs/scaling.md's tables and its
//! plot, and fails where they are out of date.

mod costs;
mod plot;
mod reduce;

use std::path::{Path, PathBuf};

use costs::{Device, Model};
use reduce::{Cluster, Hosts, Reduction};

/// A graphics card. What it computes and moves is assumed; a link is PCIe, but no faster than the copies that were measured, and an answer takes what
/// llvmpipe's took.
const CARD: Device =
    Device { name: "cards", flops: 4e12, memory: 300e9, launch: 5e-6, answer: 342e-6, read: 7.8e9, write: 8.5e9 };

/// Two cores by the CPU engine, as measured.
const CORES: Device = Device {
    name: "two cores each",
    flops: 0.24e12,
    memory: 36e9,
    launch: 0.0,
    answer: 180e-6,
    read: 7.8e9,
    write: 8.5e9,
};

/// One core of that machine, when two engines of one thread each were measured on it.
const CORE: Device = Device { name: "a core each", flops: 0.07e12, ..CORES };

/// What was measured there of the reference CNN with so many samples a step: what two engines did of what both did alone; and what two programs of their own, which
/// have nothing to say to one another, did of what both did alone.
const MEASURED: [(usize, f64, f64); 2] = [(64, 0.721, 0.957), (512, 0.883, 0.945)];

/// Machines of eight replicas. Sums and updates are as measured; the network is assumed: 100 Gbit/s.
const HOSTS: Hosts = Hosts { replicas: 8, sum: 21e9, update: 6e9, network: 12.5e9, hop: 20e-6 };

/// Samples of a replica where the batch grows with the replicas.
const EACH: usize = 64;
/// Samples of all replicas where it doesn't.
const ALL: usize = 4096;

/// How the batch goes with the replicas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// So many samples for each.
    Growing,
    /// So many samples for all.
    Fixed,
}

/// The numbers of replicas.
fn replicas() -> impl Iterator<Item = usize> {
    (1..=10).map(|power| 1 << power)
}

/// The samples a second of all replicas, as a share of what they would do without one another.
fn efficiency(model: &Model, device: &Device, batch: Batch, reduction: Reduction, replicas: usize) -> f64 {
    let samples = |replicas: usize| if batch == Batch::Growing { EACH } else { ALL / replicas };
    let step = |replicas| {
        let cluster = Cluster { model, device, hosts: &HOSTS, replicas, samples: samples(replicas) };
        cluster.step(reduction)
    };
    let speed = |replicas: usize| (replicas * samples(replicas)) as f64 / step(replicas);
    speed(replicas) / (replicas as f64 * speed(1))
}

/// The most replicas, doubled from one on, that are worth half of what they are alone.
fn most(model: &Model, device: &Device, batch: Batch, reduction: Reduction) -> usize {
    let worth = replicas().take_while(|&n| efficiency(model, device, batch, reduction, n) >= 0.5);
    worth.last().unwrap_or(1)
}

fn models() -> [Model; 3] {
    [
        Model::plan("reference-cnn", [3, 28, 28]),
        Model::plan("resnet18", [3, 224, 224]),
        Model::plan("mobilenet-v2", [3, 224, 224]),
    ]
}

/// What stands between the page's marks.
fn tables(models: &[Model]) -> String {
    let mut text = String::from(
        "| model | gradients, MB | operations of a step, GFLOP a sample | step of 64 on a card, ms | on two cores, ms |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for model in models {
        let [card, cores] = [CARD, CORES].map(|device| model.alone(&device, EACH) * 1e3);
        let (bytes, flops) = (model.bytes() / 1e6, model.flops() as f64 / 1e9);
        text += &format!("| {} | {bytes:.2} | {flops:.3} | {card:.1} | {cores:.0} |\n", model.name);
    }
    let names = Reduction::ALL.map(Reduction::name).join(" | ");
    text += "\nThe most replicas at which each is worth at least half of what it is alone:\n\n";
    text += &format!(
        "| replicas are | batch | model | {names} |\n| --- | --- | --- |{}\n",
        " ---: |".repeat(Reduction::ALL.len())
    );
    for device in [CARD, CORES] {
        for batch in [Batch::Growing, Batch::Fixed] {
            let samples = if batch == Batch::Growing { "64 each" } else { "4,096 in all" };
            for model in models {
                let cells = Reduction::ALL.map(|reduction| match most(model, &device, batch, reduction) {
                    1 => "—".into(),
                    1024 => "1,024 or more".to_string(),
                    n => n.to_string(),
                });
                text += &format!("| {} | {samples} | {} | {} |\n", device.name, model.name, cells.join(" | "));
            }
        }
    }
    text + &every_number(&models[1], &names) + &measured(&models[0])
}

/// What all are worth, for every number of replicas.
fn every_number(resnet: &Model, names: &str) -> String {
    let mut text = String::from(
        "\nResNet-18 on cards, 64 samples each, what all are worth as a share of what they are alone:\n\n",
    );
    text += &format!("| replicas | {names} |\n| ---: |{}\n", " ---: |".repeat(Reduction::ALL.len()));
    for n in replicas() {
        let share = |reduction| efficiency(resnet, &CARD, Batch::Growing, reduction, n);
        let cells = Reduction::ALL.map(|reduction| percent(share(reduction)));
        text += &format!("| {n} | {} |\n", cells.join(" | "));
    }
    text
}

/// What was measured, beside what the model says.
fn measured(model: &Model) -> String {
    let mut text =
        String::from("\nThe reference CNN on two engines of one thread each, as a share of what both do alone:\n\n");
    text +=
        "| batch | simulated | two programs apart | both of these | measured |\n| ---: | ---: | ---: | ---: | ---: |\n";
    for (samples, together, apart) in MEASURED {
        let step = |replicas: usize| {
            let samples = samples / replicas;
            Cluster { model, device: &CORE, hosts: &HOSTS, replicas, samples }.step(Reduction::Host)
        };
        let simulated = step(1) / (2.0 * step(2));
        let cells = [simulated, apart, simulated * apart, together].map(percent);
        text += &format!("| {samples} | {} |\n", cells.join(" | "));
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn docs(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file)
}

const BEGIN: &str = "<!-- from here on by cargo xtask docs -->\n";
const END: &str = "<!-- up to here -->";

#[test]
fn the_page_of_scaling_is_up_to_date() {
    let models = models();
    let (path, picture) = (docs("scaling.md"), docs("scaling.svg"));
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let new = format!("{head}{BEGIN}\n{}\n{END}{tail}", tables(&models));
    let svg = plot::svg(&models[1]).unwrap();
    if std::env::var_os("CONVOKE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &new).unwrap();
        std::fs::write(&picture, &svg).unwrap();
        return;
    }
    assert!(page == new, "docs/scaling.md is out of date: write it by `cargo xtask docs`");
    let old = std::fs::read_to_string(&picture).unwrap();
    assert!(old == svg, "docs/scaling.svg is out of date: write it by `cargo xtask docs`");
}

/// The figures of the page's sentences.
#[test]
fn what_the_page_says_is_so() {
    let [small, resnet, mobilenet] = models();
    let most_of = |model: &Model, batch, reduction| most(model, &CARD, batch, reduction);
    assert_eq!(most_of(&resnet, Batch::Growing, Reduction::Host), 32);
    assert_eq!(most_of(&mobilenet, Batch::Growing, Reduction::Host), 128);
    assert_eq!(most_of(&resnet, Batch::Fixed, Reduction::Hierarchical), 512);
    for reduction in Reduction::ALL {
        assert_eq!(most_of(&small, Batch::Growing, reduction), 1);
    }
    let share = |reduction, n| percent(efficiency(&resnet, &CARD, Batch::Growing, reduction, n));
    for reduction in [Reduction::Host, Reduction::Tree, Reduction::Ring, Reduction::Hierarchical] {
        assert_eq!(share(reduction, 8), "94 %");
    }
    assert_eq!(share(Reduction::Hierarchical, 1024), "93 %");
    let after = (resnet.bytes() / HOSTS.update + resnet.bytes() / CARD.write) / resnet.alone(&CARD, EACH);
    assert!((0.05..0.07).contains(&after), "the update and the way back: {after}");
}

#[test]
fn what_must_hold_of_every_reduction_holds() {
    for model in &models() {
        for device in [CARD, CORES] {
            for reduction in Reduction::ALL {
                let efficiency = |n| efficiency(model, &device, Batch::Growing, reduction, n);
                assert!(efficiency(1) > 0.999);
                for n in replicas() {
                    assert!(
                        (0.0..=1.0).contains(&efficiency(n)),
                        "{} {reduction:?} {n}: {}",
                        model.name,
                        efficiency(n)
                    );
                }
            }
            for n in replicas() {
                let step = |reduction| {
                    Cluster { model, device: &device, hosts: &HOSTS, replicas: n, samples: EACH }.step(reduction)
                };
                assert!(step(Reduction::Host) <= step(Reduction::After), "overlapping never costs");
                if n <= HOSTS.replicas {
                    assert!(
                        (step(Reduction::Tree) - step(Reduction::Hierarchical)).abs() < 1e-9,
                        "in one machine they are the same"
                    );
                }
            }
        }
    }
}

/// A case that can be done by hand: all that one host is sent goes through its network card.
#[test]
fn one_host_is_bound_by_its_network() {
    let [_, resnet, _] = models();
    let cluster = |replicas| Cluster { model: &resnet, device: &CARD, hosts: &HOSTS, replicas, samples: EACH };
    let grows = cluster(1024).step(Reduction::After) - cluster(512).step(Reduction::After);
    // 512 more in, 512 more out, and so many more to add.
    let expected = 512.0 * resnet.bytes() * (1.0 / HOSTS.network + 1.0 / HOSTS.network + 1.0 / HOSTS.sum);
    assert!((grows / expected - 1.0).abs() < 1e-6, "{grows} {expected}");
}
