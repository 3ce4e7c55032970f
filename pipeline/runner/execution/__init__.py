"""Makes the pending pictures of one pass: claims, executes, publishes and records them."""
