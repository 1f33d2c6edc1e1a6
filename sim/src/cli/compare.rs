//! `compare` and `plot`: runs beside each other, and figures of runs and sweeps.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::outcome::{Outcome, Summary};
use crate::report::plot::{Plot, label};
use crate::report::{Directory, Error, Named, beside, figures, page, plots_page, standalone};
use crate::sweep::{Rows, against};

/// `compare`.
#[derive(clap::Args)]
pub struct Compare {
    /// Directories that `run --out` wrote: the one to compare with first.
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// A page with the figures of all of them.
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

/// `plot`.
#[derive(clap::Args)]
pub struct PlotFigures {
    /// A directory that `run --out` or `sweep --out` wrote.
    of: PathBuf,
    /// Of a run: only the figure of this title, as `latency`. Unset: all.
    #[arg(long)]
    figure: Option<String>,
    /// Of a sweep: the key that goes to the right.
    #[arg(long, requires = "y")]
    x: Option<String>,
    /// Of a sweep: the column of its table that goes up, as `latency_p99_ms`.
    #[arg(long, requires = "x")]
    y: Option<String>,
    /// Of a sweep: the key whose values make lines of their own.
    #[arg(long, requires = "x")]
    by: Option<String>,
    /// An `.svg` file for one figure, an `.html` page for any number.
    #[arg(long)]
    out: PathBuf,
}

/// A run that was written, and what its directory is called.
struct Written {
    name: String,
    outcome: Outcome,
    summary: Summary,
}

impl Written {
    fn read(path: &PathBuf) -> Result<Self, Failure> {
        let directory = Directory::new(path);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            name: name.unwrap_or_else(|| path.display().to_string()),
            outcome: directory.outcome()?,
            summary: directory.summary()?,
        })
    }

    fn named(&self) -> Named<'_> {
        let (name, outcome) = (self.name.as_str(), &self.outcome);
        Named { name, outcome }
    }
}

impl Compare {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let runs = self.runs.iter().map(Written::read).collect::<Result<Vec<_>, _>>()?;
        let summaries: Vec<&Summary> = runs.iter().map(|run| &run.summary).collect();
        let widths = runs.iter().map(|run| run.name.len().max(12));
        let head: Vec<String> = runs
            .iter()
            .zip(widths)
            .map(|(run, width)| format!("{:>width$}", run.name))
            .collect();
        println!("{:<40} {}", "", head.join("  "));
        for (name, values) in beside(&summaries) {
            let cells: Vec<String> = values
                .iter()
                .zip(&head)
                .map(|(value, head)| format!("{:>width$}", value.map_or("-".into(), label), width = head.len()))
                .collect();
            let change = match values.as_slice() {
                [Some(base), Some(last)] if *base != 0.0 => {
                    format!("  {:+.2} %", (last - base) / base * 100.0)
                }
                _ => String::new(),
            };
            println!("{name:<40} {}{change}", cells.join("  "));
        }
        let same = runs.iter().all(|run| run.summary.trace == runs[0].summary.trace);
        if same {
            println!("the same history, to the last event");
        }
        if let Some(out) = self.out {
            let pairs: Vec<_> = runs.iter().map(|run| (run.named(), &run.summary)).collect();
            let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
            let source = [format!("intentcast-sim compare {}", names.join(" "))];
            let page = page(&names.join(" / "), "Runs beside each other.", &source, &pairs);
            std::fs::write(&out, page).map_err(Error::of(&out))?;
            println!("{}", out.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PlotFigures {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let plots = match (&self.x, &self.y) {
            (Some(x), Some(y)) => {
                let rows = Rows::of(&self.of);
                if !rows.is_there() {
                    return Err(format!("{}: --x and --y are of a sweep, and none is here", self.of.display()).into());
                }
                vec![against(&rows.all()?, x, y, self.by.as_deref())?]
            }
            _ => self.of_run()?,
        };
        let ending = self.out.extension().and_then(|ending| ending.to_str());
        let is_svg = match ending {
            Some("svg") => true,
            Some("html") => false,
            _ => return Err(format!("{}: expected a file that ends in .svg or .html", self.out.display()).into()),
        };
        let text = match (is_svg, plots.as_slice()) {
            (true, [plot]) => standalone(plot),
            (true, several) => {
                let titles: Vec<&str> = several.iter().map(|plot| plot.title.as_str()).collect();
                return Err(format!(
                    "an SVG file holds one figure: choose with --figure from {}",
                    titles.join(", ")
                )
                .into());
            }
            (false, several) => plots_page(&self.of.display().to_string(), "", several),
        };
        std::fs::write(&self.out, text).map_err(Error::of(&self.out))?;
        println!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }

    fn of_run(&self) -> Result<Vec<Plot>, Failure> {
        let run = Written::read(&self.of)?;
        let all = figures(&[run.named()]);
        let Some(wanted) = &self.figure else {
            return Ok(all);
        };
        let titles: Vec<String> = all.iter().map(|plot| plot.title.to_lowercase()).collect();
        match titles.iter().position(|title| *title == wanted.to_lowercase()) {
            Some(at) => Ok(vec![all[at].clone()]),
            None => Err(format!("no figure {wanted}: there are {}", titles.join(", ")).into()),
        }
    }
}
