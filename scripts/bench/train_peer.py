"""The training of one row of Table 2 in PyTorch, eager: the peer of scripts/bench/train.rhai.

Reads the same stored slices, draws the same augmentation with torchvision's transforms in a
DataLoader, and trains the same networks. Prints the slices a second (input included) and the peak of
resident memory in MB, as JSON.
"""

import argparse
import json
import pathlib
import random
import resource
import time

import numpy as np
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

NORMALISATION = {
    "effnet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "resnet3d": ([0.43216, 0.394666, 0.37645], [0.22803, 0.22145, 0.216989]),
}
SLAB = 32


def exams(folder):
    """Every stored exam as (slices, labels)."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("*/exam.json")):
        manifest = json.loads(path.read_text())["manifest"]
        shape = tuple(manifest["shape"])
        voxels = np.memmap(path.parent / "slices.bin", dtype=np.uint8, mode="r", shape=shape)
        labels = [bool(label) for label in manifest["exam"]["labels"]["pe_on_slice"]]
        found.append((voxels, torch.tensor(labels, dtype=torch.float32)))
    return found


class Images(Dataset):
    """Slices, or slabs of consecutive slices, augmented and normalised."""

    def __init__(self, found, net, frames):
        self.exams, self.frames = found, frames
        self.index = [
            (exam, first)
            for exam, (voxels, _) in enumerate(found)
            for first in range(0, len(voxels), frames)
        ]
        self.blur = v2.GaussianBlur(3, (0.1, 2.0))
        self.rotate = v2.RandomRotation(15, interpolation=v2.InterpolationMode.BILINEAR)
        self.flip = v2.RandomHorizontalFlip(0.5)
        self.normalise = v2.Normalize(*NORMALISATION[net])

    def __len__(self):
        return len(self.index)

    def __getitem__(self, sample):
        exam, first = self.index[sample]
        voxels, labels = self.exams[exam]
        part = torch.from_numpy(np.array(voxels[first : first + self.frames]))
        images = part.float().div_(255)
        images = self.rotate(self.flip(self.blur(images)))
        target = labels[first : first + self.frames]
        n = len(target)
        if n < self.frames:
            images = torch.cat([images, torch.zeros(self.frames - n, *images.shape[1:])])
            target = torch.cat([target, torch.zeros(self.frames - n)])
        images = self.normalise(images)
        valid = torch.arange(self.frames) < n
        if self.frames == 1:
            return images[0], target, valid
        return images.transpose(0, 1), target, valid


class Bilstm(nn.Module):
    def __init__(self, n_inputs, n_outputs, hidden=128):
        super().__init__()
        self.lstm = nn.LSTM(n_inputs, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, n_outputs)

    def forward(self, features, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.fc(out)


class Block(nn.Module):
    def __init__(self, n_inputs, channels, kernel, dilation):
        super().__init__()
        self.pad = (kernel - 1) * dilation
        norm = nn.utils.parametrizations.weight_norm
        self.conv1 = norm(nn.Conv1d(n_inputs, channels, kernel, dilation=dilation))
        self.conv2 = norm(nn.Conv1d(channels, channels, kernel, dilation=dilation))
        self.down = nn.Conv1d(n_inputs, channels, 1) if n_inputs != channels else nn.Identity()
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        y = x
        for conv in (self.conv1, self.conv2):
            y = self.dropout(torch.relu(conv(nn.functional.pad(y, (self.pad, 0)))))
        return torch.relu(y + self.down(x))


class Tcn(nn.Module):
    def __init__(self, n_inputs, n_outputs, channels=128, kernel=5, levels=3):
        super().__init__()
        widths = [n_inputs] + [channels] * levels
        self.net = nn.Sequential(*[Block(widths[i], channels, kernel, 2**i) for i in range(levels)])
        self.fc = nn.Linear(channels, n_outputs)

    def forward(self, features, lengths):
        return self.fc(self.net(features.transpose(1, 2)).transpose(1, 2))


class Sequences(Dataset):
    """Random features in the shape of the real ones; their values do not matter for the speed."""

    def __init__(self, found, net):
        self.chunks = []
        per_row, chunk, width = (1, 64, 1280) if net == "effnet" else (SLAB, 10, 1536)
        for voxels, labels in found:
            rows = -(-len(voxels) // per_row)
            padded = torch.zeros(rows * per_row)
            padded[: len(labels)] = labels
            for first in range(0, rows, chunk):
                n = min(chunk, rows - first)
                target = padded[first * per_row : (first + n) * per_row].view(n, per_row)
                slices = min(len(labels) - first * per_row, n * per_row)
                self.chunks.append((torch.randn(n, width), target, slices))

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, sample):
        return self.chunks[sample]


def collate(items):
    lengths = torch.tensor([len(features) for features, _, _ in items])
    features = nn.utils.rnn.pad_sequence([one[0] for one in items], batch_first=True)
    target = nn.utils.rnn.pad_sequence([one[1] for one in items], batch_first=True)
    valid = torch.zeros_like(target).flatten(1)
    for row, (_, _, slices) in enumerate(items):
        valid[row, :slices] = 1
    return features, target, valid.view_as(target).bool(), lengths


def network(row, device):
    net = row.split("_")[0]
    if row == "effnet":
        model = torchvision.models.efficientnet_b0()
        model.classifier[1] = nn.Linear(1280, 1)
        return model.to(device), 4
    if row == "resnet3d":
        model = torchvision.models.video.r3d_18()
        model.fc = nn.Linear(512, SLAB)
        return model.to(device), 5
    width, n_outputs = (1280, 1) if net == "effnet" else (1536, SLAB)
    kind = Bilstm if row.endswith("lstm") else Tcn
    return kind(width, n_outputs).to(device), 0


def run(options):
    random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    net = options.row.split("_")[0]
    found = exams(options.slices)
    # The same number of training exams; which ones does not matter for the speed.
    found = found[: options.exams]
    model, axes = network(options.row, device)
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    layout = formats.get(axes) if options.format == "channels_last" else None
    if layout:
        model = model.to(memory_format=layout)
    data = Images(found, net, 1 if net == "effnet" else SLAB) if axes else Sequences(found, net)
    loader = DataLoader(
        data, batch_size=options.batch, shuffle=True, num_workers=options.workers if axes else 0,
        collate_fn=None if axes else collate, persistent_workers=bool(axes and options.workers),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    n_slices = sum(len(voxels) for voxels, _ in found)
    model.train()
    speeds = []
    for _ in range(options.epochs):
        began = time.perf_counter()
        for batch in loader:
            images, target, valid = (one.to(device) for one in batch[:3])
            if layout:
                images = images.to(memory_format=layout)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
                logits = model(images) if axes else model(images, batch[3])
            loss = nn.functional.binary_cross_entropy_with_logits(logits.float()[valid], target[valid])
            loss.backward()
            optimizer.step()
            loss.item()
        speeds.append(n_slices / (time.perf_counter() - began))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Workers hold what they copied on write; the largest one is told by the system.
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # Of the CNNs the last epoch, of the short epochs of the sequence models the median one.
    speed = speeds[-1] if axes else sorted(speeds)[len(speeds) // 2]
    print(json.dumps({"slices_per_s": speed, "peak_mb": peak / 1024, "worker_mb": workers / 1024}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slices", help="folder with the exams' slices, store/slices/SETTINGS")
    parser.add_argument("--row", default="effnet")
    parser.add_argument("--exams", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--format", default="channels_last", choices=["channels_last", "default"])
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16"])
    run(parser.parse_args())


if __name__ == "__main__":
    main()
