"""Load: many rows, many shards, many steps, within stated time and memory."""
