from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.errors import UsageError
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.variants import MODELS
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.config_file import build_config, load_config, override_config
from ahdr_cli.training.preset import available_presets
from ahdr_cli.training.settings import StageSettings

MINIMAL = "[schedule]\nsteps = 5\n"


@pytest.mark.parametrize("name", available_presets())
def test_a_preset_loads_and_survives_a_round_trip(name):
    config = load_config(name)
    assert build_config(config.to_dict()) == config


def test_the_paper_preset_says_what_the_paper_says():
    config = load_config("paper")
    assert config.init == "xavier"
    assert config.stages == (StageSettings(patch=256, batch=8),)
    assert (config.optimiser.lr, config.optimiser.clip) == (1e-5, 0.0)
    assert (config.optimiser.beta1, config.optimiser.beta2) == (0.9, 0.999)
    assert (config.loss.kind, config.loss.mu, config.loss.linear) == ("l1", 5000.0, 0.0)
    assert config.network_config() == AHDRConfig()


@pytest.mark.parametrize("name", MODELS)
def test_every_variant_can_be_configured(name):
    config = load_config("paper", overrides=[f"model.variant={name}"])
    assert config.network_config() == MODELS[name]


def test_the_fast_networks_shape_can_be_chosen():
    config = load_config("fast", overrides=["model.dilations=[1, 8]", "model.shallow=24"])
    assert config.network_config() == FastConfig(shallow=24, dilations=(1, 8))
    assert build_config(config.to_dict()) == config


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("optimiser.lr=1e-4", lambda c: c.optimiser.lr == 1e-4),
        ("optimiser.lr=1", lambda c: type(c.optimiser.lr) is float),
        ("runtime.device=cuda:1", lambda c: c.runtime.device == "cuda:1"),
        ('init="some/file.safetensors"', lambda c: c.init == "some/file.safetensors"),
        ("init=some/file.safetensors", lambda c: c.init == "some/file.safetensors"),
        ("runtime.deterministic=true", lambda c: c.runtime.deterministic is True),
        ("checkpoint.every_minutes=none", lambda c: c.checkpoint.every_minutes is None),
        ("schedule.max_minutes=25", lambda c: c.schedule.max_minutes == 25.0),
        ("stages=[{patch=64, batch=2}]", lambda c: c.stages == (StageSettings(patch=64, batch=2),)),
        ("stages.1.patch=96", lambda c: [s.patch for s in c.stages] == [64, 96, 256]),
        ("recipe.spacing=[2, 2]", lambda c: c.recipe.spacing == (2.0, 2.0)),
        ("recipe.kinds.0=0.5", lambda c: c.recipe.kinds[0] == 0.5),
    ],
)
def test_an_override_reaches_its_value(override, read):
    config = override_config(load_config("release"), [override])
    assert read(config)
    if not override.startswith("recipe.kinds"):  # a list that the preset leaves out
        assert load_config("release", overrides=[override]) == config


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("optimizer.lr=1", "unknown key 'optimizer'", "did you mean 'optimiser'?"),
        ("optimiser.rate=1", "unknown key 'optimiser.rate'", "beta1"),
        ("ema.deccay=0.9", "unknown key 'ema.deccay'", "did you mean 'decay'?"),
        ("stages.0.pach=64", "unknown key 'stages.0.pach'", "did you mean 'patch'?"),
        ("stages.7.patch=64", "'7' is not a position from 0 to 2", None),
        ("seed.x=1", "'seed' is a value, not a table", None),
        ("seed=1.5", "seed must be a whole number, got 1.5", None),
        ("seed=true", "seed must be a whole number, got True", None),
        ("optimiser.lr=fast", "optimiser.lr must be a number, got 'fast'", None),
        ("loss.kind=l3", "loss.kind must be one of l1, l2, got 'l3'", None),
        ("stages=64", "stages must be a list, got 64", None),
        ("stages=[]", "stages must end at rising fractions of the run, the last at 1", None),
        ("stages=[{patch=64}]", "missing 1 required keyword-only argument: 'batch'", None),
        ("recipe.spacing=[1,2,3]", "recipe.spacing must have 2 values, got 3", None),
        ("optimiser=3", "optimiser must be a table, got 3", None),
        ("optimiser.lr=0", "optimiser.lr must be positive, got 0.0", None),
        ("optimiser.lr=nan", "optimiser.lr must be a finite number, got nan", None),
        ("optimiser.beta1=1.0", "optimiser.beta1 must be in [0, 1), got 1.0", None),
        ("ema.decay=1.0", "ema.decay must be in [0, 1), got 1.0", None),
        ("schedule.floor=2.0", "schedule.floor must be in [0, 1], got 2.0", None),
        ("stages.0.until=0", "stages.until must be in (0, 1], got 0.0", None),
        ("stages.0.until=0.9", "stages must end at rising fractions", None),
        ("seed=-1", "seed must lie between 0 and 9223372036854775807, got -1", None),
        ("optimiser.accumulate=3", "a batch of 64 cannot be cut into 3 equal parts", "divide"),
        ("schedule.steps=none", "neither schedule.steps nor schedule.max_minutes", "--set"),
        ("optimiser.lr", "override 'optimiser.lr' is not key=value", "optimiser.lr=1e-4"),
        ("=3", "override '=3' is not key=value", None),
        ("optimiser.lr=inf", "optimiser.lr must be a finite number, got inf", None),
        (f"optimiser.lr=1{'0' * 400}", "optimiser.lr must be a finite number", None),
        (f"seed={'9' * 5000}", "seed must be a whole number", None),
        ("model.num_blocks=1000000", "model.num_blocks must be at most 256, got 1000000", None),
        ("model.features=100000", "model.features must be at most 4096, got 100000", None),
        ("model.dilations=[1, 100000]", "model.dilations must be at most 4096, got 100000", None),
        ("runtime.threads=99999", "runtime.threads must be at most 1024, got 99999", None),
        ("recipe.kinds=[0,0,0,0]", "recipe.kinds must be shares of 0 or more, not all 0", None),
        ("recipe.layers=[-1,1,1]", "recipe.layers must be shares of 0 or more", None),
        ("recipe.spacing=[3,1]", "recipe.spacing must rise within 0.1 to 8, got (3.0, 1.0)", None),
        ("recipe.spacing=[1,1000]", "recipe.spacing must rise within 0.1 to 8", None),
        ("recipe.percentile=[2,3]", "recipe.percentile must rise within 0 to 1", None),
        ("recipe.shot_noise=[0,0]", "recipe.shot_noise must rise within 1e-12 to 1", None),
        ("recipe.uneven=2", "recipe.uneven must lie within 0 and 1, got 2.0", None),
        ("recipe.tilt=-1", "recipe.tilt must lie within 0 and 180, got -1.0", None),
    ],
)
def test_a_wrong_override_is_explained(override, message, hint):
    with pytest.raises(UsageError) as caught:
        load_config("release", overrides=[override])
    assert message in caught.value.message
    assert hint is None or hint in caught.value.hint


