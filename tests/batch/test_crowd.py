"""Many sets at once: libraries keep to the thread that asks, and are as before afterwards."""

from __future__ import annotations

import cv2
import pytest
from threadpoolctl import threadpool_info

from ahdr_cli.batch.crowd import crowd


def blas_threads():
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


@pytest.mark.parametrize("fails", [False, True])
def test_libraries_take_one_thread_meanwhile(fails):
    before = cv2.getNumThreads(), blas_threads()
    try:
        with crowd():
            assert cv2.getNumThreads() == 1
            assert set(blas_threads()) <= {1}
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    assert (cv2.getNumThreads(), blas_threads()) == before
