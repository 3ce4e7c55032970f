"""Evaluates a picture in blocks: the whole picture's losses and gradient, in the memory of a part of it.

Every loss depends on the picture through sums over positions (second moments, means) or position by position. So its
gradient is the sum of what blocks contribute, exactly, as Galerne et al. (https://arxiv.org/abs/2212.13459) show for
Gram matrices:

1. Without gradients, the features of each block are computed and their sums are added up.
2. From the sums of the whole picture follow the losses, and their derivatives by these sums.
3. With those fixed, each block is computed again, forward and backward, and its pixels' gradients are added up.

A block is computed with a margin as wide as its features reach, and each feature counts in one block only. The
network is passed in stages, so that margins stay narrow: what a stage returns is kept whole.
"""
