"""Numbers that the networks compute with, shared by every way to compute them.

`MU` is the compression of the μ-law, in which radiance is seen and corrected.
"""

from ahdr_cli.radiometry.transfer import MU

__all__ = [
    "CERTAINTY",
    "DEAD_ZONE",
    "DEFICIT",
    "DISBELIEF",
    "ENOUGH",
    "EXPLICIT_RADIUS",
    "FAINT",
    "FEW",
    "FILL",
    "LEAKY_SLOPE",
    "MU",
    "OWN_ERROR",
    "QUIET",
    "RADIUS",
    "REACH",
    "ROLL_OFF",
    "SHOWN",
    "SHRUNK",
    "SIDE",
    "SILENT",
    "SOUND",
    "TAIL",
    "TOLERANCE",
    "UNLIKE",
    "WHITE",
]

LEAKY_SLOPE = 0.01
"""Negative slope of the LeakyReLUs, torch's default, as in the authors' network."""

DEAD_ZONE = 0.004
"""Corrections smaller than this after the μ-law, a step of eight bits, are none. A network cannot
say exactly nothing otherwise, and what it says instead costs tens of decibels in highlights, where
the inverse of the μ-law magnifies it eightfold."""

ROLL_OFF = 0.14
"""Encoded range below white over which confidence falls. It falls smoothly in the logarithm, so
that the blocks of a JPEG, some a level whiter than others, do not show."""

DISBELIEF = 9.0
"""By how much a logit falls where a frame is clipped or contradicted: a factor of 1e-4, which
leaves a static scene as it is, and which a network can still overrule."""

DEFICIT = (0.1, 0.4)
"""Share of the light of a clipped reference that the short frame may lack: up to the first it is
noise or the camera's curve, from the second on the short frame shows something else."""

WHITE = (0.88, 0.95)
"""Encoded range over which a channel of the reference becomes evidence of light, which may be more
than it tells: JPEG blurs the last levels."""

UNLIKE = (0.1, 0.4)
"""Relative difference between the short frame and a clipped reference: up to the first they show
the same thing, from the second on they do not. Cameras' curves leave several percent near white,
and the blocks of a JPEG would show if a network weighed them."""

FAINT = 0.05
"""Share of a pixel's brightest channel below which a difference is noise."""

CERTAINTY = 12.0
"""By how much the logits of a clipped reference and of the network's own picture fall further
where the short frame shows all that the reference could see. The reference knows nothing more
there, so that there is nothing to weigh, and small lamps stay as bright as they were. As much falls
that of a long frame that is clipped or should be, whose weight is else the highest, and that of the
own picture where nothing is to be learnt."""

SOUND = (0.9, 0.95)
"""Encoded range of the reference's brightest channel over which it ceases to tell what the outer
frames should show: one channel may be clipped, and JPEG mixes the neighbours in."""

SHOWN = (0.86, 0.9)
"""Encoded range of the reference's brightest channel over which a short frame that shows the same
comes to be all that is asked: the reference is ever less believed there, and by what a network
puts in its place small lamps would change."""

RADIUS = 2
"""Radius of the neighbourhood over which frames are compared: 25 pixels of three channels tell a
variance to one part in six, and what moved is seldom narrower."""

REACH = 6
"""Of the neighbourhood whose light fills a clipped reference, in pixels: 4 to 16 measured the same
within 0.03 dB."""

EXPLICIT_RADIUS = max(RADIUS, REACH + 1)
"""How far the explicit merge looks: to the neighbourhood of light, and what its last pixels border
on."""

ENOUGH = 0.12
"""Part of that neighbourhood, 20 pixels, whose light must be known for it to count fully."""

FILL = 0.5
"""Way from the reference's white to the light around it that is gone where nobody knows: what
stands there may be as bright as its surroundings or hardly brighter than white. All of the way is
0.1 dB worse in PSNR-μ and 0.4 dB in PSNR-L, none of it 0.2 and 0.4 dB (``fast``, the validation
scenes)."""

FEW = 0.01
"""Part of a neighbourhood, a quarter of a pixel, that can be compared below which nothing is
concluded from it."""

TAIL = 2.0
"""By how many times its expectation the squared difference of two frames may exceed the noise:
neighbours have noise in common, and the estimate of the noise is rather low."""

TOLERANCE = 0.02
"""Relative difference of frames that is no motion but the camera's curve, on top of noise."""

OWN_ERROR = 0.01
"""Deviation of what a network paints, after the μ-law: 40 dB."""

QUIET = (0.001, 0.003)
"""Deviation of the mean by noise, after the μ-law: up to the first, 60 dB, there is nothing to
improve, from the second on, 50 dB, there is."""

SIDE = 3
"""Side in pixels of the blocks whose frequencies are told from noise; odd, so that a block has a
middle. Larger ones gain little (5 pixels 0.05 dB on the validation scenes), and the time grows with
the square."""

SHRUNK = (2.0, 4.5)
"""Deviations of noise: up to the first a frequency of a block is taken for noise, from the second
on for the scene."""

SILENT = 1e-14
"""Variance of light that is as good as none."""
