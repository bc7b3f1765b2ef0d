//! Settings as a model's file has them: the tables `[train]`, `[optimizer]`, `[schedule]`, `[loss]` and `[augment]` beside its layers.

use convoke_core::nearest::closest;

use crate::error::{Result, TrainError};
use crate::settings::Settings;

/// The tables beside `[train]`.
const TABLES: [&str; 4] = ["optimizer", "schedule", "loss", "augment"];

impl Settings {
    /// The tables in a model's file that say how to train, as they are written. What stands in them is not looked at.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where the text is not TOML.
    pub fn tables(text: &str) -> Result<toml::Table> {
        let file: toml::Table = toml::from_str(text).map_err(|e| TrainError::Setting(e.message().into()))?;
        let mut tables = toml::Table::new();
        tables.extend(file.into_iter().filter(|(name, _)| name == "train" || TABLES.contains(&name.as_str())));
        Ok(tables)
    }

    /// Reads how to train from the tables alone, where nothing else stands beside them.
    ///
    /// # Errors
    /// As [`Settings::from_model`], and where there is another key.
    pub fn from_tables(text: &str) -> Result<Self> {
        let settings = Self::from_model(text)?;
        let tables = || TABLES.into_iter().chain(["train"]);
        let file: toml::Table = toml::from_str(text).map_err(|e| TrainError::Setting(e.message().into()))?;
        match file.into_iter().find(|(name, _)| !tables().any(|table| table == name)) {
            None => Ok(settings),
            Some((name, _)) => {
                let near = closest(&name, tables(), 1).first().map(|near| format!("did you mean `{near}`? "));
                let known = tables().collect::<Vec<_>>().join(", ");
                let near = near.unwrap_or_default();
                Err(TrainError::Setting(format!("there is no table `{name}`; {near}There are {known}")))
            }
        }
    }

    /// Reads how to train from a model's file. What the file leaves out has its default.
    ///
    /// ```
    /// use convoke_train::Settings;
    ///
    /// let settings = Settings::from_model("
    ///     input = [1, 28, 28]
    ///     layers = []
    ///     [train]
    ///     epochs = 30
    ///     [optimizer]
    ///     type = 'adamw'
    ///     lr = 0.002
    ///     [schedule]
    ///     type = 'cosine'
    ///     warmup = 1
    /// ").unwrap();
    /// assert_eq!((settings.epochs, settings.optimizer.lr()), (30, 0.002));
    /// ```
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the table and what is wrong in it: an unknown key names the one that is nearest.
    pub fn from_model(text: &str) -> Result<Self> {
        let problem = |text: String| TrainError::Setting(text);
        let mut file: toml::Table = toml::from_str(text).map_err(|e| problem(e.message().replace('\n', " ")))?;
        let mut settings = match file.remove("train") {
            None => toml::Table::new(),
            Some(toml::Value::Table(table)) => table,
            Some(_) => return Err(problem("`train` has to be a table: [train]".into())),
        };
        if let Some(name) =
            TABLES.iter().find(|name| file.get(name).is_some_and(|table| !matches!(table, toml::Value::Table(_))))
        {
            return Err(problem(format!("`{name}` has to be a table: [{name}]")));
        }
        if let Some(name) = TABLES.iter().find(|name| settings.get(name).is_some()) {
            return Err(problem(format!("[train]: `{name}` is a table of its own; write it as [{name}]")));
        }
        // One after the other, so that an error knows its table.
        let read = |settings: toml::Table, table: &str| -> Result<Self> {
            let read = toml::Value::Table(settings).try_into();
            read.map_err(|e: toml::Error| problem(format!("[{table}]: {}", explain(&e.explanation(), table))))
        };
        read(settings.clone(), "train")?;
        for name in TABLES {
            if let Some(table) = file.remove(name) {
                settings.insert(name.into(), table);
                read(settings.clone(), name)?;
            }
        }
        read(settings, "train")
    }
}

/// An error of the reader's, with the nearest of the keys that there are where one is unknown.
fn explain(message: &str, table: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (kind, unknown) = match (message.split(" `").next(), quoted.next()) {
        (Some("unknown field"), Some(unknown)) => ("key", unknown),
        (Some("unknown variant"), Some(unknown)) => ("value", unknown),
        _ => return message.into(),
    };
    // What is a table of its own is none of the keys of [train].
    let known: Vec<&str> = quoted.filter(|name| table != "train" || !TABLES.contains(name)).collect();
    match closest(unknown, known.iter().copied(), 1).first() {
        Some(near) => {
            format!("there is no {kind} `{unknown}`; did you mean `{near}`? There are {}", known.join(", "))
        }
        None => message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Settings::from_model(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        assert_eq!(Settings::from_model("input = [1, 2, 2]").unwrap(), Settings::default());
    }

    #[test]
    fn the_tables_of_a_text_are_found_however_they_are_written() {
        let text = "name = 'x'\nloss.label_smoothing = 0.1\n[[layers]]\ntype = 'relu'\n[train]\nepochs = 2";
        let tables: Vec<_> = Settings::tables(text).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(tables, ["loss", "train"]);
        assert!(Settings::tables("name = 'x'").unwrap().is_empty());
        assert!(Settings::tables("name =").is_err());
    }

    #[test]
    fn each_table_is_read() {
        let settings = Settings::from_model(
            "[train]\nbatch_size = 32\nclip_norm = 1\nfreeze = ['conv1.*']\n[[train.groups]]\nparameters = '*.bias'\nlr_factor = 2\n\
             [optimizer]\nmomentum = 0.5\n[schedule]\ntype = 'onecycle'\nwarmup = '10 steps'\n[loss]\nlabel_smoothing = 0.1\n\
             [augment]\ncrop = 4",
        );
        let settings = settings.unwrap();
        assert_eq!((settings.batch_size, settings.clip_norm, settings.groups.len()), (32, Some(1.0), 1));
        assert_eq!((settings.loss.label_smoothing, settings.augment.crop), (0.1, 4));
        settings.check().unwrap();
        assert_eq!(Settings::from_toml(&settings.to_toml()), Ok(settings));
    }

    #[test]
    fn tables_alone_are_all_known() {
        let read = Settings::from_tables("[schedule]\ntype = 'cosine'\n[train]\nema = 0.9");
        assert_eq!(read.unwrap(), Settings::from_model("[schedule]\ntype = 'cosine'\n[train]\nema = 0.9").unwrap());
        let error = Settings::from_tables("[shedule]\ntype = 'cosine'").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no table `shedule`; did you mean `schedule`? There are optimizer, schedule, loss, augment, train"
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert!(
            error("[optimizer]\nmomentm = 0.5")
                .starts_with("[optimizer]: there is no key `momentm`; did you mean `momentum`?")
        );
        assert!(error("[train]\nepoch = 3").contains("did you mean `epochs`?"));
        assert!(error("[schedule]\ntype = 'cosin'").contains("there is no value `cosin`; did you mean `cosine`?"));
        assert!(error("[optimizer]\ntype = 'adam'\nmomentum = 0.5").contains("momentum is for sgd and rmsprop"));
        assert!(!error("[train]\nepoch = 3").contains("optimizer"));
        assert_eq!(
            error("[train]\nclip_norm = 'x'"),
            "[train]: `clip_norm`: invalid type: string \"x\", expected a number"
        );
        assert_eq!(error("optimizer = 3"), "`optimizer` has to be a table: [optimizer]");
        assert!(error("[train.optimizer]\nlr = 1").contains("write it as [optimizer]"));
    }
}
