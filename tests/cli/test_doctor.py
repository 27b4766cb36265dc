"""`ahdr doctor`."""

from __future__ import annotations

import json
import re
import sys

import numba

from ahdr_cli.checkpoints import registry
from ahdr_cli.inference import winograd_kernels, winograd_products


def findings(result) -> dict[tuple[str, str], dict[str, str]]:
    found = json.loads(result.stdout)["findings"]
    return {(item["topic"], item["name"]): item for item in found}


def test_a_whole_installation(ahdr):
    result = ahdr("doctor", "--json")
    assert result.exit_code == 0
    found = findings(result)
    assert found["package", "torch"]["status"] == "ok"
    assert found["weights", "ahdrnet"]["status"] == "ok"
    assert found["device", "cpu"]["status"] == "info"
    for (topic, name), item in found.items():
        if topic == "package" and item["status"] == "ok":
            assert re.match(r"[0-9]+\.[0-9]", item["detail"]), name
    text = ahdr("doctor")
    assert text.exit_code == 0
    for _, name in found:
        assert name in text.stdout


def test_a_missing_optional_package_comes_with_its_remedy(ahdr, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)  # what an absent module looks like
    result = ahdr("doctor", "--json")
    assert result.exit_code == 0
    finding = findings(result)["package", "rawpy"]
    assert finding["status"] == "missing"
    assert "ahdr[raw]" in finding["detail"]


def test_a_missing_needed_package_is_a_failure(ahdr, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    result = ahdr("doctor", "--json")
    assert result.exit_code == 1
    assert findings(result)["package", "OpenEXR"]["status"] == "broken"


def test_damaged_weights_are_a_failure_of_their_own(ahdr, monkeypatch, tmp_path, repository):
    manifest = (repository / "weights" / "MANIFEST.toml").read_text()
    (tmp_path / "MANIFEST.toml").write_text(manifest)
    for path in (repository / "weights").glob("*.safetensors"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-1])
    monkeypatch.setenv(registry.WEIGHTS_DIR_VARIABLE, str(tmp_path))
    result = ahdr("doctor", "--json")
    assert result.exit_code == 5
    assert findings(result)["weights", "ahdrnet"]["status"] == "broken"


def test_an_installation_without_any_weights(ahdr, monkeypatch):
    monkeypatch.setattr(registry, "_weights_folders", list)
    result = ahdr("doctor", "--json")
    assert result.exit_code == 5
    finding = findings(result)["weights", "manifest"]
    assert finding["status"] == "broken"
    assert "reinstall ahdr" in finding["detail"]


def test_what_is_compiled_anew_each_time_is_said(ahdr, monkeypatch):
    usual = findings(ahdr("doctor", "--json"))["runtime", "winograd"]
    assert usual == {
        "topic": "runtime",
        "name": "winograd",
        "status": "ok",
        "detail": "AHDRNet in fp32 on CPUs",
    }
    monkeypatch.setattr(winograd_kernels, "njit", without_cache)
    fresh = winograd_kernels.compiled(lambda x: x)
    monkeypatch.setattr(winograd_products, "transform_products", fresh)
    finding = findings(ahdr("doctor", "--json"))["runtime", "winograd"]
    assert finding["status"] == "ok"
    assert "compiled anew by each run" in finding["detail"]
    assert "NUMBA_CACHE_DIR" in finding["detail"]


def without_cache(**settings):
    """What numba does where no folder can be written to."""
    if settings.get("cache"):
        raise RuntimeError("cannot cache function: no locator available")
    return numba.njit(**settings)
