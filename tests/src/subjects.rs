//! The engines to test natively: all that the machine has.

use convoke_core::engine::{DeviceKind, Engine};
use convoke_core::kernels::Target;
use convoke_gpu::Adapter;

use crate::{block_on, cpu};

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
/// those of a graphics processor, and the other way round.
///
/// # Panics
/// As [`engines`].
pub fn engines_with_all_shaders() -> Vec<Subject> {
    let other = |adapter: Adapter| {
        let computes_on_cpu = adapter.info().kind == DeviceKind::SoftwareGpu;
        Origin::Adapter(Box::new(adapter), Some(if computes_on_cpu { Target::Gpu } else { Target::Cpu }))
    };
    let mut all = engines();
    all.extend(adapters().into_iter().map(other).map(Subject::open));
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
