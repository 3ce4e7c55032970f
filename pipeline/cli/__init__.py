"""Arguments, terminal output, errors to exit codes. Refuses logic."""
