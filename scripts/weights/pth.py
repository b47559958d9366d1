"""Reads the tensors of a .pth or .pt file without PyTorch, and without running what the file says.

Such a file is a pickle, a program that may call what it likes. Here it finds the few names that a state
dict needs, and nothing behind them but the classes of this module. Both formats are read: the zip archive
that torch.save writes since 1.6, and the pickles in a row that it wrote before.
"""

import collections
import itertools
import pickle
import struct
import zipfile

# What begins a file of the older format, and the version of it.
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Wrong(Exception):
    """What is wrong with a file."""


class Kind(collections.namedtuple("Kind", "dtype code")):
    """A kind of number: safetensors' name and Python's letter."""


KINDS = {"FloatStorage": Kind("F32", "f"), "LongStorage": Kind("I64", "q")}


class Storage:
    """A run of numbers, whose bytes may come after the pickle that names it."""

    def __init__(self, kind, n):
        self.kind, self.n, self.bytes = kind, n, None


class Tensor:
    """A view of a storage."""

    def __init__(self, storage, offset, shape, stride, *_):
        numbers = [offset, *shape, *stride]
        if not isinstance(storage, Storage) or len(shape) != len(stride):
            raise Wrong("a tensor is made of something else than numbers")
        if any(not isinstance(number, int) or number < 0 for number in numbers):
            raise Wrong("a tensor's shape is out of range")
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
        if 0 not in shape and last >= storage.n:
            raise Wrong("a tensor reaches beyond its numbers")
        self.storage, self.offset, self.shape, self.stride = storage, offset, list(shape), stride

    @property
    def dtype(self):
        return self.storage.kind.dtype

    def bytes(self):
        """The numbers row by row, whatever their order in the storage is."""
        numbers = memoryview(self.storage.bytes).cast(self.storage.kind.code)
        rows, n = [1], 1
        for size in reversed(self.shape):
            rows.insert(0, n)
            n *= size
        rows.pop()
        if all(size == 1 or step == row for size, step, row in zip(self.shape, self.stride, rows)):
            return numbers[self.offset : self.offset + n].tobytes()
        *outer, (size, step) = zip(self.shape, self.stride)
        starts = itertools.product(*(range(0, size * step, step) if step else [0] * size for size, step in outer))
        return b"".join(self.row(numbers, self.offset + sum(start), size, step) for start in starts)

    def row(self, numbers, start, size, step):
        if step == 0:
            return numbers[start : start + 1].tobytes() * size
        return numbers[start : start + size * step : step].tobytes()


class Unpickler(pickle.Unpickler):
    """Finds what a state dict needs, and nothing else."""

    def __init__(self, file, storages):
        super().__init__(file, encoding="utf-8")
        self.storages = storages

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *parts: Tensor(*parts),
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        }
        if module == "torch" and name.endswith("Storage"):
            if name not in KINDS:
                raise Wrong(f"expected float32 or int64, found numbers of torch.{name}")
            return KINDS[name]
        if (module, name) not in known:
            raise Wrong(f"it wants to run {module}.{name}, which weights do not need")
        return known[module, name]

    def persistent_load(self, what):
        _, kind, key, _, n = what[:5]
        if not isinstance(kind, Kind) or not isinstance(n, int) or n < 0:
            raise Wrong("its numbers are not described")
        return self.storages.setdefault(key, Storage(kind, n))


def read(path):
    """The state dict in a file, each tensor with `dtype`, `shape` and `bytes()`."""
    try:
        with open(path, "rb") as file:
            is_archive = file.read(4) == b"PK\x03\x04"
            state = archive(file) if is_archive else in_a_row(file)
    except (Wrong, OSError):
        raise
    except Exception as error:
        # A pickle that is damaged fails in as many ways as there are.
        raise Wrong(f"it is damaged, or of another kind ({type(error).__name__})") from error
    if not isinstance(state, dict) or not all(isinstance(one, Tensor) for one in state.values()):
        raise Wrong("it is no state dict: expected names with tensors")
    return state


def archive(file):
    with zipfile.ZipFile(file) as members:
        root = next(name for name in members.namelist() if name.endswith("data.pkl"))[: -len("data.pkl")]
        if root + "byteorder" in members.namelist() and members.read(root + "byteorder") != b"little":
            raise Wrong("expected numbers with the low byte first")
        storages = {}
        with members.open(root + "data.pkl") as start:
            state = Unpickler(start, storages).load()
        for key, storage in storages.items():
            if members.getinfo(f"{root}data/{key}").file_size != n_bytes(storage):
                raise Wrong(f"storage {key} has another size than it says")
            storage.bytes = members.read(f"{root}data/{key}")
    return state


def in_a_row(file):
    file.seek(0)
    storages = {}
    magic, protocol, system = (Unpickler(file, {}).load() for _ in range(3))
    if (magic, protocol) != (MAGIC, PROTOCOL) or not system["little_endian"]:
        raise Wrong("expected a file of torch.save, with the low byte first")
    state = Unpickler(file, storages).load()
    for key in Unpickler(file, {}).load():
        storage = storages[key]
        (n,) = struct.unpack("<q", file.read(8))
        if n != storage.n:
            raise Wrong(f"storage {key} has another size than it says")
        storage.bytes = file.read(n_bytes(storage))
        if len(storage.bytes) != n_bytes(storage):
            raise Wrong("it is cut off")
    return state


def n_bytes(storage):
    return storage.n * struct.calcsize("=" + storage.kind.code)
