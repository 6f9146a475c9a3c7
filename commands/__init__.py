"""The frame of all commands: options, files, places, pages. Imports no other package."""
