"""Which pictures are worked on together, and what happens when one ends or memory runs out."""
