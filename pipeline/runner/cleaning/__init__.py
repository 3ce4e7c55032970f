"""Finds out which of the program's own files are needed no more, and deletes them. Owns what may be deleted."""
