from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from ahdr_cli.errors import AhdrError, InputError, UsageError
from ahdr_cli.training.batch import Engine
from ahdr_cli.training.captured import CapturedEngine
from ahdr_cli.training.mixture import MixedEngine
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.sources import Source, open_engine, parse_source
from ahdr_cli.training.synthesis import SynthesisEngine


def opened(*sources, seed=3):
    return open_engine(sources, seed=seed, recipe=Recipe(), device="cpu")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("hdr:maps", Source("hdr", Path("maps"))),
        ("photo:a/b=0.3", Source("photo", Path("a/b"), 0.3)),
        ("packed:run=3/shards", Source("packed", Path("run=3/shards"))),
        ("packed:run=3/shards=2e-1", Source("packed", Path("run=3/shards"), 0.2)),
        ("kalantari:C:/data", Source("kalantari", Path("C:/data"))),
        ("hdr:a=b", Source("hdr", Path("a=b"))),
    ],
)
def test_sources_are_parsed(text, source):
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    ["maps", "jpg:maps", ":maps", "hdr:", "hdr:=0.5", "hdr:x=0", "hdr:x=-1", "hdr:x=nan", ""],
)
def test_wrong_sources_are_usage_errors(text):
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert "KIND:PATH" in caught.value.hint


@pytest.mark.parametrize("kind", ["packed", "hdr", "photo", "kalantari", "synth"])
def test_missing_and_empty_folders_are_named(kind, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        with pytest.raises(InputError) as caught:
            opened(f"{kind}:{tmp_path / name}")
        assert caught.value.path == tmp_path / name


def test_scenes_are_counted_over_all_sources(maps, photos, synthetic):
    told = []
    words = [f"hdr:{maps}", f"photo:{photos}", f"kalantari:{synthetic}"]
    open_engine(
        words,
        seed=0,
        recipe=Recipe(),
        device="cpu",
        on_scene=lambda done, total: told.append((done, total)),
    )
    total = told[0][1]
    assert total > 3
    assert told == [(done, total) for done in range(total + 1)]


def test_no_source_at_all():
    with pytest.raises(UsageError, match="no sources"):
        opened()


@pytest.mark.parametrize("kinds", [("maps",), ("maps", "photos"), ("shards",), ("synthetic",)])
def test_every_kind_makes_batches(kinds, request):
    words = {"maps": "hdr", "photos": "photo", "shards": "packed", "synthetic": "kalantari"}
    engine = opened(*(f"{words[kind]}:{request.getfixturevalue(kind)}" for kind in kinds))
    assert isinstance(engine, Engine)
    ldr, ratios, target = engine.batch([0, 5, 9], patch=32)
    assert ldr.shape == (3, 3, 3, 32, 32)
    assert target.shape == (3, 3, 32, 32)
    assert ldr.min() >= 0 and ldr.max() <= 1
    assert target.min() >= 0 and target.max() <= 1
    assert torch.all(ratios[:, 0] == 1) and torch.all(ratios.diff(dim=1) > 0)


def test_weights_share_the_scenes(maps, photos):
    engine = opened(f"hdr:{maps}=3", f"photo:{photos}")
    plans = engine.plan(range(600), size=(16, 16))
    from_maps = np.mean(plans.scene < 4)
    weights = engine.store.weights
    assert weights[:4].sum() == pytest.approx(from_maps, abs=0.06)
    # Noisy scenes lose weight within their source; between the sources it stays near 3 to 1.
    assert from_maps == pytest.approx(0.75, abs=0.1)


def test_weights_inside_shards_are_kept(maps, photos, shards):
    packed = opened(f"packed:{shards}").store.weights
    direct = opened(f"hdr:{maps}=3", f"photo:{photos}").store.weights
    np.testing.assert_allclose(packed, direct, rtol=0.02)


def test_mixtures_share_by_weight_and_index(maps, synthetic):
    engine = opened(f"hdr:{maps}=1", f"synth:{synthetic}=3")
    assert isinstance(engine, MixedEngine)
    chosen = [engine.engine_of(index) for index in range(2000)]
    assert np.mean(chosen) == pytest.approx(0.75, abs=0.03)
    other = opened(f"hdr:{maps}=1", f"synth:{synthetic}=3", seed=4)
    assert chosen != [other.engine_of(index) for index in range(2000)]


@pytest.mark.parametrize("mixed", [False, True])
def test_a_sample_does_not_depend_on_its_batch(mixed, maps, synthetic):
    sources = [f"synth:{synthetic}", *([f"hdr:{maps}"] if mixed else [])]
    engine = opened(*sources)
    indices = [7, 0, 12, 3, 9, 4]
    together = engine.batch(indices, patch=40)
    for row, index in enumerate(indices):
        alone = opened(*sources).batch([index], patch=40)
        for one, many in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], many[row], atol=1e-5, rtol=1e-5)


