//! Training: a network with a head behind one interface, its updates, and the loop around them.

pub mod model;

pub use model::Model;
