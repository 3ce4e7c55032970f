"""VGG-19: its layers, its weights, its forward pass and the gradient checkpointing of that."""