def test_captured_patches_are_cut_in_register(synthetic):
    engine = opened(f"kalantari:{synthetic}")
    assert isinstance(engine, CapturedEngine)
    assert len(engine.brackets) == 8
    still = CapturedEngine([engine.brackets[0]], seed=1)  # scene 0 is static
    batch = still.batch(range(40), patch=48)
    reference = batch.ldr[:, 1]
    usable = (reference > 0.3) & (reference < 0.9)
    shown = reference**2.2 / batch.ratios[:, 1].view(-1, 1, 1, 1)
    ratio = (shown / batch.target.clamp(min=1e-6))[usable]
    assert ratio.log2().abs().median() < 0.1
    # All of the bracket is visited, in all eight poses.
    corners = {tuple(patch[0, 0, 0:3].tolist()) for patch in batch.target}
    assert len(corners) > 30


def test_a_patch_larger_than_a_bracket_is_a_clear_error(synthetic):
    with pytest.raises(InputError, match="128x96, smaller than a training patch of 112x112"):
        opened(f"kalantari:{synthetic}").batch([0], patch=112)


def test_a_bracket_without_truth_cannot_be_trained_on(copy_of_set):
    scene = sorted(copy_of_set.iterdir())[2]
    for name in ("HDRImg.exr", "HDRImg.hdr"):
        (scene / name).unlink()
    with pytest.raises(AhdrError, match="no ground truth"):
        opened(f"kalantari:{copy_of_set}")


def test_a_truth_of_another_size_is_an_error(copy_of_set, maps):
    scene = sorted(copy_of_set.iterdir())[0]
    (scene / "HDRImg.exr").write_bytes((maps / "a.exr").read_bytes())
    with pytest.raises(InputError, match="220x150"):
        opened(f"kalantari:{copy_of_set}")


def test_synthetic_sources_keep_their_engine_plain(maps):
    assert isinstance(opened(f"hdr:{maps}"), SynthesisEngine)


BLOCKED = (
    "typer rich click imageio PIL cv2 piexif tifffile imagecodecs OpenEXR onnx onnxruntime psutil "
    "accelerate tensorboard rawpy scipy"
)
PROGRAM = textwrap.dedent(
    """
    import importlib.machinery, runpy, sys

    find_spec = importlib.machinery.PathFinder.find_spec

    def refuse(name, path=None, target=None):
        absent = name.partition(".")[0] in %r.split()
        return None if absent else find_spec(name, path, target)

    importlib.machinery.PathFinder.find_spec = refuse
    sys.argv[0] = "ahdr_cli.training"
    runpy.run_module("ahdr_cli.training", run_name="__main__", alter_sys=True)
    """
)


def test_a_bare_machine_trains_from_shards(run_python, shards, tmp_path):
    done = run_python(
        "-c",
        PROGRAM % BLOCKED,
        *("--data", f"packed:{shards}"),
        *("--validation", f"packed:{shards}"),
        *("--out", tmp_path / "run"),
        *("--preset", "tiny"),
        *("--set", "schedule.steps=3"),
        *("--set", "runtime.device=cpu"),
    )
    assert done.returncode == 0, done.stderr
    assert "finished after 3 steps" in done.stdout
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_wrong_data_ends_a_bare_run_with_one_line(run_python, tmp_path):
    done = run_python(
        "-m", "ahdr_cli.training", "--data", f"packed:{tmp_path}", "--out", tmp_path / "run"
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "holds no shards" in done.stderr
