"""Numbers that the networks compute with, shared by every way to compute them."""

__all__ = [
    "AGREED",
    "CERTAINTY",
    "CONFLICT",
    "DARKNESS",
    "DEAD_ZONE",
    "DEFICIT",
    "DISBELIEF",
    "FAINT",
    "LEAKY_SLOPE",
    "LEAST",
    "MU",
    "ROLL_OFF",
    "UNLIKE",
    "WHITE",
]

LEAKY_SLOPE = 0.01
"""Negative slope of the LeakyReLUs, torch's default, as in the authors' network."""

MU = 5000.0
"""Compression of the μ-law, in which radiance is seen and corrected."""

DEAD_ZONE = 0.004
"""Corrections smaller than this after the μ-law, a step of eight bits, are none. A network cannot
say exactly nothing otherwise, and what it says instead costs tens of decibels in highlights, where
the inverse of the μ-law magnifies it eightfold."""

LEAST = 1e-3
"""Weight of a black frame: logarithms must be finite, and all black frames weigh alike."""

ROLL_OFF = 0.14
"""Encoded range below white over which confidence falls. It falls smoothly in the logarithm, so
that the blocks of a JPEG, some a level whiter than others, do not show."""

DISBELIEF = 9.0
"""By how much a logit falls where a frame is clipped or contradicted: a factor of 1e-4, which
leaves a static scene as it is, and which a network can still overrule."""

DEFICIT = (0.1, 0.4)
"""Share of the light of a clipped reference that the short frame may lack: up to the first it is
noise or the camera's curve, from the second on the short frame shows something else."""

WHITE = (0.92, 0.98)
"""Encoded range over which a channel of the reference becomes evidence of light: JPEG blurs the
last few levels."""

UNLIKE = (0.05, 0.25)
"""Relative difference between the short frame and a clipped reference: up to the first they show
the same thing, from the second on they do not."""

FAINT = 0.05
"""Share of a pixel's brightest channel below which a difference is noise."""

CERTAINTY = 12.0
"""By how much the logits of a clipped reference and of the network's own picture fall further
where the short frame shows all that the reference could see. The reference knows nothing more
there, so that there is nothing to weigh, and small lamps stay as bright as they were. As much falls
that of the own picture where frames agree, and that of a long frame that shows something else."""

CONFLICT = (0.3, 0.8)
"""Relative difference between the long frame and the reference: up to the first it is noise, from
the second on the long frame shows something else, or the camera's curve is far from the assumed
one, which makes shadows of a long frame brighter than the reference's."""

DARKNESS = 0.04
"""Part of the long frame's white, a hundredth of the reference's at 2 EV, below which differences
are noise."""

AGREED = (0.03, 0.1)
"""Difference between the reference and its neighbour, relative to the reference's brightness: up to
the first they show the same thing and little noise, so that their mean is as good as it gets and
a network has nothing to add; from the second on it may."""
