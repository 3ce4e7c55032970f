"""Carries out what users want of single pictures: again, by another recipe, or never. Owns which ones can be."""
