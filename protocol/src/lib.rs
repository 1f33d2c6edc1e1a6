pub mod category;
pub mod topic;
