"""The YAML file and what it may say. Refuses torch, and being passed into a stage: stages get plain values."""
