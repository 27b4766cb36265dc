"""TIFF photographs of 8 to 16 bits, decoded by tifffile.

Pillow reduces 16-bit colour to 8 bits, takes truncated planar and tiled files for whole ones,
and libtiff beneath it prints to stderr. tifffile (with imagecodecs for LZW and deflate) keeps
every bit and prints nothing. It trusts declared sizes, so they are checked first, and every
strip or tile must lie inside the file.

Format: TIFF 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.errors import ImageTooLargeError, UnreadableImageError, UnsupportedFormatError
from ahdr_cli.io.colour_profile import profile_name
from ahdr_cli.io.exif import capture_metadata, exposure_from, read_tags
from ahdr_cli.io.guard import AS_PHOTOGRAPH, check_dimensions, check_samples, decoding
from ahdr_cli.io.raster import Header, Raster

__all__ = [
    "FLOAT_SAMPLES",
    "RGB_MODEL",
    "Page",
    "check_layout",
    "decoded_samples",
    "description",
    "first_page",
    "has_full_picture",
    "read_tiff",
    "read_tiff_header",
    "tiff_header",
]

Page: TypeAlias = Any
"""A ``tifffile.TiffPage``; tifffile is imported late, and its types are not used."""

# PhotometricInterpretation
_MIN_IS_WHITE, _MIN_IS_BLACK, RGB_MODEL, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOUR_SAMPLES = {
    _MIN_IS_WHITE: 1,
    _MIN_IS_BLACK: 1,
    RGB_MODEL: 3,
    _PALETTE: 1,
    _SEPARATED: 4,
    _YCBCR: 3,
}
_ICC_PROFILE = 34675
_JPEG_COMPRESSIONS = (6, 7)  # their decoder turns YCbCr into RGB
_UNSIGNED, FLOAT_SAMPLES = 1, 3  # SampleFormat
_ASSOCIATED = 1  # ExtraSamples: alpha that the colours have been multiplied with
_MAX_SAMPLES = 16  # per pixel: four inks or three colours and a handful of extra samples


def read_tiff_header(path: Path) -> Header:
    """Dimensions and EXIF, without decoding."""
    with decoding(path, "TIFF"), first_page(path) as page:
        return tiff_header(page, path)


def read_tiff(path: Path, *, max_pixels: int) -> Raster:
    """Decode a grey, palette, RGB or CMYK photograph with 8 to 16 bits per channel.

    CMYK becomes RGB by the plain formula (1 - ink)(1 - black), without its profile.

    Raises:
        UnsupportedFormatError: another colour model or sample format.
    """
    with decoding(path, "TIFF"), first_page(path) as page:
        check_layout(page, path=path, max_pixels=max_pixels)
        _check_photograph(page, path)
        header = tiff_header(page, path)
        samples = decoded_samples(page)
        white = (1 << page.bitspersample) - 1
        match page.photometric:
            case 0:
                samples = white - samples
            case 3:
                samples, white = _from_palette(samples, page.colormap), 255
            case 5:
                samples = _from_inks(samples, white)
            case 2 if page.extrasamples[:1] == (_ASSOCIATED,):
                samples = _without_alpha(samples, white)
        return Raster(header, samples, white)


def _without_alpha(samples: NDArray[Any], white: int) -> NDArray[Any]:
    """Colours that were multiplied with alpha, divided by it; where alpha is 0 there are none."""
    alpha = np.maximum(samples[..., 3:4], 1).astype(np.float32)
    colours = np.rint(samples[..., :3] * (np.float32(white) / alpha))
    divided: NDArray[Any] = np.minimum(colours, white).astype(samples.dtype)
    return divided


@contextmanager
def first_page(path: Path) -> Iterator[Page]:
    """The picture of a file: its first page, or the full-size one below a thumbnail.

    tifffile's log is silent meanwhile: what goes wrong is reported once, by us.
    """
    import tifffile

    logger = logging.getLogger("tifffile")
    silence = _Silence()
    logger.addFilter(silence)
    try:
        with tifffile.TiffFile(path) as file:
            yield _full_size(file.pages.first)
    finally:
        logger.removeFilter(silence)


def has_full_picture(path: Path) -> bool:
    """Whether a TIFF with a thumbnail in front keeps a finished picture, not sensor data, below.

    Film scanners (Nikon Coolscan) do so under the suffix .nef; LibRaw takes their display-encoded
    picture for linear and its white for 255, and blows it out.
    """
    with decoding(path, "TIFF"), first_page(path) as page:
        return not _is_thumbnail(page)


def _full_size(first: Page) -> Page:
    if not _is_thumbnail(first):
        return first
    beneath = (page for page in first.pages or () if not _is_thumbnail(page))
    return next((page for page in beneath if page.photometric == RGB_MODEL), first)


def _is_thumbnail(page: Page) -> bool:
    return bool(page.subfiletype & 1)


class _Silence(logging.Filter):
    """Drops every record. One object per use, so that threads do not end each other's silence."""

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        return False


