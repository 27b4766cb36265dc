from __future__ import annotations

import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ahdr_cli.training.scene_codec import (
    decode_integers,
    encode_integers,
    from_log256,
    to_log256,
)

PICTURES = arrays.arrays(
    np.int32,
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
    elements=st.integers(0, 16383),
)


@given(PICTURES)
def test_integers_survive_exactly(picture):
    height, width = picture.shape[:2]
    decoded = decode_integers(encode_integers(picture), height=height, width=width)
    np.testing.assert_array_equal(decoded, picture)


@given(st.floats(2.0**-14, 2.0**15, width=32))
def test_radiance_is_kept_to_half_a_step(value):
    radiance = np.full((1, 1, 3), value, np.float32)
    codes = to_log256(radiance)
    assert codes.min() >= 0
    assert codes.max() <= 29 * 256
    assert abs(np.log2(from_log256(codes)[0, 0, 0] / value)) <= 0.5 / 256 + 1e-5


def test_radiance_beyond_the_range_is_limited():
    codes = to_log256(np.array([[[0.0, 1e-9, 1e9]]], np.float32))
    np.testing.assert_allclose(from_log256(codes)[0, 0], [2.0**-14, 2.0**-14, 2.0**15])


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: blob[: len(blob) // 2],
        lambda blob: b"",
        lambda blob: b"not xz at all",
        lambda blob: blob[:40] + bytes([blob[40] ^ 255]) + blob[41:],
        lambda blob: lzma.compress(bytes(10_000_000)),
    ],
)
def test_damaged_blobs_are_noticed(damage):
    picture = np.random.default_rng(0).integers(0, 4000, (20, 30, 3), dtype=np.int32)
    with pytest.raises(ValueError, match="decompress"):
        decode_integers(damage(encode_integers(picture)), height=20, width=30)
