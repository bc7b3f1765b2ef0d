//! Set-up, tests and chores of the Convoke workspace. Standard library only: it is the first thing that a fresh machine
//! compiles.

mod agreement;
mod apt;
mod browser;
mod bundle;
mod imports;
mod lean;
mod options;
mod setup;
mod shell;
mod stages;
mod stamp;
mod tools;
mod vulkan;
mod wasm;
mod web;

use std::process::ExitCode;

use options::Task;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = match options::parse(&arguments) {
        Ok(task) => task,
        Err(message) => {
            eprintln!("error: {message}\n\n{}", options::help());
            return ExitCode::from(2);
        }
    };
    let outcome = match task {
        Task::Help => {
            println!("{}", options::help());
            Ok(())
        }
        Task::Setup => setup::run(),
        Task::SetupPage => setup::page(),
        Task::Test(chosen) => stages::run(&chosen),
        Task::Soak => stages::soak(),
        Task::Docs => stages::docs(),
        Task::Stamp => stamp::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nerror: {message}");
            ExitCode::FAILURE
        }
    }
}
