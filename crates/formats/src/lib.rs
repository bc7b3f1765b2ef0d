//! File formats of models.
