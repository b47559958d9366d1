#!/usr/bin/env python3
"""Converts trained weights from .pth, .pt or .ot to safetensors, once.

    PYTHONPATH=.libtorch python3 scripts/weights/convert.py IN.pth OUT.safetensors

The networks and where torchvision keeps their weights:

    efficientnet_b0  https://download.pytorch.org/models/efficientnet_b0_rwightman-7f5810bc.pth
    r3d_18           https://download.pytorch.org/models/r3d_18-b3b3357e.pth

Needs torch only, which `make setup` puts into .libtorch. Nothing of a .pth or .pt is run: it is read
with `weights_only=True`. An .ot, which tch writes, is an archive of TorchScript, and read as one. The
output holds the name and the SHA-256 of the input and the network's name. Where the input's name ends
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


def r3d_18():
    keys = conv_norm("stem")
    for layer in range(1, 5):
        for block in range(2):
            parts = ["conv1", "conv2"] + (["downsample"] if layer > 1 and block == 0 else [])
            for part in parts:
                keys += conv_norm(f"layer{layer}.{block}.{part}")
    return keys + ["fc.weight", "fc.bias"]


NETWORKS = {"efficientnet_b0": efficientnet_b0(), "r3d_18": r3d_18()}


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
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    try:
        import torch
    except ImportError:
        sys.exit("convert.py: torch is missing: run `make setup`, then with PYTHONPATH=.libtorch")
    try:
        if path.suffix.lower() == ".ot":
            archive = torch.jit.load(path, map_location="cpu")
            tensors = [*archive.named_parameters(), *archive.named_buffers()]
            return {name.replace("|", "."): tensor for name, tensor in tensors}
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        sys.exit(f"convert.py: cannot read {path}: {error.strerror or error}")
    except Exception as error:
        sys.exit(f"convert.py: {path} is no file of PyTorch weights ({type(error).__name__})")
    if not isinstance(state, dict) or not all(isinstance(one, torch.Tensor) for one in state.values()):
        sys.exit(f"convert.py: {path} is no state dict: expected names with tensors")
    return state


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
    import torch

    names = {torch.float32: "F32", torch.int64: "I64"}
    header, blobs, at = {"__metadata__": metadata}, [], 0
    # Wide numbers first, so that each lies aligned.
    for name in sorted(state, key=lambda name: (-state[name].element_size(), name)):
        tensor = state[name].detach().contiguous()
        if tensor.dtype not in names:
            sys.exit(f"convert.py: {name}: expected float32 or int64, found {tensor.dtype}")
        # By address, because .libtorch has no numpy.
        blob = ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
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
