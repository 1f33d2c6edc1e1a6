pub mod index;
pub mod store;
#[cfg(feature = "net")]
pub mod cli {
    pub fn main() -> std::process::ExitCode {
        std::process::ExitCode::SUCCESS
    }
}
