"""Color of a picture: what its file says about it, and how it becomes sRGB."""
