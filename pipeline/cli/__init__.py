"""The command line: arguments, terminal output, and exit codes for errors. Decides nothing about the work itself."""
