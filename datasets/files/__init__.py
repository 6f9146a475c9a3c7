"""Files of raw datasets and of builds: folders, archives and buckets, read and written whole."""

from datasets.files.folders import RawFiles
from datasets.files.roots import open_root

__all__ = ["RawFiles", "open_root"]
