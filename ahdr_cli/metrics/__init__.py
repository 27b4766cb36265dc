"""How good is an image against its reference? Pure functions on arrays.

`psnr` and `ssim` work on relative radiance in [0, 1] as the literature on deghosting does;
`perceptual` (PU21) and `hdrvdp2` on the light that a `display` emits. `hdrvdp2` needs torch, the
others only numpy. In every function the image under test comes first, the reference second.
"""
