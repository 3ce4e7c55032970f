"""VGG-19: its layers, its weights, its forward pass and gradient checkpointing for it."""
