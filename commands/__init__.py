"""What every command stands on: options, files, places, pages. Imports no other package."""
