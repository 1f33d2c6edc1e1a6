#[cfg(feature = "net")]
pub mod cli { pub fn main() -> std::process::ExitCode { std::process::ExitCode::SUCCESS } }
#[cfg(feature = "net")]
pub mod net;
