"""List the commands of this package."""

import sys

from commands.usage import list_commands

if __name__ == "__main__":
    sys.exit(list_commands("manifests"))
