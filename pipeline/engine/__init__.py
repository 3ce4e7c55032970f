"""Tensors in, tensors out: VGG-19 style transfer. Refuses files, screens and databases; imports nothing here."""
