"""The state of a training step: network, optimizer, averages."""
