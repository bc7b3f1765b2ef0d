//! Ops: what a graph's nodes do. One file each; a new one adds its file and one line to the list below.

mod example;
pub use example::{Example, Fill, Generator};

use std::fmt;

use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Window;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{DType, TensorType};
use crate::tensor::Tensor;

/// One op: its shape rule, its definition, its derivative and its lowering. There are no default bodies, so that the
/// compiler asks for each.
pub trait Op: fmt::Debug + Send + Sync {
    /// The op's name, as in PyTorch or ONNX where they have it.
    fn name(&self) -> &'static str;

    /// The shape rule: the outputs' types from the inputs'.
    ///
    /// # Errors
    /// A sentence that says which shapes were found and what is wanted.
    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem>;

    /// The definition: plain loops that accumulate in double precision. Engines are held to it.
    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor>;

    /// The derivative, graph to graph: from the gradients that arrive at the outputs (`None`: nothing arrives) to those
    /// that leave to the inputs (`None`: zero, as for labels). What nobody needs is dropped later, so all may be given.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`](crate::error::Error::NotDifferentiable) where there is none.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>>;

    /// The kernels that compute it.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node);
}

macro_rules! ops {
    ($($file:ident $op:ident,)*) => {
        $(mod $file; pub use $file::$op;)*

        /// Examples of every op, by the op's file name: what the laws of all ops are tested with.
        pub fn examples(generator: &mut Generator) -> Vec<(&'static str, Vec<Example>)> {
            vec![$((stringify!($file), $file::examples(generator)),)*]
        }
    };
}

ops! {
    activation Activation,
    activation_grad ActivationGrad,
    add Add,
    avg_pool2d AvgPool2d,
    avg_pool2d_grad AvgPool2dGrad,
    bias Bias,
    concat Concat,
    constant Constant,
    contribution Contribution,
    conv2d Conv2d,
    conv2d_grad_input Conv2dGradInput,
    conv2d_grad_weight Conv2dGradWeight,
    cross_entropy CrossEntropy,
    cross_entropy_grad CrossEntropyGrad,
    dropout Dropout,
    expand Expand,
    leaky_relu LeakyRelu,
    matmul MatMul,
    max_pool2d MaxPool2d,
    max_pool2d_grad MaxPool2dGrad,
    mul Mul,
    mul_grad MulGrad,
    narrow Narrow,
    norm Norm,
    norm_grad NormGrad,
    norm_inference NormInference,
    one_hot OneHot,
    pointwise_loss PointwiseLoss,
    pointwise_loss_grad PointwiseLossGrad,
    reduce Reduce,
    relu Relu,
    relu_grad ReluGrad,
    resample Resample,
    reshape Reshape,
    soft_cross_entropy SoftCrossEntropy,
    soft_cross_entropy_grad SoftCrossEntropyGrad,
    softmax Softmax,
    softmax_grad SoftmaxGrad,
    weighted_sum WeightedSum,
}

pub use mul::Each;
pub use norm::Over;
pub use pointwise_loss::Pointwise;
pub use reduce::Keep;

/// The error of an op without a derivative.
fn not_differentiable(op: &dyn Op, node: &Node) -> crate::error::Error {
    crate::error::Error::NotDifferentiable { layer: node.layer.clone(), op: op.name().to_string() }
}

/// Checks the number of inputs.
fn arity<const N: usize>(inputs: &[TensorType]) -> std::result::Result<&[TensorType; N], Problem> {
    inputs.try_into().map_err(|_| Problem::new(format!("takes {N} inputs and was given {}", inputs.len())))
}

/// Checks that a value holds 32-bit floats.
fn floats(ty: &TensorType, what: &str) -> std::result::Result<(), Problem> {
    if ty.dtype == DType::F32 { Ok(()) } else { Err(Problem::new(format!("wants numbers as {what}, not integers"))) }
}

/// Checks that a value is a batch of images and returns channels, height and width.
fn images(ty: &TensorType, what: &str) -> std::result::Result<[usize; 3], Problem> {
    match (ty.batched, ty.dims.as_slice()) {
        (true, &[c, h, w]) => Ok([c, h, w]),
        _ => Err(Problem::new(format!("wants {what} of shape [N, channels, height, width], and was given {ty}"))),
    }
}

/// Checks a window that a user has chosen, before anything is computed with it.
pub(crate) fn check_window(window: &Window) -> std::result::Result<(), Problem> {
    let Window { input, kernel, stride, padding, dilation } = *window;
    let named = [("kernel_size", kernel, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)];
    for (name, [vertical, horizontal], least) in named {
        if vertical.min(horizontal) < least || vertical.max(horizontal) > LARGEST {
            let range = format!("{least} … {LARGEST}");
            return Err(Problem::new(format!("wants a {name} in {range}, and was given [{vertical}, {horizontal}]")));
        }
    }
    if window.output_len() == 0 {
        let reach = [0, 1].map(|d| dilation[d] * (kernel[d] - 1) + 1);
        return Err(Problem::new(format!(
            "a window of {}×{} does not fit into an image of {}×{} with padding [{}, {}]; choose a smaller kernel, less stride before it, or more padding",
            reach[0], reach[1], input[0], input[1], padding[0], padding[1]
        )));
    }
    Ok(())
}

/// The largest kernel, stride, padding or dilation: far beyond use, and small enough that no sum overflows.
pub(crate) const LARGEST: usize = 1 << 14;

/// As [`check_window`], with what pools need: no window wholly in the padding.
fn check_pool_window(window: &Window) -> std::result::Result<(), Problem> {
    check_window(window)?;
    let Window { kernel, padding, .. } = *window;
    if padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2 || !window.every_output_has_a_source() {
        return Err(Problem::new(format!(
            "a pool's padding may be half its kernel_size at most, and was given [{}, {}] with a kernel of [{}, {}]",
            padding[0], padding[1], kernel[0], kernel[1]
        )));
    }
    Ok(())
}
