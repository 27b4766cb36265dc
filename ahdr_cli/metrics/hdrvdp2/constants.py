"""The fitted numbers of HDR-VDP 2.2.1, in one place.

Fits of R. Mantiuk, K. J. Kim, A. G. Rempel and W. Heidrich, "HDR-VDP-2: A calibrated visual
metric for visibility and quality predictions in all luminance conditions", ACM TOG 30(4) 40,
2011, in the recalibration of version 2.1.1; quality weights of M. Narwaria, R. Mantiuk,
M. Perreira Da Silva and P. Le Callet, "HDR-VDP-2.2: a calibrated method for objective quality
prediction of high-dynamic range and standard images", J. Electronic Imaging 24(1) 010501, 2015,
as shipped with 2.2.1.
"""

from __future__ import annotations

__all__ = [
    "CSF_LOW_FREQUENCY",
    "CSF_LUMINANCE",
    "CSF_PARAMETERS",
    "DALY_PEAK_SENSITIVITY",
    "DIFFERENCE_THRESHOLD",
    "EMISSION_TO_LMSR",
    "JOINT_SENSITIVITY",
    "LUMINANCE_RANGE",
    "MASK_P",
    "MASK_Q",
    "MASK_SELF",
    "MASK_XN",
    "MASK_XO",
    "MTF_A",
    "MTF_B",
    "PSYCHOMETRIC_FACTOR",
    "QUALITY_EPSILON",
    "QUALITY_WEIGHTS",
    "ROD_SENSITIVITY",
    "XYZ_TO_RGB",
]

LUMINANCE_RANGE = (1e-5, 1e5)
"""cd/m²: receptor signals and adapting luminance are clipped to it; the tables span it."""

# --- Optics and receptors ------------------------------------------------------------------

MTF_A = (0.42483859630129034, 0.5724351039364803, 0.00016757623916493702, 0.0025587235230643303)
MTF_B = (0.028, 0.37, 37.0, 360.0)
"""Optical transfer of the eye: the sum of a · exp(-b · frequency), in cycles per degree."""

EMISSION_TO_LMSR: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "ccfl-lcd": (
        (0.19899612033792896, 0.04100586040758894, 6.150630884864326e-05, 0.014377368621119192),
        (0.4047626070381254, 0.25492330644134537, 0.0006959174513330267, 0.48092084108413197),
        (0.05439061925532119, 0.0500122489593007, 0.007037567895370682, 0.45427589566935994),
    ),
    "led-lcd": (
        (0.1787174708325442, 0.047295289342327365, 0.00026744637869722653, 0.06886827321687111),
        (0.4417184176473636, 0.2649529315030184, 0.0009722414903444232, 0.5844392093019631),
        (0.03729898381333776, 0.034067516210767056, 0.006214954592537459, 0.33097358677530136),
    ),
    "crt": (
        (0.19352143856780377, 0.04505320908570622, 0.00016653637014154313, 0.04707366617554168),
        (0.41422401076383997, 0.2562751959621852, 0.0008837706078248815, 0.5384547675333983),
        (0.050716636286267415, 0.0452380197199973, 0.006983640028693988, 0.4004139423163883),
    ),
    "d65": ((0.6018471522446989, 0.31670829557916963, 0.007664812169566438, 0.9046706545995032),),
}
"""Per emission spectrum: rows are image channels, columns the L, M, S cones and the rods.

Trapezoid integrals (360 to 780 nm, 420 points) of the spectra shipped with HDR-VDP-2 times the cone
fundamentals of Smith & Pokorny (1975) and the CIE 1951 scotopic luminosity.
"""

JOINT_SENSITIVITY = (30.162, 4.0627, 1.6596, 0.2712)
"""c1 … c4 of the joint cone and rod sensitivity."""

ROD_SENSITIVITY = (1.1732, 1.1478, 1.2167, 0.5547, 2.9899, 1.1414)
"""r1 … r6 of the rod sensitivity."""

DALY_PEAK_SENSITIVITY = 0.006894596
"""Peak contrast sensitivity of Daly's CSF; times 10^peak_sensitivity it scales the responses."""

# --- Contrast sensitivity ------------------------------------------------------------------

CSF_LUMINANCE = (0.002, 0.02, 0.2, 2.0, 20.0, 150.0)
"""cd/m² at which the rows of CSF_PARAMETERS hold."""

CSF_PARAMETERS = (
    (0.991265, 3.74038, 0.50722, 4.46044),
    (0.800889, 3.54104, 0.682505, 4.94958),
    (0.476505, 4.37453, 0.750315, 5.28678),
    (0.405782, 4.40602, 0.935314, 5.61425),
    (0.334278, 3.79542, 1.07327, 6.4635),
    (0.394533, 2.7755, 1.16577, 7.45665),
)
"""p1 … p4 of the neural contrast sensitivity."""

CSF_LOW_FREQUENCY = 7.0
"""cycles per degree: scale of the low-frequency fall-off."""

# --- Masking -------------------------------------------------------------------------------

MASK_P = 10**0.544068
MASK_Q = 10**0.49576
MASK_SELF = 10**0.189065
MASK_XO = 10**0.449199
MASK_XN = 10**1.52512
"""Exponents p, q and gains of self-, cross-orientation and cross-band masking."""

PSYCHOMETRIC_FACTOR = 3.5 / MASK_P
"""Brings the slope of the psychometric function to 3.5; 1 but for the rounding of MASK_P."""

# --- Pooling -------------------------------------------------------------------------------

DIFFERENCE_THRESHOLD = 0.001
"""Pixels that differ relatively by less do not count towards the quality."""

QUALITY_WEIGHTS = (
    (0.1172, 0.0),
    (0.2344, 0.0),
    (0.4688, 0.0003),
    (0.9375, 0.0003),
    (1.875, 0.0398),
    (3.75, 0.269),
    (7.5, 0.2142),
    (15.0, 0.2832),
    (30.0, 0.2832),
    (60.0, 0.0),
)
"""(cycles per degree, weight), ascending; linear in between."""

QUALITY_EPSILON = 1e-12
"""Keeps the logarithm of a vanishing difference finite."""

# --- Colour --------------------------------------------------------------------------------

XYZ_TO_RGB = (
    (3.240708, -1.537259, -0.49857),
    (-0.969257, 1.875995, 0.041555),
    (0.055636, -0.203996, 1.057069),
)
"""Linear RGB with BT.709 primaries from CIE XYZ, as used by the original."""
