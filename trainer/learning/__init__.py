"""What a step works on: network, optimizer, averages."""
