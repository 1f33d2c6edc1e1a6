use intentcast_node::catalogue::{self, Mapping};
fn main() {
    let d = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let m = Mapping::load(&d.join("map.toml")).unwrap();
    let i = catalogue::import(&d.join("catalogue"), &m).unwrap();
    eprintln!("{}", i.report);
    for it in i.items {
        println!("{}", serde_json::to_string(&it).unwrap());
    }
}
