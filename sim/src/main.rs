//! `intentcast-sim`: from a scenario to a figure.

fn main() -> std::process::ExitCode {
    intentcast_sim::cli::main()
}
