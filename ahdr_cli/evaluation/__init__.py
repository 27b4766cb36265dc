"""How good is a merge: scenes with ground truth, what else one could use, and the table.

Everything above the metrics works in one unit, radiance relative to the *shortest* frame's
white, clipped to [0, 1] like the ground truth of Kalantari's dataset. Only
:mod:`ahdr_cli.evaluation.methods` converts, by the exposures: nothing is fitted to the truth.
"""
