"""Style transfer after Gatys: targets, losses, optimizers, and the state of a picture in progress."""
