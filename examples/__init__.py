"""The whole path as commands: the demo, and the network that comes with the toolkit."""
