"""Put a brand's regions, stores and staff in order from a file."""

from intake.commands.directory_file.applying import Tally, apply
from intake.commands.directory_file.reading import DirectoryFile, read

__all__ = ["DirectoryFile", "Tally", "apply", "read"]