def test_a_network_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="no variant 'ahdrnt'"):
        load_config("tiny", overrides=["model.variant=ahdrnt"]).network_config()
    with pytest.raises(UsageError, match="features must be a positive integer"):
        load_config("tiny", overrides=["model.features=0"]).network_config()
    with pytest.raises(UsageError, match=r"model\.growth has no meaning") as e:
        load_config("tiny", overrides=["model.variant=fast"]).network_config()
    assert "dilations" in e.value.hint


def test_a_file_is_read_like_a_preset(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    assert load_config(path) == build_config({"schedule": {"steps": 5}})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = = 1", "not valid TOML"), (b"a = '\xff'", "configuration cannot be read")],
)
def test_a_broken_file_is_named(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        load_config(path)
    assert caught.value.path == path


def test_a_missing_preset_gets_a_suggestion():
    with pytest.raises(UsageError, match="no preset or file 'papr'") as caught:
        load_config("papr")
    assert caught.value.hint == "did you mean 'paper'?"


@given(
    seed=st.integers(0, 2**40),
    lr=st.floats(1e-12, 10.0),
    patch=st.integers(1, 4096),
    init=st.text(min_size=1),
)
def test_any_configuration_survives_a_round_trip(seed, lr, patch, init):
    table = {
        "seed": seed,
        "init": init,
        "stages": [{"patch": patch, "batch": 1}],
        "optimiser": {"lr": lr},
        "schedule": {"steps": 1},
    }
    config = build_config(table)
    assert isinstance(config, TrainConfig)
    assert build_config(config.to_dict()) == config


def test_a_configuration_is_a_file_of_sane_size(tmp_path):
    with pytest.raises(UsageError, match="no regular file"):
        load_config("/dev/zero")
    (tmp_path / "huge.toml").write_bytes(b"#" * (1 << 20 | 1))
    with pytest.raises(UsageError, match="more than 1048576 bytes"):
        load_config(tmp_path / "huge.toml")


def test_a_seed_is_one_that_generators_take():
    with pytest.raises(UsageError, match="seed must lie between"):
        load_config("tiny", overrides=["seed=99999999999999999999999"])
    assert load_config("tiny", overrides=[f"seed={2**63 - 1}"]).seed == 2**63 - 1
