fn main() -> std::process::ExitCode {
    intentcast_node::cli::main()
}
