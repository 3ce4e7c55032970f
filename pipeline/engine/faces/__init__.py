"""Finds the faces in a photo, and the map that says where they are; does not decide what is done there."""
