//! The gradient of softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32), `g [N]`; writes `glogits [N, classes]`.

/// `glogits[n, c] = g[n] · (softmax(logits[n])[c] − (c = labels[n]))`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropyGrad {
    /// The number of classes.
    pub classes: usize,
}
