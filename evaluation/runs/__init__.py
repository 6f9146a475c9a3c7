"""Run a tracker over all sequences: one at a time, by processes, in lockstep, or on a cluster."""
