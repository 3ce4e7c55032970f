"""What makes VGG-19 fast on a CPU, and the same to the bit on any number of threads."""
