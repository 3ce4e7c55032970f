"""What makes the network fast on a CPU, with the same bits on any number of threads."""
