"""Moves photos out of the input folder once all their pictures are made."""
