"""One module a command; a command is a function that returns an exit code."""
