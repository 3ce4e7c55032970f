"""Gatys' style transfer: targets, losses, the optimizers and the state of a picture in the making."""
