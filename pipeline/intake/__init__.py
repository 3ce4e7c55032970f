"""Finds the photos in the input folder, and which of them are complete. Does not decode them."""
