//! Experiment files: the RON schema and its messages, the plan of runs, and the way from names to types.
