//! The typed layers as a user of dfdx meets them: nested in dfdx's own modules, visited by its visitors, trained by its
//! tape; and the networks and heads that are made of them.

mod building;
mod combinations;
mod dropout;
mod foreign;
mod heads;
mod nesting;
mod networks;
mod plans;
mod precision;
mod programs;
mod same_bits;
mod samples;
mod step;
mod tapes;

#[path = "../relatives/mod.rs"]
mod relatives;
