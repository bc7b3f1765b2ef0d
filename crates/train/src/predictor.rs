//! A trained model on an engine, for pictures that come as they come.

use std::rc::Rc;

use convoke_core::engine::Engine;
use convoke_data::{Dataset, Samples};

use crate::augment::Augment;
use crate::error::Result;
use crate::model_file::ModelFile;
use crate::session::{Input, Session};

/// A trained model on an engine, ready for pictures.
#[derive(Debug)]
pub struct Predictor {
    session: Session,
}

impl Predictor {
    /// Loads a model for up to `batch_size` pictures at a time. `progress` is told how many of how many kernels are prepared.
    ///
    /// # Errors
    /// [`TrainError::Model`](crate::TrainError::Model) where the device can't hold the plan,
    /// [`TrainError::Engine`](crate::TrainError::Engine).
    pub async fn new(
        engine: Box<dyn Engine>,
        model: &ModelFile,
        batch_size: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let network = model.spec.build()?;
        let [channels, height, width] = model.spec.input;
        let (train, test, classes) = (Samples::default(), Samples::default(), model.classes.clone());
        let data = Rc::new(Dataset { train, test, classes, channels, height, width });
        let loss = model.loss.loss();
        let input = Input { channels, statistics: model.statistics.clone(), augment: Augment::NONE };
        let mut session = Session::new(engine, &network, data, &input, &loss, None, batch_size, progress).await?;
        session.set_weights(&model.weights)?;
        Ok(Self { session })
    }

    /// The network on its engine: to give it newer weights, say.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The probability of each class for each of the pictures, which are of the model's shape; labels are not looked at. `progress` is
    /// told how many of how many are done.
    ///
    /// # Errors
    /// [`TrainError::Engine`](crate::TrainError::Engine).
    ///
    /// # Panics
    /// Where the pictures are of another size than the model takes.
    pub async fn predict(
        &mut self,
        pictures: &Samples,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Vec<f64>>> {
        let wanted = self.session.data().sample_bytes();
        assert!(pictures.is_empty() || pictures.sample_bytes() == wanted, "a picture has {wanted} bytes");
        let order: Vec<u32> = (0..pictures.len() as u32).collect();
        let mut probabilities = Vec::with_capacity(order.len());
        for batch in order.chunks(self.session.program().capacity) {
            let step = self.session.stage_streamed(pictures, batch)?;
            probabilities.extend(self.session.classify(step).await?);
            progress(probabilities.len(), order.len());
        }
        Ok(probabilities)
    }
}
