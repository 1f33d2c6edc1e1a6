//! `intentcast completions` and `man`: what packagers and shells want.

use std::io::Write;

use anyhow::Result;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// Writes the shell's completions.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "intentcast", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}

/// Writes one manual page in roff: the program, and a section for each command.
pub fn man() -> Result<()> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let man = clap_mangen::Man::new(command.clone());
    man.render(&mut page)?;
    for family in command.get_subcommands() {
        section(family, family.get_name(), &mut page)?;
    }
    std::io::stdout().lock().write_all(&page)?;
    Ok(())
}

fn section(command: &Command, name: &str, page: &mut Vec<u8>) -> Result<()> {
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    let man = clap_mangen::Man::new(command.clone());
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    for inner in command.get_subcommands() {
        section(inner, &format!("{name} {}", inner.get_name()), page)?;
    }
    Ok(())
}
