import numpy as np
import pytest
import torch

from ahdr_cli.errors import InputError
from ahdr_cli.training.scenes import QUANTILES, Scene, SceneStore


def _cut(store, scene, level, origin, size):
    return store.windows(np.array([scene]), np.array([level]), np.array([origin]), size=size)[
        0
    ].permute(1, 2, 0)


def test_a_window_is_the_scene(scenes, store):
    window = _cut(store, 2, 0, (17, 40), (30, 50)).numpy()
    assert window == pytest.approx(scenes[2].pixels[17:47, 40:90], rel=1e-3)


def test_levels_halve_by_averaging(scenes, store):
    window = _cut(store, 1, 1, (3, 5), (1, 1)).numpy()[0, 0]
    assert window == pytest.approx(scenes[1].pixels[6:8, 10:12].mean((0, 1)), rel=1e-3)


def test_beyond_the_border_the_scene_is_mirrored(scenes, store):
    height, width = scenes[0].pixels.shape[:2]
    window = _cut(store, 0, 0, (-4, -6), (height + 8, width + 12)).numpy()
    mirrored = np.pad(scenes[0].pixels, ((4, 4), (6, 6), (0, 0)), mode="symmetric")
    assert window == pytest.approx(mirrored, rel=1e-3)


def test_quantiles_are_those_of_the_largest_channel(scenes, store):
    expected = np.quantile(scenes[3].pixels.max(2), QUANTILES)
    assert store.quantiles[3] == pytest.approx(expected, rel=0.01)


def test_weights_by_source(scenes):
    pixels = scenes[0].pixels
    three = [Scene("a", pixels, 0), Scene("b", pixels, 1), Scene("c", pixels, 1)]
    assert SceneStore(three).weights == pytest.approx([1 / 3] * 3)
    store = SceneStore(three, source_weights=[0.6, 0.4])
    assert store.weights == pytest.approx([0.6, 0.2, 0.2])


def test_crops_look_for_detail_and_avoid_noise():
    random = np.random.default_rng(0)
    pixels = np.full((120, 160, 3), 0.2, np.float32)
    pixels[:, :40] *= np.exp2(random.normal(0, 1, (15, 5, 1)).repeat(8, 0).repeat(8, 1))
    pixels[:, 120:] *= np.exp2(random.normal(0, 1, (120, 40, 3)))
    cells = SceneStore([Scene("mixed", pixels)]).cells[0].reshape(12, 16)
    detail, empty, noise = cells[:, :4].mean(), cells[:, 6:10].mean(), cells[:, 12:].mean()
    assert detail > 2.0 * empty
    assert noise < 0.2 * empty


def test_noisy_scenes_weigh_less(scenes):
    noise = np.exp2(np.random.default_rng(1).normal(0, 0.5, scenes[0].pixels.shape))
    noisy = Scene("noisy", (scenes[0].pixels * noise).astype(np.float32))
    weights = SceneStore([scenes[0], noisy]).weights
    assert weights[1] < 0.2 * weights[0]


def test_very_bright_light_stays_finite():
    pixels = np.full((40, 40, 3), 1e9, np.float32)
    store = SceneStore([Scene("sun", pixels)])
    assert torch.isfinite(_cut(store, 0, 2, (0, 0), (10, 10))).all()


def test_nothing_to_store_is_an_input_error():
    with pytest.raises(InputError, match="no scenes"):
        SceneStore([])
    with pytest.raises(InputError, match="4x3"):
        SceneStore([Scene("tiny", np.ones((3, 4, 3), np.float32))])
