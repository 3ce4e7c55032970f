"""What becomes of a photo once all its pictures are made."""
