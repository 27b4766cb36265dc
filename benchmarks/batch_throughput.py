"""How much of the network's own speed `ahdr batch` reaches on this machine.

    python benchmarks/batch_throughput.py --sets 12 --width 1500 --height 1000

Merges the same brackets twice: from memory to memory with nothing but the network, and as a
batch from JPEG to OpenEXR with everything that belongs to it. Prints one JSON object; `ratio`
is the batch's throughput relative to the network's. `processor_ratio` is the same from processor
time: on a machine that others use as well it is the steadier figure, and where the processor
does everything it is what the wall clock would show on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ahdr_cli import Bracket, MergeOptions, Merger, read_frame
from ahdr_cli.batch import BatchOptions, PlannedSet, run_sets


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=12)
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--model", default="ahdrnet")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--in-flight", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = make_sets(folder, arguments)
        options = BatchOptions(
            model=arguments.model,
            merge=MergeOptions(device=arguments.device),
            in_flight=arguments.in_flight,
        )
        merger = Merger.open(options.model, options=options.merge)

        brackets = [read(planned) for planned in sets[:3]]
        merger(brackets[0])  # the first one allocates and compiles
        started, used = time.perf_counter(), time.process_time()
        for index in range(arguments.sets):
            merger(brackets[index % len(brackets)])
        network = arguments.sets / (time.perf_counter() - started)
        network_used = time.process_time() - used

        started, used = time.perf_counter(), time.process_time()
        results = list(run_sets(sets, folder / "out", options=options, opener=lambda _: merger))
        batch = arguments.sets / (time.perf_counter() - started)
        batch_used = time.process_time() - used
        assert all(result.status == "done" for result in results), results
    print(
        json.dumps(
            {
                "sets": arguments.sets,
                "size": f"{arguments.width}x{arguments.height}",
                **merger.plan.to_dict(),
                "network_images_per_second": round(network, 4),
                "batch_images_per_second": round(batch, 4),
                "ratio": round(batch / network, 3),
                "processor_ratio": round(network_used / batch_used, 3),
            },
            indent=1,
        )
    )


def make_sets(folder: Path, arguments: argparse.Namespace) -> list[PlannedSet]:
    """Brackets of smooth noise, as photographs compress, 2 EV apart."""
    generator = np.random.default_rng(1)
    shape = (arguments.height, arguments.width)
    sets = []
    for index in range(arguments.sets):
        coarse = generator.uniform(0, 255, (shape[0] // 8, shape[1] // 8, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)
        light = (np.asarray(picture) / 255.0) ** 2.2
        light += generator.normal(0, 0.002, light.shape)
        paths = []
        for gain in (0.5, 2, 8):
            encoded = np.clip(light * gain, 0, 1) ** (1 / 2.2)
            path = folder / f"{index}_{gain}.jpg"
            Image.fromarray(np.round(encoded * 255).astype(np.uint8)).save(path, quality=92)
            paths.append(path)
        sets.append(
            PlannedSet(
                inputs=tuple(paths), output=PurePosixPath(f"{index}.exr"), evs=(-2.0, 0.0, 2.0)
            )
        )
    return sets


def read(planned: PlannedSet) -> Bracket:
    """A set as the network gets it."""
    from ahdr_cli import Exposure

    assert planned.evs is not None
    return Bracket.from_frames(
        [
            read_frame(path, exposure=Exposure.from_ev(ev))
            for path, ev in zip(planned.inputs, planned.evs, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
