"""How long the search for a benchmark's footage takes, at any scale, and how much memory."""
