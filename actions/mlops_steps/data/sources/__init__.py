"""Where a table comes from, if it is not one file of the project."""
