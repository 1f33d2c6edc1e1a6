//! The meeting point as a program of its own.

use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use intentcast_bootstrap::{Args, Config, Running};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A meeting point for Intentcast nodes: finds peers, relays, opens no intent
#[derive(Parser)]
#[command(name = "intentcast-bootstrap", version)]
struct Cli {
    /// The folder of its key; one meeting point per folder
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    #[command(flatten)]
    args: Args,
    /// Ask the one that runs with this configuration whether it is healthy, and end
    #[arg(long)]
    probe: bool,
    /// Print one JSON line when ready
    #[arg(long)]
    json: bool,
    /// Log more (-v debug, -vv trace)
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// The exit status of a run whose flags or configuration do not hold.
const USAGE: u8 = 2;

/// The exit status of a run that was interrupted from the keyboard.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match cli.args.clone().into_config(cli.home.clone()) {
        Ok(config) => config,
        Err(error) => return fail(&error, ExitCode::from(USAGE)),
    };
    match run(&cli, config) {
        Ok(code) => code,
        Err(error) => fail(&error, ExitCode::FAILURE),
    }
}

fn fail(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("intentcast-bootstrap: {error:#}");
    code
}

fn run(cli: &Cli, config: Config) -> Result<ExitCode> {
    if cli.probe {
        probe(config.http.context("nothing to ask: no `http` in the configuration")?)?;
        return Ok(ExitCode::SUCCESS);
    }
    log(cli.verbose, cli.log_format);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let signals = tokio::spawn(signals(shutdown.clone()));
        let json = cli.json;
        intentcast_bootstrap::run(config, shutdown.clone(), |running| announce(running, json)).await?;
        let interrupted = shutdown.is_cancelled() && signals.await.context("signals")??;
        Ok(if interrupted {
            ExitCode::from(INTERRUPTED)
        } else {
            ExitCode::SUCCESS
        })
    })
}

/// Says where it is reached. A reader that has gone away is no reason to stop.
fn announce(running: &Running, json: bool) {
    let mut out = std::io::stdout().lock();
    let _ = if json {
        let line = json!({
            "event": "ready",
            "peer": running.peer,
            "addresses": running.addresses,
            "http": running.http.map(|address| address.to_string()),
        });
        writeln!(out, "{line}")
    } else {
        running
            .addresses
            .iter()
            .try_for_each(|address| writeln!(out, "listening {address}"))
    };
    let _ = out.flush();
}

/// Waits for the first signal to stop; true when it came from the keyboard.
#[cfg(unix)]
async fn signals(shutdown: CancellationToken) -> Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let interrupted = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    };
    shutdown.cancel();
    Ok(interrupted)
}

#[cfg(not(unix))]
async fn signals(shutdown: CancellationToken) -> Result<bool> {
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    Ok(true)
}

fn log(verbose: u8, format: LogFormat) {
    let level = match verbose {
        0 => "warn,intentcast_bootstrap=info",
        1 => "info,intentcast_bootstrap=debug",
        _ => "debug,intentcast_bootstrap=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

/// Asks a running one, so that a container needs no other program for its health check.
fn probe(mut address: SocketAddr) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    const MAX_ANSWER: u64 = 4096;

    // Bound to every interface, it answers on loopback too.
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    ensure!(address.port() != 0, "nothing to ask: `http` has port 0");
    let told = || format!("{address} does not answer");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(told)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .with_context(told)?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer).with_context(told)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        println!("healthy");
        Ok(())
    } else {
        bail!("not healthy: {}", answer.lines().last().unwrap_or("no answer"))
    }
}
