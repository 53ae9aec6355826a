//! Reports: from stored histories to CSV, PNG and HTML. Knows nothing of training.
