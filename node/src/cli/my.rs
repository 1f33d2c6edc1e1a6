//! `intentcast my`: what is yours at a glance, under the names that people look for.

use anyhow::Result;
use clap::Subcommand;

use super::{
    Global, cart,
    order::{self, ListArgs, OrderCommand},
    supplier,
};

/// What of yours.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum MyCommand {
    /// The sellers that you know: `supplier list`
    Suppliers,
    /// What you bought and sold: `order list`
    Transactions(ListArgs),
    /// What you want, saved and wish for: `cart list`
    Cart,
}

pub async fn run(global: &Global, command: MyCommand) -> Result<()> {
    match command {
        MyCommand::Suppliers => supplier::list(&global.client()?, global.out()).await,
        MyCommand::Transactions(args) => order::run(global, OrderCommand::List(args)).await,
        MyCommand::Cart => cart::list(&global.client()?, global.out()).await,
    }
}
