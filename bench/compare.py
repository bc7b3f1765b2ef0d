#!/usr/bin/env python3
"""Convoke beside its peers on this machine, in one run: the reference CNN, whole training steps, samples a second.

Builds Convoke and Burn, makes a virtual environment with PyTorch, then measures each in turn, so that a machine
that changes its speed changes it for all, and prints a table. Nothing else should run meanwhile.

    python3 bench/compare.py                   # everything
    python3 bench/compare.py --peers pytorch   # the CPU alone; Burn builds for ten minutes
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
WORK = ROOT / "target" / "bench"
BATCHES = [64, 256]


def run(command, **options):
    print("$", " ".join(map(str, command)), file=sys.stderr, flush=True)
    return subprocess.run(list(map(str, command)), check=True, **options)


def lines(command, **environment):
    """The JSON objects that a command prints, one a line or one in all."""
    done = run(command, capture_output=True, text=True, env={**os.environ, **environment})
    text = done.stdout.strip()
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def build_convoke():
    run(["cargo", "build", "--release", "-p", "convoke-cli"], cwd=ROOT)
    return ROOT / "target" / "release" / "convoke"


def build_pytorch():
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", WORK / "venv"])
        run([python, "-m", "pip", "install", "--quiet", "torch", "numpy"])
    return python


def build_burn():
    run(["cargo", "build", "--release", "--target-dir", WORK / "burn"], cwd=PEERS / "burn")
    return WORK / "burn" / "release" / "peer-burn"


def software_vulkan():
    """The manifest of Mesa's driver for the CPU, if there is one: what a machine without a GPU has."""
    for folder in ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]:
        for manifest in sorted(pathlib.Path(folder).glob("lvp_icd*.json")):
            return {"VK_DRIVER_FILES": str(manifest)}
    return {}


def measure(options):
    convoke = build_convoke()
    pytorch = build_pytorch() if "pytorch" in options.peers else None
    burn = build_burn() if "burn" in options.peers else None
    graphics = software_vulkan() if options.software else {}
    rows = {}

    def add(name, batch, result):
        rows.setdefault((name, batch), []).append((result["samples_per_second"], result["first_step_seconds"]))

    for _ in range(options.rounds):
        for batch in BATCHES:
            for device in ["cpu", "gpu"]:
                command = [convoke, "bench", "--json", "--device", device, "--batch-size", batch]
                add(f"Convoke, {device}", batch, lines(command, **graphics)[0])
            if pytorch:
                for result in lines([pytorch, PEERS / "pytorch_reference_cnn.py", "--batch-sizes", batch, "--windows", 3]):
                    add(f"PyTorch {result['version']}, CPU, {result['variant']}", batch, result)
            if burn:
                # A first step is that of a machine which has never run it.
                result = lines([burn, batch, 3, 3], CUBECL_AUTOTUNE_CACHE="0", **graphics)[0]
                add(f"Burn {result['version']}, wgpu", batch, result)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="pytorch,burn", help="comma-separated, of pytorch and burn (default both)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median counts (default 5)")
    parser.add_argument("--software", action="store_true", help="the GPU engines on Mesa's driver for the CPU")
    options = parser.parse_args()
    options.peers = options.peers.split(",")
    WORK.mkdir(parents=True, exist_ok=True)
    rows = measure(options)
    print("| trainer | batch | samples/s, median (least … most) | first step, s |")
    print("| --- | ---: | ---: | ---: |")
    for (name, batch), results in rows.items():
        speeds, firsts = zip(*results)
        median, first = statistics.median(speeds), statistics.median(firsts)
        print(f"| {name} | {batch} | {median:,.0f} ({min(speeds):,.0f} … {max(speeds):,.0f}) | {first:.2f} |")


if __name__ == "__main__":
    main()
