//! Running other programs.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// What a task gives back; the error is for people and says what to do.
pub type Outcome<T = ()> = Result<T, String>;

/// A program in the workspace's root, with nothing to read from, and without what `cargo run` tells its child about
/// this very package: build scripts that watch such variables would run again for nothing.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Cargo with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = program("cargo");
    command.args(arguments);
    command
}

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).expect("xtask lies two folders below the root").to_path_buf()
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Runs a command in sight, after printing it.
pub fn run(command: &mut Command) -> Outcome {
    let line = describe(command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed ({status})")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// Runs commands, so many at once, in their order. Each is shown with what it printed when it has ended. Returns those that failed, with the reason.
pub fn run_at_once(commands: Vec<Command>, at_once: usize) -> Vec<(String, Command)> {
    let (waiting, failed) = (Mutex::new(commands.into_iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().expect("no thread panics").next();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(mut command) = next() {
                    if let Err(reason) = run_then_show(&mut command) {
                        failed.lock().expect("no thread panics").push((reason, command));
                    }
                }
            });
        }
    });
    failed.into_inner().expect("no thread panics")
}

fn run_then_show(command: &mut Command) -> Outcome {
    let line = describe(command);
    let output = command.output().map_err(|error| format!("`{line}` could not be started: {error}"))?;
    let [printed, problems] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    println!("$ {line}\n{printed}{problems}");
    if output.status.success() { Ok(()) } else { Err(format!("`{line}` failed ({})", output.status)) }
}

/// Whether a command can be started and succeeds; what it prints is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a command prints, or `None` if it can't be started or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Where the PATH has a program.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // npm and its like are scripts on Windows.
    let script = format!("{name}.cmd");
    let names = if cfg!(windows) { vec![file, script] } else { vec![file] };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)).collect::<Vec<_>>())
        .find(|file| file.is_file())
}

/// The command as one would type it, with the variables that it sets.
pub fn describe(command: &Command) -> String {
    let quote = |text: &OsStr| {
        let text = text.to_string_lossy();
        if text.contains(char::is_whitespace) || text.is_empty() { format!("'{text}'") } else { text.into_owned() }
    };
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables = set.map(|(name, value)| format!("{}={}", name.to_string_lossy(), quote(value)));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quote);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// A program run with root's rights, if this user has them or passwordless sudo.
pub fn as_root(name: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = match output(program("id").arg("-u")).as_deref() {
        Some("0") => program(name),
        _ if succeeds(program("sudo").args(["-n", "true"])) => {
            let mut sudo = program("sudo");
            sudo.args(["-n", name]);
            sudo
        }
        _ => return None,
    };
    command.args(arguments);
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = cargo(&["doc", "a b"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(describe(&command), "RUSTDOCFLAGS='-D warnings' cargo doc 'a b'");
    }

    #[test]
    fn failures_name_the_command() {
        let failed = run(program("rustc").arg("--no-such-flag").stderr(Stdio::null())).unwrap_err();
        assert!(failed.contains("rustc --no-such-flag"), "{failed}");
        let missing = run(&mut program("no-such-program-here")).unwrap_err();
        assert!(missing.contains("could not be started"), "{missing}");
        assert!(!succeeds(&mut program("no-such-program-here")));
        assert_eq!(output(program("rustc").arg("--no-such-flag")), None);
    }

    #[test]
    fn of_commands_at_once_the_failed_are_returned() {
        let commands = ["--version", "--no-such-flag", "--print=sysroot"].map(|flag| {
            let mut command = program("rustc");
            command.arg(flag);
            command
        });
        let failed = run_at_once(commands.into(), 2);
        assert!(matches!(&failed[..], [(reason, _)] if reason.contains("rustc --no-such-flag")), "{failed:?}");
        assert!(run_at_once(Vec::new(), 2).is_empty());
    }

    #[test]
    fn a_program_is_found_on_the_path() {
        assert!(find_program("cargo").is_some_and(|path| path.is_file()));
        assert_eq!(find_program("no-such-program-here"), None);
    }
}
