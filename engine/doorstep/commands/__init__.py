"""The commands that are more than a few lines, one noun a file; `doorstep.cli` puts them together."""
