//! The command line: `main` handles errors, `run` dispatches, one file a family of commands.
//!
//! Except for `up`, `demo` and `bootstrap`, which are nodes, and what works on a file alone, each command is a client
//! of the local API.

mod agreement;
mod amend;
mod bootstrap;
mod cart;
mod cast;
mod catalog;
mod catch_up;
mod config;
mod data;
mod demo;
mod document;
mod exit;
mod grant;
mod import;
mod intent;
mod interest;
mod mapping;
mod my;
mod node;
mod offer;
mod office;
mod order;
pub mod out;
mod pick;
mod propose;
mod rate;
mod receipt;
mod rules;
mod search;
mod secret;
mod seller;
mod shell;
mod strand;
mod supplier;
mod terms;
mod thread;
mod up;
mod uses;
mod vault;
mod wait;
mod watch;

#[cfg(test)]
mod tests;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use etcetera::BaseStrategy;
use tracing_subscriber::EnvFilter;

pub(crate) use self::seller::policy_of;
pub use self::{
    demo::DemoArgs,
    exit::{Exit, Failure},
    up::UpArgs,
};
use crate::client::Client;

/// Say what you want to buy, on your own terms, and let sellers answer
#[derive(Parser, Debug)]
#[command(
    name = "intentcast",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Exit status: 0 done, 1 failed, 2 usage, 3 node not running, 4 no peers, \
                        5 refused by terms or policy, 130 interrupted"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The node's folder [default: the XDG data folder's `intentcast`]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "INTENTCAST_HOME",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
    /// Write JSON; a line for each where there are several
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more (-v info, -vv debug, -vvv trace)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How log lines look
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One command.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show a whole purchase on this machine: some shops, a customer, an agreement
    Demo(DemoArgs),
    /// Run a node
    Up(UpArgs),
    /// Cast a want
    Cast(cast::CastArgs),
    /// Your wants, and those that you answer
    #[command(subcommand)]
    Intent(intent::IntentCommand),
    /// Offers, taken and refused
    #[command(subcommand)]
    Offer(offer::OfferCommand),
    /// Conversations with sellers, or with customers
    #[command(subcommand)]
    Thread(thread::ThreadCommand),
    /// Photos and documents, from one side of a conversation to the other
    #[command(subcommand)]
    Document(document::DocumentCommand),
    /// Ask about an offer, a deal or an open want
    Ask(thread::AskArgs),
    /// Answer a question
    Answer(thread::AnswerArgs),
    /// Offer otherwise: as a customer a counter-offer, as a seller another offer in the place of one
    Counter(thread::CounterArgs),
    /// Say no to an offer, a counter-offer or a proposal
    Decline(thread::DeclineArgs),
    /// What was agreed, and whether both sides hold the same
    #[command(subcommand)]
    Agreement(agreement::AgreementCommand),
    /// What becomes of what was agreed: your transactions
    #[command(subcommand)]
    Order(order::OrderCommand),
    /// Rate a seller, for an order of yours, without saying who you are
    Rate(rate::RateArgs),
    /// Receipts, and evidence that stands alone
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// The sellers that you know: favourites, muted, blocked
    #[command(subcommand)]
    Supplier(supplier::SupplierCommand),
    /// Open wants, saved offers, and what you wish for one day
    #[command(subcommand)]
    Cart(cart::CartCommand),
    /// Your suppliers, transactions and cart
    #[command(subcommand)]
    My(my::MyCommand),
    /// The catalogue that you sell from
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// What a seller agrees to by answering
    #[command(subcommand)]
    Terms(terms::TermsCommand),
    /// Wants that you wait for, whether or not you have what they ask for
    #[command(subcommand)]
    Interest(interest::InterestCommand),
    /// What you keep of yourself, encrypted, until you grant some of it
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Permissions: who may have which strand of a person, for one purpose, until one time
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// What is done with granted strands, and a word about it
    #[command(subcommand)]
    Use(uses::UseCommand),
    /// As a seller: take a granted value, for what it was granted
    #[command(subcommand)]
    Strand(strand::StrandCommand),
    /// Who holds which strand of you, or of your customers
    #[command(subcommand)]
    Office(office::OfficeCommand),
    /// What you bind yourself to as a seller, and whether you keep to it
    #[command(subcommand)]
    Seller(seller::SellerCommand),
    /// Take all that is yours along: back up, restore, export, import
    #[command(subcommand)]
    Data(data::DataCommand),
    /// The rules by which you sell
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// The node in numbers
    Status,
    /// The peers that the node is connected with
    Peers,
    /// The node's configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Ask the node whether it is ready, and end
    Health,
    /// Run a meeting point
    Bootstrap(bootstrap::BootstrapArgs),
    /// Write a shell's completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man,
}

impl Global {
    /// The node's folder.
    ///
    /// # Errors
    /// Where nobody says which and this machine has no home for its person.
    pub fn home(&self) -> Result<PathBuf> {
        match &self.home {
            Some(home) => Ok(home.clone()),
            None => {
                let places = etcetera::choose_base_strategy().context("no home folder: name one with --home")?;
                Ok(places.data_dir().join("intentcast"))
            }
        }
    }

