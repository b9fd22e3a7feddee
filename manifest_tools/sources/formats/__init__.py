"""One file for each annotation tool, and how a file is told to be of it."""
