//! While one waits: a bar on a terminal, and Ctrl-C that ends a run with what there is.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::watch::Watch;

const BETWEEN: Duration = Duration::from_millis(200);

/// Lets the first Ctrl-C end the runs that this watch watches, and the second the program.
pub fn end_on_ctrl_c(watch: &Arc<Watch>) -> std::io::Result<()> {
    let watch = Arc::clone(watch);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            // Where there is no such signal, the program ends as any other does.
            if tokio::signal::ctrl_c().await.is_ok() {
                eprintln!("ending with what there is; once more ends at once");
                watch.end();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    Ok(())
}

/// Does some work that tells the watch how far it is, with a bar beside it if standard error is a terminal.
pub fn beside<T>(watch: &Watch, length_ns: u64, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waits) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let bar = bar(length_ns);
            let begun = Instant::now();
            while let Err(RecvTimeoutError::Timeout) = waits.recv_timeout(BETWEEN) {
                let (now_ns, events) = watch.told();
                let rate = events as f64 / begun.elapsed().as_secs_f64();
                bar.set_position(now_ns / 1_000_000);
                bar.set_message(format!(
                    "{:.0} of {:.0} s, {} events/s",
                    now_ns as f64 / 1e9,
                    length_ns as f64 / 1e9,
                    crate::report::plot::label(rate.round())
                ));
            }
            bar.finish_and_clear();
        });
        let result = work();
        drop(done);
        result
    })
}

fn bar(length_ns: u64) -> ProgressBar {
    let bar = ProgressBar::new(length_ns / 1_000_000);
    let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}, {eta} left");
    bar.set_style(style.expect("the template is a sound one"));
    bar
}
