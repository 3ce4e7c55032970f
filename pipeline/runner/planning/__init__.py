"""What a run will make, and how long it will take."""
