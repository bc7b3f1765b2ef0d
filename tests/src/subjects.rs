//! The engines to test natively: all that the machine has.

use std::io::Write;

use convoke_core::engine::{DeviceKind, Engine};
use convoke_core::kernels::Target;
use convoke_gpu::Adapter;

use crate::agreement::Figure;
use crate::{TARGETS, block_on, cpu};

/// An engine under test.
pub struct Subject {
    /// What it is called in a test's report.
    pub name: String,
    /// The engine.
    pub engine: Box<dyn Engine>,
    origin: Origin,
}

/// Where an engine comes from.
#[derive(Clone)]
enum Origin {
    Cpu,
    Adapter(Box<Adapter>, Option<Target>),
}

impl Subject {
    fn open(origin: Origin) -> Self {
        let engine = match &origin {
            Origin::Cpu => cpu(None),
            Origin::Adapter(adapter, target) => {
                let opened = match target {
                    None => block_on(adapter.open()),
                    Some(target) => block_on(adapter.open_for(*target)),
                };
                Box::new(opened.unwrap_or_else(|e| panic!("{e}")))
            }
        };
        let mut name = engine.info().name.clone();
        if let Origin::Adapter(_, Some(target)) = &origin {
            name += &format!(" with shaders for {target:?}");
        }
        Self { name, engine, origin }
    }

    /// Tells what was found of the engine. Where the environment names a file in `CONVOKE_AGREEMENT`, the figures are
    /// added to it: from there they reach `docs/agreement.md`.
    ///
    /// # Panics
    /// Where that file can't be written.
    pub fn report(&self, figures: &[Figure]) {
        let device = self.engine.info();
        let engine = match device.kind {
            DeviceKind::Cpu => "CPU",
            // Without the driver's libraries, which some names have in brackets.
            _ => device.name.split(" (").next().unwrap_or_default(),
        };
        let lines: String = figures.iter().map(|figure| figure.line(engine) + "\n").collect();
        print!("{lines}");
        if let Some(path) = std::env::var_os("CONVOKE_AGREEMENT") {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            let written = file.and_then(|mut file| file.write_all(lines.as_bytes()));
            written.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }

    /// Opens another engine like this one, on whatever thread it is called.
    ///
    /// # Panics
    /// As [`Subject::another`], when it is called.
    pub fn opener(&self) -> impl FnOnce() -> Box<dyn Engine> + Send + 'static {
        let origin = self.origin.clone();
        move || Self::open(origin).engine
    }

    /// Another engine like this one, with nothing loaded.
    ///
    /// # Panics
    /// Where the device can't be opened again.
    pub fn another(&self) -> Box<dyn Engine> {
        Self::open(self.origin.clone()).engine
    }
}

/// A CPU engine, and one for every graphics adapter.
///
/// # Panics
/// Where there is no adapter, or a device can't be opened: a test of the GPU never passes because there was none.
pub fn engines() -> Vec<Subject> {
    let graphics = adapters().into_iter().map(|adapter| Origin::Adapter(Box::new(adapter), None));
    std::iter::once(Origin::Cpu).chain(graphics).map(Subject::open).collect()
}

/// All of [`engines`], and each adapter with the shaders that it would not be given: a driver that computes on the CPU with
/// those of a graphics processor, and so on.
///
/// # Panics
/// As [`engines`].
pub fn engines_with_all_shaders() -> Vec<Subject> {
    let others = |adapter: Adapter| {
        let others = TARGETS.into_iter().filter(|&target| target != adapter.target());
        others.map(|target| Origin::Adapter(Box::new(adapter.clone()), Some(target))).collect::<Vec<_>>()
    };
    let mut all = engines();
    all.extend(adapters().into_iter().flat_map(others).map(Subject::open));
    all
}

fn adapters() -> Vec<Adapter> {
    let adapters = block_on(convoke_gpu::adapters());
    assert!(
        !adapters.is_empty(),
        "there is no graphics adapter, and the GPU engine has to be tested on one: install the graphics processor's Vulkan \
         driver, or one that computes on the CPU (`cargo xtask setup`; on Debian: apt install libvulkan1 mesa-vulkan-drivers)"
    );
    adapters
}