def tiff_header(page: Page, path: Path) -> Header:
    """What a page declares, with the EXIF of its file."""
    with path.open("rb") as stream:
        tags = read_tags(stream)
    profile = page.parent.pages.first.tags.valueof(_ICC_PROFILE)
    return Header(
        width=page.imagewidth,
        height=page.imagelength,
        channels=page.samplesperpixel,
        exposure=exposure_from(tags),
        metadata=capture_metadata(
            tags,
            file_format="TIFF",
            bit_depth=page.bitspersample,
            colour_profile=profile_name(profile if isinstance(profile, bytes) else None),
        ),
    )


def check_layout(page: Page, *, path: Path, max_pixels: int, min_side: int = 16) -> None:
    """Dimensions, tiles and the place of every segment."""
    check_dimensions(
        page.imagewidth, page.imagelength, path=path, max_pixels=max_pixels, min_side=min_side
    )
    if page.imagedepth != 1 or not 1 <= page.samplesperpixel <= _MAX_SAMPLES:
        raise UnsupportedFormatError(f"TIFF with {description(page)}", path=path)
    check_samples(
        page.imagewidth * page.imagelength * page.samplesperpixel, path=path, max_pixels=max_pixels
    )
    if page.is_tiled and page.tilewidth * page.tilelength > max_pixels:
        raise ImageTooLargeError(
            f"declares tiles of {page.tilewidth}x{page.tilelength} pixels", path=path
        )
    offsets = np.asarray(page.dataoffsets, np.float64)
    counts = np.asarray(page.databytecounts, np.float64)
    size = path.stat().st_size
    if offsets.size == 0 or offsets.size != counts.size:
        raise UnreadableImageError("damaged TIFF: no or too few strips", path=path)
    if counts.min() < 1 or offsets.min() < 8 or (offsets + counts).max() > size:
        raise UnreadableImageError(
            f"truncated TIFF: has {size} bytes, its strips reach to {(offsets + counts).max():.0f}",
            path=path,
        )


def _check_photograph(page: Page, path: Path) -> None:
    if page.sampleformat == FLOAT_SAMPLES:
        raise UnsupportedFormatError(
            f"{page.bitspersample}-bit float TIFF, expected 8 or 16 bit integers",
            path=path,
            hint="float TIFF holds radiance, not a photograph; export the frames as 16-bit TIFF",
        )
    colours = _COLOUR_SAMPLES.get(page.photometric)
    readable = (
        colours is not None
        and page.sampleformat == _UNSIGNED
        and 8 <= page.bitspersample <= 16
        and page.samplesperpixel >= colours
        and (page.photometric != _YCBCR or page.compression in _JPEG_COMPRESSIONS)
    )
    if not readable:
        raise UnsupportedFormatError(
            f"TIFF with {description(page)}, expected 8 or 16 bit grey, palette, RGB or CMYK",
            path=path,
            hint=AS_PHOTOGRAPH,
        )


def description(page: Page) -> str:
    """Channels, bits and colour model, for messages."""
    kind = {_UNSIGNED: "unsigned", 2: "signed", FLOAT_SAMPLES: "float"}.get(
        page.sampleformat, "other"
    )
    model = getattr(page.photometric, "name", page.photometric)
    return f"{page.samplesperpixel} channels of {page.bitspersample} bit {kind}, {model}"


def decoded_samples(page: Page) -> NDArray[Any]:
    """Decoded samples as (H, W) or (H, W, C), from chunky and planar files."""
    samples: NDArray[Any] = page.asarray()
    expected: tuple[int, ...] = (page.imagelength, page.imagewidth)
    if page.samplesperpixel > 1:
        if page.planarconfig == 2:
            samples = np.moveaxis(samples, 0, -1)
        expected = (*expected, page.samplesperpixel)
    if samples.shape != expected:
        raise ValueError(f"decoded to {samples.shape}, expected {expected}")
    return samples


def _from_palette(indices: NDArray[Any], colours: NDArray[Any]) -> NDArray[Any]:
    """Look indices up, as 8-bit RGB.

    Palettes have 16-bit entries, written as 8-bit values times 256 or 257; the high byte is
    what is meant. Some writers store the 8-bit values themselves.
    """
    index = indices if indices.ndim == 2 else indices[..., 0]
    entries = colours if colours.max() < 256 else colours >> 8
    return np.take(entries.astype(np.uint8), index, axis=1).transpose(1, 2, 0)


def _from_inks(inks: NDArray[Any], white: int) -> NDArray[Any]:
    """CMYK with `white` as full ink, to RGB."""
    paper = white - inks[..., :4].astype(np.uint32)
    return ((paper[..., :3] * paper[..., 3:] + white // 2) // white).astype(inks.dtype)
