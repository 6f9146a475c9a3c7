"""One-pass evaluation: a tracker runs once over each sequence, from its first box."""
