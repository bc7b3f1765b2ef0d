#!/usr/bin/env python3
"""Make fashion-mnist-mini from the four files of Fashion-MNIST.

    python3 make.py FOLDER

FOLDER holds train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and
t10k-labels-idx1-ubyte.gz, as https://github.com/zalandoresearch/fashion-mnist offers them and as Debian's package
dataset-fashion-mnist installs them under /usr/share/datasets/fashion-mnist. The result is written beside this script:
train.png, train-labels.bin, test.png, test-labels.bin.

Needs Python 3 and numpy. The same input gives the same pixels and labels always; the same bytes of the PNG files too, as long
as zlib is the same version.
"""

import gzip
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

COLUMNS = 100  # tiles in a row of a mosaic
SETS = [("train", "train", 600), ("test", "t10k", 100)]  # our name, the original's name, pictures of each class


def read_idx(path):
    """The array in a gzipped IDX file of unsigned bytes (format: http://yann.lecun.com/exdb/mnist)."""
    data = gzip.decompress(path.read_bytes())
    zero, kind, dimensions = struct.unpack(">HBB", data[:4])
    if zero != 0 or kind != 8:
        sys.exit(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def first_of_each_class(labels, count):
    """Where the first `count` samples of each class are, in the file's order (so classes stay interleaved)."""
    chosen = np.concatenate([np.flatnonzero(labels == c)[:count] for c in np.unique(labels)])
    return np.sort(chosen)


def mosaic(tiles):
    """The tiles `[n, h, w]` side by side, row by row, COLUMNS in a row; n is a multiple of COLUMNS."""
    n, h, w = tiles.shape
    return tiles.reshape(n // COLUMNS, COLUMNS, h, w).swapaxes(1, 2).reshape(n // COLUMNS * h, COLUMNS * w)


def filter_rows(image):
    """Each row under each of PNG's five filters (ISO/IEC 15948, 9.2), `[5, rows, width]`."""
    x = image.astype(np.int16)
    left = np.pad(x, ((0, 0), (1, 0)))[:, :-1]
    up = np.pad(x, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(x, ((1, 0), (1, 0)))[:-1, :-1]
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    return np.stack([x, x - left, x - up, x - (left + up) // 2, x - paeth]).astype(np.uint8)


def compress(raw):
    """The smallest deflate stream among zlib's strategies."""
    best = None
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED):
        packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
        packed = packer.compress(raw) + packer.flush()
        best = packed if best is None or len(packed) < len(best) else best
    return best


def entropy(rows):
    """Bits that an ideal byte-wise code needs for each row of `rows [n, width]`."""
    counts = np.stack([np.bincount(row, minlength=256) for row in rows]).astype(np.float64)
    share = counts / rows.shape[1]
    return -(counts * np.log2(np.where(share > 0, share, 1))).sum(axis=1)


def encode_png(image):
    """An 8-bit grey PNG file: each row under the filter that leaves the least entropy, or one filter for all, if smaller."""
    filtered = filter_rows(image)
    rows = np.arange(len(image))
    mixed = np.argmin(np.stack([entropy(f) for f in filtered]), axis=0).astype(np.uint8)
    choices = [mixed] + [np.full(len(image), f, np.uint8) for f in range(5)]
    streams = [compress(np.concatenate([c[:, None], filtered[c, rows]], axis=1).tobytes()) for c in choices]
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 0, 0, 0, 0)),
        (b"IDAT", min(streams, key=len)),
        (b"IEND", b""),
    ]
    framed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source, target = Path(sys.argv[1]), Path(__file__).resolve().parent
    for name, original, count in SETS:
        images = read_idx(source / f"{original}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{original}-labels-idx1-ubyte.gz")
        chosen = first_of_each_class(labels, count)
        png = encode_png(mosaic(images[chosen]))
        (target / f"{name}.png").write_bytes(png)
        (target / f"{name}-labels.bin").write_bytes(labels[chosen].tobytes())
        print(f"{name}: {len(chosen)} pictures, {len(png):,} bytes")


if __name__ == "__main__":
    main()
