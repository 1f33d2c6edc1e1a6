//! Exports our `getrandom` to the dynamic linker: those who draw randomness look the symbol up at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg=-Wl,--export-dynamic-symbol=getrandom");
}
