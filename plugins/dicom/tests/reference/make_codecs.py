"""Writes codecs.bin beside it: small images, coded by the reference encoders.

    pip install pyjpegls==1.5.1 imagecodecs==2026.3.6 numpy
    python make_codecs.py

JPEG-LS is coded by CharLS, High-Throughput JPEG 2000 by OpenJPH. The file is a list of records; all
numbers are little-endian 32-bit:

    coding (0 JPEG-LS, 1 HTJ2K), rows, cols, samples, bits, greatest error, bytes, then the stream,
    then the samples that the reference decoder gives, [row, col, sample], 16 bits each.
"""

import struct
from pathlib import Path

import imagecodecs
import jpeg_ls
import numpy as np

rng = np.random.default_rng(7)


def image(rows, cols, samples, bits):
    """Smooth parts, noise, edges, and runs of one value and of nearly one."""
    top = 2**bits - 1
    y, x, s = np.mgrid[:rows, :cols, :samples]
    smooth = (np.sin(x / 5 + s) + np.cos(y / 7) + 2) / 4 * top
    noise = rng.integers(0, top + 1, (rows, cols, samples))
    found = np.where((x // 8 + y // 6) % 3 == 0, noise, smooth)
    found = np.where((y // 5) % 4 == 1, top // 3 + (x > cols // 2), found)
    found = np.where(y % 11 == 10, top, found)
    return np.clip(np.rint(found), 0, top).astype(np.uint16 if bits > 8 else np.uint8)


def record(coding, array, bits, near, stream, decoded):
    rows, cols, samples = array.shape
    head = struct.pack("<7I", coding, rows, cols, samples, bits, near, len(stream))
    assert np.abs(decoded.astype(int) - array).max() <= near
    return head + bytes(stream) + decoded.astype("<u2").tobytes()


def jpegls(rows, cols, samples, bits, near, interleave=None):
    array = image(rows, cols, samples, bits)
    if samples == 1:
        # pyjpegls leaves no room for the head of a tiny stream; imagecodecs codes 8 or 16 bits only.
        tiny = rows * cols < 300
        flat = np.ascontiguousarray(array[..., 0])
        stream = imagecodecs.jpegls_encode(flat) if tiny else jpeg_ls.encode_array(flat, lossy_error=near)
    else:
        # By plane where each component has a scan of its own, else by pixel.
        ordered = np.ascontiguousarray(array.transpose((2, 0, 1)) if interleave == 0 else array)
        stream = jpeg_ls.encode_buffer(
            ordered.tobytes(), rows, cols, samples, bits, lossy_error=near, interleave_mode=interleave
        )
    decoded = imagecodecs.jpegls_decode(bytes(stream)).reshape(array.shape)
    return record(0, array, bits, near, stream, decoded)


def htj2k(rows, cols, samples, bits):
    array = image(rows, cols, samples, bits)
    flat = array[..., 0] if samples == 1 else array
    stream = imagecodecs.htj2k_encode(flat, reversible=True, rgb=False)
    decoded = imagecodecs.htj2k_decode(stream)
    decoded = decoded[..., None] if samples == 1 else np.moveaxis(decoded, 0, -1)
    return record(1, array, bits, 0, stream, decoded)


records = []
for bits in (2, 5, 8, 10, 12, 16):
    for near in (0, 1, 3):
        if 2 * near < 2**bits - 1:
            records.append(jpegls(41, 37, 1, bits, near))
for size in ((1, 1), (1, 40), (40, 1), (3, 70)):
    records.append(jpegls(*size, 1, 16, 0))
for interleave in (0, 1, 2):
    for bits, near in ((8, 0), (8, 2), (12, 0)):
        records.append(jpegls(23, 31, 3, bits, near, interleave))
for samples, bits in ((1, 8), (1, 16), (3, 8)):
    records.append(htj2k(41, 37, samples, bits))
Path(__file__).with_name("codecs.bin").write_bytes(b"".join(records))
