//! Kernels: the small set of typed, engine-neutral computations that ops are lowered to and that each engine implements.
//!
//! A kernel's reads and writes are listed, in order, at the head of its file. Lengths that depend on the batch are
//! [`Extent`](crate::shape::Extent)s: an engine computes the samples that a run holds, not the plan's capacity.

mod bands;
mod geometry;
mod shader;
mod tiling;
mod view;
pub use bands::{Band, Bands};
pub use geometry::{ConvGeometry, Window};
pub use shader::{Bound, Shader, Target};
pub use view::{Mix, PIXEL, Rectangle, View};

use crate::expr::Epilogue;
use crate::plan::Flops;

/// Calls the macro `$with` with the list of all kernels, each as `stem Type`. Engines use it to name a module per
/// kernel and to match exhaustively, so that a kernel without an implementation does not compile.
#[macro_export]
macro_rules! for_each_kernel {
    ($with:ident) => {
        $with! {
            augmented_gather AugmentedGather,
            conv Conv,
            conv_grad_input ConvGradInput,
            conv_grad_weight ConvGradWeight,
            copy Copy,
            cross_entropy CrossEntropy,
            cross_entropy_grad CrossEntropyGrad,
            finite Finite,
            gather Gather,
            gemm Gemm,
            map Map,
            metrics Metrics,
            one_hot OneHot,
            pool Pool,
            pool_grad PoolGrad,
            reduce Reduce,
            resample Resample,
            update Update,
        }
    };
}

macro_rules! declare {
    ($($stem:ident $kernel:ident,)*) => {
        $(mod $stem; pub use $stem::*;)*

        /// One of the kernels.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Kernel {
            $(#[doc = concat!("See [`", stringify!($kernel), "`](struct@", stringify!($kernel), ").")] $kernel($kernel),)*
        }

        impl Kernel {
            /// The kernel's stem: the name of its files in core, in the shaders and in the CPU engine.
            pub fn stem(&self) -> &'static str {
                match self { $(Self::$kernel(_) => stringify!($stem),)* }
            }
        }

        impl Kernel {
            /// The floating-point operations of a run.
            pub fn flops(&self) -> Flops {
                match self { $(Self::$kernel(kernel) => kernel.flops(),)* }
            }
        }

        impl Kernel {
            /// The kernel as WGSL, written for a kind of device.
            pub fn shader(&self, target: Target) -> Shader {
                match self { $(Self::$kernel(kernel) => kernel.shader(target),)* }
            }
        }

        $(impl From<$kernel> for Kernel {
            fn from(kernel: $kernel) -> Self { Self::$kernel(kernel) }
        })*
    };
}
for_each_kernel!(declare);

impl Kernel {
    /// The slot behind the kernel's accumulation, where it has one: what follows pointwise may be fused into it.
    pub fn epilogue_mut(&mut self) -> Option<&mut Epilogue> {
        match self {
            Self::Conv(kernel) => Some(&mut kernel.epilogue),
            Self::ConvGradInput(kernel) => Some(&mut kernel.epilogue),
            Self::Gemm(kernel) => Some(&mut kernel.epilogue),
            Self::PoolGrad(kernel) => Some(&mut kernel.epilogue),
            _ => None,
        }
    }
}