    /// The node that runs on that folder.
    ///
    /// # Errors
    /// Where none does.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::of_home(&self.home()?)?)
    }

    /// Where to write, and in which form.
    pub fn out(&self) -> out::Out {
        out::Out::new(self.json)
    }
}

/// Runs what the command line says, and tells the system how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are answers, not errors. A reader that is gone is no reason to fail.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => Exit::Done.into(),
        Err(error) => exit::report(&error, json),
    }
}

fn run(cli: Cli) -> Result<()> {
    log(&cli.global);
    let Cli { global, command } = cli;
    match command {
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::man(),
        Command::Terms(command) => terms::run(&global, command),
        Command::Config(command) => config::run(&global, command),
        Command::Seller(seller::SellerCommand::Policy(seller::PolicyCommand::Check { file })) => {
            seller::check(&global, &file)
        }
        Command::Rules(rules::RulesCommand::Check { file }) => rules::check(&global, &file),
        Command::Rate(rate::RateArgs { verify: Some(file), .. }) => rate::verify(&global, &file),
        Command::Receipt(receipt::ReceiptCommand::Verify { file }) => receipt::verify(&global, &file),
        // A person at a prompt is left by the keyboard's interrupt as it comes: nobody waits on a runtime.
        Command::Vault(command) => runtime(false)?.block_on(vault::run(&global, command)),
        Command::Data(command) => runtime(false)?.block_on(data::run(&global, command)),
        // A node has work for more than one thread, and its own way to stop.
        Command::Up(args) => runtime(true)?.block_on(up::run(&global, args)),
        Command::Demo(args) => runtime(true)?.block_on(demo::run(&global, args)),
        Command::Bootstrap(args) => runtime(true)?.block_on(bootstrap::run(&global, args)),
        command => runtime(false)?.block_on(async {
            tokio::select! {
                ended = ask(&global, command) => ended,
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted.context("cannot hear signals")?;
                    Err(Failure::new(Exit::Interrupted, "interrupted").into())
                }
            }
        }),
    }
}

/// The commands that ask a running node.
async fn ask(global: &Global, command: Command) -> Result<()> {
    match command {
        Command::Cast(args) => cast::run(global, args).await,
        Command::Intent(command) => intent::run(global, command).await,
        Command::Offer(command) => offer::run(global, command).await,
        Command::Thread(command) => thread::run(global, command).await,
        Command::Document(command) => document::run(global, command).await,
        Command::Ask(args) => thread::ask(global, args).await,
        Command::Answer(args) => thread::answer(global, args).await,
        Command::Counter(args) => thread::counter(global, args).await,
        Command::Decline(args) => thread::decline(global, args).await,
        Command::Rate(args) => rate::run(global, args).await,
        Command::Agreement(command) => agreement::run(global, command).await,
        Command::Order(order::OrderCommand::Data { order, output, wait }) => {
            data::order(
                global,
                &order,
                output.as_deref(),
                std::time::Duration::from_secs(wait.0.into()),
            )
            .await
        }
        Command::Order(order::OrderCommand::List(order::ListArgs {
            words, archived: true, ..
        })) => data::archived_orders(global, &words).await,
        Command::Order(command) => order::run(global, command).await,
        Command::Receipt(command) => receipt::run(global, command).await,
        Command::Supplier(command) => supplier::run(global, command).await,
        Command::Cart(command) => cart::run(global, command).await,
        Command::My(command) => my::run(global, command).await,
        Command::Catalog(command) => catalog::run(global, command).await,
        Command::Grant(command) => grant::run(global, command).await,
        Command::Use(command) => uses::run(global, command).await,
        Command::Strand(command) => strand::run(global, command).await,
        Command::Office(command) => office::run(global, command).await,
        Command::Seller(command) => seller::run(global, command).await,
        Command::Rules(command) => rules::run(global, command).await,
        Command::Interest(command) => interest::run(global, command).await,
        Command::Status => node::status(global).await,
        Command::Peers => node::peers(global).await,
        Command::Health => node::health(global).await,
        Command::Completions { .. }
        | Command::Man
        | Command::Terms(_)
        | Command::Config(_)
        | Command::Vault(_)
        | Command::Data(_)
        | Command::Up(_)
        | Command::Demo(_)
        | Command::Bootstrap(_) => unreachable!("`run` has dispatched what asks no node"),
    }
}

fn runtime(threads: bool) -> Result<tokio::runtime::Runtime> {
    let mut builder = if threads {
        // The swarm is one task and the market another: more threads would only have more memory.
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2);
        builder
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().context("cannot start the runtime")
}

/// Logs go to standard error, where they are in nobody's way. `INTENTCAST_LOG` says more finely what is logged.
fn log(global: &Global) {
    let level = match global.verbose {
        0 => "warn",
        1 => "warn,intentcast_node=info,intentcast_bootstrap=info",
        2 => "info,intentcast_node=debug,intentcast_bootstrap=debug",
        _ => "debug,intentcast_node=trace,intentcast_bootstrap=trace",
    };
    let filter = EnvFilter::try_from_env("INTENTCAST_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second run in one process, as tests have it, keeps the first one's.
    let _ = match global.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
