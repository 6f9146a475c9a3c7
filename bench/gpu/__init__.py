"""Everything that a GPU is to show, with one command and one JSON object."""
