#!/usr/bin/env python3
"""PyTorch on the CPU training Convoke's reference CNN: prints one JSON line per configuration with whole training steps'
samples a second.

    pip install torch numpy
    python pytorch_reference_cnn.py [--batch-sizes 64,256] [--variants contiguous,channels_last] [--seconds 3] [--windows 5]

A step turns the batch's bytes into floats and runs forward, loss, backward and SGD with momentum. The figure is the median of the
windows; each has at least that many seconds and ends by reading a loss.
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.nn.functional as F

SAMPLES = 2048
VARIANTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class ReferenceCnn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = torch.nn.Linear(32 * 7 * 7, 128)
        self.fc2 = torch.nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def pictures():
    """Noise with bright rows where the label says: nothing to download, and a loss that falls if training works. (Each step
    gives every eighth sample a wrong label, or the gradients would fade to nothing.)"""
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(10, (SAMPLES,), generator=generator)
    pixels = torch.randint(128, (SAMPLES, 3, 28, 28), dtype=torch.uint8, generator=generator)
    rows = torch.arange(28) // 2
    return pixels + 128 * (rows == labels[:, None]).to(torch.uint8)[:, None, :, None], labels


class Trainer:
    """The model, its optimizer and its place in the data."""

    def __init__(self, data, batch_size, memory_format):
        self.data, self.batch_size, self.memory_format = data, batch_size, memory_format
        self.start, self.steps = 0, 0
        torch.manual_seed(0)
        self.model = ReferenceCnn().to(memory_format=memory_format)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)

    def step(self):
        """One training step; the loss as a tensor."""
        batch = slice(self.start, self.start + self.batch_size)
        self.start = batch.stop if batch.stop + self.batch_size <= SAMPLES else 0
        x = self.data[0][batch].to(torch.float32, memory_format=self.memory_format).div_(255)
        y = self.data[1][batch].clone()
        y[::8] = self.steps % 10
        self.steps += 1
        loss = F.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def window(self, seconds):
        """Steps for at least this long: samples a second and the last loss."""
        begin, samples = time.perf_counter(), 0
        while True:
            loss = self.step()
            samples += self.batch_size
            if time.perf_counter() - begin >= seconds:
                loss = float(loss)
                return samples / (time.perf_counter() - begin), loss


def measure(data, batch_size, variant, seconds, windows):
    """The figures of one configuration."""
    begin = time.perf_counter()
    trainer = Trainer(data, batch_size, VARIANTS[variant])
    first_loss = float(trainer.step())
    first_step = time.perf_counter() - begin
    trainer.window(seconds)
    results = [trainer.window(seconds) for _ in range(windows)]
    return {
        "peer": "pytorch",
        "version": torch.__version__,
        "batch_size": batch_size,
        "variant": variant,
        "samples_per_second": round(statistics.median(rate for rate, _ in results), 1),
        "first_step_seconds": round(first_step, 3),
        "first_loss": round(first_loss, 4),
        "last_loss": round(results[-1][1], 4),
        "threads": torch.get_num_threads(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-sizes", default="64,256", help="comma-separated, 1 to 2048 each (default 64,256)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help=f"comma-separated, of {', '.join(VARIANTS)} (default all)")
    parser.add_argument("--seconds", type=float, default=3.0, help="least length of a window (default 3)")
    parser.add_argument("--windows", type=int, default=5, help="windows, of which the median counts (default 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads (default: the processor's)")
    options = parser.parse_args()
    if not all(size.isdecimal() and 1 <= int(size) <= SAMPLES for size in options.batch_sizes.split(",")):
        parser.error(f"--batch-sizes is {options.batch_sizes}, but must be whole numbers from 1 to {SAMPLES}")
    if unknown := set(options.variants.split(",")) - set(VARIANTS):
        parser.error(f"there is no variant {', '.join(sorted(unknown))}; there are {', '.join(VARIANTS)}")
    torch.set_num_threads(options.threads)
    data = pictures()
    for batch_size in map(int, options.batch_sizes.split(",")):
        for variant in options.variants.split(","):
            print(json.dumps(measure(data, batch_size, variant, options.seconds, options.windows)), flush=True)


if __name__ == "__main__":
    main()
