"""Settings of cuDNN hold within a context, and as they were after it."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.precision import cudnn_flags, without_autocast, without_tf32

CUDNN = torch.backends.cudnn


def settings() -> tuple[bool, ...]:
    return CUDNN.enabled, CUDNN.benchmark, CUDNN.deterministic, CUDNN.allow_tf32


@pytest.mark.parametrize("tf32", [True, False])
@pytest.mark.parametrize("search", [True, False, None])
def test_only_what_is_named_changes(tf32, search):
    before = settings()
    with cudnn_flags(tf32=tf32, search=search):
        searching = before[1] if search is None else search
        assert settings() == (before[0], searching, before[2], tf32)
    assert settings() == before


def test_contexts_nest():
    before = settings()
    with cudnn_flags(tf32=True, search=True), cudnn_flags(tf32=False):
        assert settings()[1] and not settings()[3]
    assert settings() == before


def test_only_cuda_knows_tf32():
    before = settings()
    with without_tf32(torch.device("cpu")):
        assert settings() == before
    with without_tf32(torch.device("cuda")):
        assert not CUDNN.allow_tf32
    assert settings() == before


def test_autocast_ends_within():
    x = torch.ones(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with without_autocast(x.device):
            assert (x @ x).dtype == torch.float32
