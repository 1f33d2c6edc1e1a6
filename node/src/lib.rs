pub mod catalogue;
pub mod index;
pub mod store;
mod toml_text;
#[cfg(feature = "net")]
pub mod cli {
    pub fn main() -> std::process::ExitCode {
        std::process::ExitCode::SUCCESS
    }
}
