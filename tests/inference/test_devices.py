"""Names of devices and precisions mean what they say, or are refused with a way out."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch

from ahdr_cli.errors import DeviceError, UsageError
from ahdr_cli.inference import devices
from ahdr_cli.inference.devices import select_device, select_precision, torch_dtype


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    """Two CUDA devices of a given compute capability; call it to set that."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.version, "hip", None)

    def set_capability(*capability: int) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)

    return set_capability


def test_without_a_gpu_auto_is_the_cpu(no_gpu):
    assert select_device() == select_device("cpu") == "cpu"


def test_auto_is_the_first_gpu(two_gpus):
    assert select_device() == select_device("cuda") == "cuda:0"
    assert select_device("cuda:1") == "cuda:1"


def test_auto_is_apples_gpu_where_there_is_no_other(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert select_device() == select_device("mps") == "mps"


@pytest.mark.parametrize(
    ("version", "driver", "platform", "conceivable"),
    [
        ("cuda: Optional[str] = None\nhip: Optional[str] = None", True, "linux", False),
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None", True, "linux", True),
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None", False, "linux", False),
        ("cuda = None\nhip = '6.4'", True, "linux", True),
        ("cuda: Optional[str] = '12.8'", False, "win32", True),
        ("cuda: Optional[str] = None", False, "darwin", True),
        ("of some future layout", True, "linux", True),
        (None, True, "linux", True),
    ],
)
def test_where_no_gpu_can_be_torch_need_not_be_asked(
    monkeypatch, tmp_path, version, driver, platform, conceivable
):
    package = tmp_path / "torch" / "__init__.py"
    package.parent.mkdir()
    package.touch()
    if version is not None:
        package.with_name("version.py").write_text(version)
    spec = importlib.util.spec_from_file_location("torch", package)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    monkeypatch.setattr(devices, "_DRIVERS", (package if driver else tmp_path / "none",))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delitem(sys.modules, "torch")
    assert devices._may_have_gpu() is conceivable


def test_the_cpu_is_chosen_without_importing_torch():
    script = (
        "import sys\n"
        "from ahdr_cli.inference.devices import select_device, select_precision\n"
        "assert select_precision(device=select_device('cpu')) == 'fp32'\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_an_absent_device_is_a_device_error(no_gpu, name):
    with pytest.raises(DeviceError) as caught:
        select_device(name)
    assert "--device" in caught.value.hint


def test_an_absent_index_is_a_device_error(two_gpus):
    with pytest.raises(DeviceError, match=r"no device cuda:2, the last one is cuda:1"):
        select_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU", "mps:0"])
def test_a_strange_device_is_a_usage_error(two_gpus, name):
    with pytest.raises(UsageError, match="device must be"):
        select_device(name)


def test_a_cpu_computes_in_fp32_unless_told_otherwise():
    assert select_precision(device="cpu") == "fp32"
    assert select_precision("fp32", device="cpu") == "fp32"
    assert select_precision("bf16", device="cpu") == "bf16"
    with pytest.raises(DeviceError, match="fp16"):
        select_precision("fp16", device="cpu")


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((9, 0), "fp16"), ((8, 0), "fp16"), ((7, 0), "fp16"), ((6, 1), "fp32")],
)
def test_a_gpu_computes_in_fp16_if_it_is_fast_in_it(two_gpus, capability, expected):
    two_gpus(*capability)
    assert select_precision(device="cuda:0") == expected


def test_bf16_is_refused_where_it_is_emulated(two_gpus):
    two_gpus(7, 5)
    with pytest.raises(DeviceError, match=r"cuda:1 has no bf16"):
        select_precision("bf16", device="cuda:1")


def test_int8_is_for_the_cpu(two_gpus):
    assert select_precision("int8", device="cpu") == "int8"
    with pytest.raises(DeviceError, match="int8 is for the CPU, not for cuda:0"):
        select_precision("int8", device="cuda:0")


@pytest.mark.parametrize("name", ["fp64", "", "float32", "FP16"])
def test_a_strange_precision_is_a_usage_error(name):
    with pytest.raises(UsageError, match="precision must be"):
        select_precision(name, device="cpu")


def test_precisions_are_torch_types():
    assert [torch_dtype(p) for p in ("fp32", "fp16", "bf16")] == [
        torch.float32,
        torch.float16,
        torch.bfloat16,
    ]
