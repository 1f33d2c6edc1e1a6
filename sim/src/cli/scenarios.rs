//! `scenarios`: what ships with the program.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Failure, run};
use crate::scenario::{SHIPPED, Scenario};

/// `scenarios`.
#[derive(Subcommand)]
pub enum Scenarios {
    /// Tells each one's name, level, size and purpose.
    List,
    /// Prints one, to copy and change; `--full` with every default.
    Show {
        /// A shipped one's name, or a file.
        name: String,
        /// With every key that was left to its default.
        #[arg(long)]
        full: bool,
    },
}

impl Scenarios {
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Scenarios::List => {
                for (name, text) in SHIPPED {
                    let scenario = Scenario::parse(name, text)?;
                    println!(
                        "{name:<28} {:<7} {:>8} nodes  {}",
                        scenario.level.name(),
                        scenario.nodes,
                        scenario.about
                    );
                }
            }
            Scenarios::Show { name, full: true } => print!("{}", toml::to_string(&run::scenario(&name)?)?),
            Scenarios::Show { name, full: false } => match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
                Some((_, text)) => print!("{text}"),
                None => {
                    run::scenario(&name)?;
                    print!("{}", std::fs::read_to_string(&name)?);
                }
            },
        }
        Ok(ExitCode::SUCCESS)
    }
}
