"""`casebook serve-model`: the vLLM command for the GPU at hand, printed or run. Weights are fetched by vLLM alone.

Models and the memory they need are those of vLLM's recipes (recipes.vllm.ai, read 2026-11): weights, some cache and
the runtime. FP8 checkpoints compute in FP8 from compute capability 8.9 on; from 7.5 on vLLM runs dense ones
weight-only (vLLM documentation, "FP8 W8A8"); mixtures of experts and bfloat16 need 8.0.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kb.errors import InputError, UnavailableError

HOST, PORT = "127.0.0.1", 8000
CONTEXT = 32768  # tokens: several times what an answer needs, and its cache fits beside each model
SMALL_CONTEXT = 16384  # where less than TIGHT is left beside the model
TIGHT = 3  # GiB
USABLE = 0.92  # vLLM takes at most this share of the memory (--gpu-memory-utilization's default)
FP8_COMPUTE, BF16 = (8, 9), (8, 0)
OLDEST = (7, 5)
NO_THINKING = {"enable_thinking": False}


@dataclass(frozen=True, slots=True)
class Model:
    """A model we know: `gib` of GPU memory is its least; `from_` the oldest compute capability."""

    name: str
    gib: float
    from_: tuple[int, int] = BF16
    vision: bool = True  # has an image encoder, which stays unloaded
    thinks: bool = True


# Best first: the first that fits is taken.
MODELS: tuple[Model, ...] = (
    Model("Qwen/Qwen3.6-35B-A3B-FP8", 42, FP8_COMPUTE),  # 3B active: the fastest of its quality
    Model("Qwen/Qwen3.8-27B-FP8", 38, FP8_COMPUTE),
    Model("Qwen/Qwen3.8-27B", 67),
    Model("Qwen/Qwen3.5-9B", 22),
    Model("Qwen/Qwen3.5-4B", 10),
    Model("Qwen/Qwen3.5-2B", 5),
    Model("Qwen/Qwen3-4B-FP8", 5, OLDEST, vision=False),
)
OTHERS: tuple[Model, ...] = (
    Model("Qwen/Qwen3-8B", 20, vision=False),
    Model("Qwen/Qwen3-4B", 10, vision=False),
    Model("Qwen/Qwen2.5-7B-Instruct", 18, vision=False, thinks=False),
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A card as nvidia-smi reports it."""

    name: str
    gib: float
    compute: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, with what is added to the environment, and remarks for the person."""

    argv: tuple[str, ...]
    model: str
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """The command for a shell; secrets stay names of variables."""
        return " ".join(_quoted(word) for word in self.argv)

    def next_line(self) -> str:
        """How Casebook is started beside it."""
        return f"CASEBOOK_LLM=http://{HOST}:{PORT}/v1 make run"


def _quoted(word: str) -> str:
    return f'"{word}"' if word.startswith("$") else shlex.quote(word)


def gpus(smi: str = "nvidia-smi") -> list[Gpu]:
    """The cards of this machine. Raises UnavailableError where there is none, or nvidia-smi fails."""
    hint = (
        "without one, Casebook composes its answers from the incidents; a server on another machine is named by "
        "CASEBOOK_LLM=http://host:8000/v1, and `make vllm` builds a CPU vLLM for small models"
    )
    if shutil.which(smi) is None:
        raise UnavailableError(f"no NVIDIA GPU found ({smi} is not there); {hint}")
    query = [smi, "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{smi}: {error}; {hint}") from error
    found = [gpu for line in answer.stdout.splitlines() if (gpu := _gpu(line))]
    if not found:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        raise UnavailableError(f"no usable NVIDIA GPU: {said[0] if said else smi + ' lists none'}; {hint}")
    return found


def _gpu(line: str) -> Gpu | None:
    """A row of nvidia-smi: name, MiB, compute capability; None for what it cannot tell ("[N/A]")."""
    parts = [part.strip() for part in line.rsplit(",", 2)]
    try:
        name, mib, compute = parts
        major, minor = compute.split(".")
        return Gpu(name, int(mib) / 1024, (int(major), int(minor)))
    except ValueError:
        return None


def choose(cards: Sequence[Gpu], name: str | None = None) -> Command:
    """The command for these cards and, where given, this model. Raises UnavailableError where none fits."""
    count, memory, compute = _group(cards)
    if compute < OLDEST:
        raise UnavailableError(
            f"{cards[0].name}: compute capability {compute[0]}.{compute[1]}; vLLM needs 7.5 or newer"
        )
    room = USABLE * memory * count
    if name is None:
        model = next((m for m in MODELS if m.gib <= memory * count and compute >= m.from_), None)
        if model is None:
            raise UnavailableError(f"{cards[0].name} with {memory:.0f} GiB: too small for the models known here")
        return _command(model, count, room, compute, ())
    known = next((m for m in (*MODELS, *OTHERS) if m.name.lower() == name.lower()), None)
    notes = _notes(known, name, memory * count, compute)
    return _command(known or _unknown(name), count, room, compute, notes)


def _group(cards: Sequence[Gpu]) -> tuple[int, float, tuple[int, int]]:
    """How many cards work together (a power of two of the same kind), the memory of each, their capability."""
    if not cards:
        raise UnavailableError("no GPU given")
    alike = [card for card in cards if card.name == cards[0].name]
    count = 1 << (len(alike).bit_length() - 1)
    one = cards[0]
    while count > 1 and MODELS[0].gib <= one.gib * count / 2:
        count //= 2  # fewer cards do: the others serve replicas
    return count, one.gib, one.compute


def _unknown(name: str) -> Model:
    if name.startswith("-") or any(c.isspace() for c in name):
        raise InputError(f"{name!r}: not the name of a model or a folder")
    older = any(part in name.lower() for part in ("qwen2", "qwen1"))
    return Model(name, 0, OLDEST, vision=False, thinks=not older)


def _notes(known: Model | None, name: str, memory: float, compute: tuple[int, int]) -> tuple[str, ...]:
    if known is None:
        return (f"{name} is not among the models known here; whether it fits is not checked",)
    notes = []
    if known.gib > memory:
        notes.append(f"{known.name} needs about {known.gib:g} GiB and {memory:.0f} GiB are there: it may not fit")
    if compute < known.from_:
        need = ".".join(map(str, known.from_))
        notes.append(f"{known.name} wants compute capability {need}, here it is {compute[0]}.{compute[1]}")
    return tuple(notes)


def _command(model: Model, count: int, room: float, compute: tuple[int, int], notes: tuple[str, ...]) -> Command:
    context = CONTEXT if room - model.gib >= TIGHT or not model.gib else SMALL_CONTEXT
    argv = ["vllm", "serve", model.name, "--host", HOST, "--port", str(PORT), "--max-model-len", str(context)]
    if model.thinks:
        argv += ["--reasoning-parser", "qwen3", "--default-chat-template-kwargs", json.dumps(NO_THINKING)]
    if model.vision:
        argv.append("--language-model-only")
    argv.append("--enable-prefix-caching")
    if compute >= FP8_COMPUTE and model.name.endswith("-FP8"):
        argv += ["--kv-cache-dtype", "fp8"]
    if compute < BF16:
        argv += ["--dtype", "half"]
    if count > 1:
        argv += ["--tensor-parallel-size", str(count)]
    secret = ("the key is read from CASEBOOK_LLM_API_KEY, which vLLM gets as VLLM_API_KEY",)
    key = os.environ.get("CASEBOOK_LLM_API_KEY")
    environment = {"VLLM_API_KEY": key} if key else {}
    return Command(tuple(argv), model.name, environment, notes + (secret if key else ()))


def program(root: Path | None = None) -> list[str]:
    """How vLLM is started: `vllm` on the PATH, else that of `make vllm`. Raises UnavailableError."""
    if found := shutil.which("vllm"):
        return [found, "serve"]
    folder = (root or Path.cwd()) / ".venv-vllm" / "bin"
    if (folder / "vllm").exists():
        return [str(folder / "vllm"), "serve"]
    raise UnavailableError("vllm is not installed; make vllm builds an environment for it, or: pip install vllm")


def run(command: Command) -> int:
    """Start the server and stay until it ends; its exit status. Raises UnavailableError where vLLM is not installed."""
    argv = [*program(), *command.argv[2:]]
    server = subprocess.Popen(argv, env=os.environ | command.environment)
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()  # the terminal has told it too; what ignores that is ended
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        raise
