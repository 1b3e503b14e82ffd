#!/usr/bin/env python3
"""Collect what a diagnosis needs from a training machine: one file, standard library only, Python 3.8 or newer.

Copy this file to the machine and run it where the training is started:

    python collect.py train.log --config ds_config.json > report.txt

The report holds versions, accelerators, limits, environment variables of known libraries, configs, the first error and
the tail of the logs. Keys, passwords, e-mails, private addresses, machine and user names are replaced by placeholders;
read it before you send it. Nothing is sent anywhere. Every command has a time limit, and a part that fails says so.
"""
# ruff: noqa: E501 - a rule of the redaction table is one line

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator

COMMAND_SECONDS = 15
TORCH_SECONDS = 60
LOG_SECONDS = 20  # for reading one log
TAIL_BYTES = 64 * 1024
TAIL_LINES = 80
BEFORE_ERROR, AFTER_ERROR = 15, 60
CONFIG_BYTES = 64 * 1024
MAX_CONFIGS = 12
LINE_CHARS = 2000

PACKAGES = """accelerate apex auto-gptq autoawq axolotl bitsandbytes causal-conv1d compressed-tensors datasets deepspeed
fairscale flash-attn flash-linear-attention flashinfer-python gptqmodel hqq huggingface-hub ktransformers liger-kernel
llama-cpp-python llamafactory llmcompressor lmdeploy lm-eval megatron-core mlx mlx-lm modelscope ms-swift numpy
nvidia-cublas-cu12 nvidia-cudnn-cu12 nvidia-nccl-cu12 openrlhf optimum peft protobuf qwen-agent qwen-vl-utils ray
safetensors sentence-transformers sentencepiece sglang tensorrt-llm tiktoken tokenizers torch torch-npu torchao
torchaudio torchtitan torchvision transformer-engine transformers triton trl unsloth verl vllm vllm-ascend wandb
xformers""".split()

ENVIRONMENT = re.compile(
    r"(?:NCCL|CUDA|HF|HUGGINGFACE|TRANSFORMERS|VLLM|SGLANG|TORCH|PYTORCH|DS|DEEPSPEED|ACCELERATE|FSDP|MEGATRON|"
    r"NVTE|OMP|MKL|"
    r"TOKENIZERS|TRITON|GLOO|UCX|FI|HCCL|ASCEND|NPU|ROCM|HIP|HSA|RCCL|MODELSCOPE|USE_MODELSCOPE|SWIFT|LLAMA|"
    r"OLLAMA|GGML|RAY|"
    r"SLURM|WANDB|XLA|FLASH|BNB|LD_LIBRARY|LD_PRELOAD|VISIBLE|CONDA_DEFAULT|VIRTUAL|FORCE_TORCHRUN|MALLOC)_\w*|"
    r"WORLD_SIZE|RANK|LOCAL_RANK|LOCAL_WORLD_SIZE|NODE_RANK|NNODES|NPROC_PER_NODE|MASTER_ADDR|MASTER_PORT|"
    r"PYTHONPATH|LC_ALL|LANG"
)

# In a process of its own: importing torch can hang or crash, which is what is being reported.
TORCH = """
import torch
print("PyTorch version:", torch.__version__)
print("CUDA used to build PyTorch:", torch.version.cuda)
print("cuDNN:", torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None)
print("Accelerators seen by torch:", torch.cuda.device_count(), "usable:", torch.cuda.is_available())
print("NCCL version", ".".join(map(str, torch.cuda.nccl.version())) if torch.cuda.is_available() else None)
"""
SECRET_NAME = re.compile(r"KEY|TOKEN(?!IZER)|SECRET|PASSW|CREDENTIAL|AUTH")
PLAIN_VALUE = re.compile(r"(?i)\d{1,4}|true|false|yes|no|on|off|none|empty")

COMMANDS = (
    "nvidia-smi",
    "nvidia-smi topo -m",
    "nvcc --version",
    "npu-smi info",
    "rocm-smi",
    "gcc --version",
    "ollama --version",
)

# A config is worth taking when it holds one of these keys.
CONFIG_KEYS = re.compile(
    r"zero_optimization|train_micro_batch_size_per_gpu|model_name_or_path|base_model|per_device_train_batch_size|"
    r"finetuning_type|deepspeed_config|distributed_type|fsdp_config|lora_r|adapter_name_or_path|micro_batch_size|"
    r"learning_rate|actor_rollout_ref|tensor_parallel_size|quantization_config"
)
ERROR_LINE = re.compile(
    r"Traceback \(most recent call last\)|^\S*(?:Error|Exception)\b[:(]|\b(?:ERROR|FATAL|CRITICAL)\b|CUDA error|"
    r"NCCL WARN|out of memory|Out of memory|Segmentation fault|core dumped|Killed|Watchdog caught|\[ERROR\]|EZ\d{4}|"
    r"EI\d{4}|\bpanic:"
)

# --- redaction: the essential rules of kb/redact_rules.py for Python's re; a test holds the two together ---

NAME = r"(?:api[_-]?key|app[_-]?key|secret|passw(?:or)?d|passwd|passphrase|credential|(?:access|account|auth|private|encryption|sharedaccess)[_-]?key(?:_id)?|(?:access|auth|refresh|bearer|session|hf|hub|hugging_?face_?hub|github|gh|gitlab|slack|bot|api|id|app|login|jupyter)[_-]?token)"
Q = r"\\?[\"']?"
HOST = r"[A-Za-z0-9](?:[\w.-]*\w)?"
OCTETS = r"(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d))"
NO_VALUE = r"(?:none|null|true|false|empty|str|string|int|bool|optional.*|secretstr|undefined|unset|required|missing|invalid|expected|not|is|was|must|os\.(?:environ|getenv).*|getenv.*|your.*|.*x{3}.*|.*\*{3}.*|.*\.{3}.*|[<$%{\[(|].*|-+|--.*|basic|bearer|(?:[a-z]+[-_])*(?:tokens?|(?:api)?keys?|secrets?|passwords?|credentials?)[,;]?|[a-z_]+(?:\.[a-z_]+)+|[a-z_][a-z_.]*\(.*)"
USERS = r"(?:root|users?|username|ubuntu|debian|centos|ec2-user|admin|administrator|public|default|shared?|guest|runner|jovyan|vscode|node|app|work|workspace|data|disk\d*|models?|projects?|vllm|ollama|(?:ana|mini)conda3?|git|hg|name|your.*|my.*|x+)"
HOSTS = r"(?:localhost.*|127\..*|0\.0\.0\.0|::1?|none|null|self\..*|host|hostname|unknown|host\.docker\.internal|\d+|[<$%{\[(].*|(?:.*\.)?(?:github\.com|huggingface\.co|hf\.co|modelscope\.cn|pypi\.org|gitlab\.com|gitee\.com))"
# (pattern, values to keep): named groups are replaced, their names without digits are the kinds. One rule a line.
RULES = (
    (r"\b(?P<key>sk-[\w-]{18,})", r"(?-i:sk-[a-z]+(?:-[a-z]+)+|sk-[xX*]+)"),
    (r"\b(?P<key>(?:hf|api_org)_[A-Za-z0-9]{20,}|gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|glpat-[\w.-]{18,}|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w.-]{20,}|GOCSPX-[\w-]{20,}|[\w~.-]{3}\dQ~[\w~.-]{30,}|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}|(?:LTAI|AKID|AKLT|ALTAK-)[A-Za-z0-9]{12,}|ms-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}\.[A-Za-z0-9]{16}|(?:gsk_|xai-|nvapi-|pplx-|r8_|tgp_v1_|npm_|dckr_pat_|pypi-Ag|[rs]k_live_|hvs\.|SG\.|wandb_v1_|lsv2_[ps]t_)[\w.=+/-]{20,})", r"hf_[xX]+"),
    (r"\b(?P<token>eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*)", ""),
    (r"(?:hooks\.slack\.com/\w+|/api/webhooks|/bot/v2/hook)/(?P<key>[\w/-]{16,})|(?P<key2>\d{6,12}:AA[\w-]{30,})", ""),
    (r"(?i)authorization" + Q + r"\s*[:=]\s*" + Q + r"(?:(?:basic|bearer|token|apikey)\s+)?(?P<token>[!#-&(-+\--~]{6,})", NO_VALUE),
    (r"(?i)\bbearer\s+(?P<token>[\w.~+/=-]{12,})", r"(?-i:[A-Za-z]?[a-z]*(?:[-_][a-z]+)*)"),
    (r"(?i)\bcookie" + Q + r":\s*" + Q + r"(?P<token>[^\s\"'][ !#-&(-~]*=[ !#-&(-~]+)", ""),
    (r"://(?P<password>[!$%&(-.0-;=A-~][!$%&(-.0-;=@-~]*)@", r"git|hg|[$<{*].*|user(?:name)?:pass(?:word)?|.*:(?:[$<{].*|\*+)"),
    (r"[?&;](?i:[\w.-]*(?:token|key|secret|sig|signature|password|credential|policy|auth))=(?P<token>[!$%*-:=@-~]{6,})", NO_VALUE),
    (r"\blogin\s+(?P<user>[!-~]+)\s+password\s+(?P<password>[!-~]+)", USERS),
    (r"(?i)(?:wandb|weights)[^\n]{0,80}?\b(?P<key>[0-9a-f]{40})\b", ""),
    (r"(?m)(?:^|[\s,;'\"])[A-Z][A-Z0-9_]*(?i:" + NAME + r"|pwd)[A-Z0-9_]*=" + Q + r"(?P<key>[!#-&(-~]+)", NO_VALUE),
    (r"(?i)" + NAME + r"(?:_?(?:file|path|dir|env|name|len|length|type)\b|[\w-]*(?:\.key)?" + Q + r"\]?\s*(?:(?:[:=]+|=>)\s*(?:\\?\"(?P<key>[!#-\[\]-~][ !#-\[\]-~]*)\\?\"|\\?'(?P<key2>[!-&(-\[\]-~][ !-&(-\[\]-~]*)\\?')|=\s*(?P<key3>[!#-%*+\--:=?-Z^_a-z|~][!#-%(*+\--:=?-Z^_a-z|~]*)|:\s*(?P<key4>[!#-&*+\--:=?-Z^_a-z|~]*[\d!#%&*+=@^~][!#-&(*+\--:=?-Z^_a-z|~]*)))", NO_VALUE),
    (r"(?im)^[ \t-]*[\"']?[\w.-]*" + NAME + r"[\"']?:\s+(?P<key>[!#-&(-;=-~][!-~]{3,})\s*$", NO_VALUE),
    (r"(?:--|configure set )[\w-]*(?i:" + NAME + r")\s+" + Q + r"(?P<key>[!#-&(-~]+)", NO_VALUE),
    (r"\bsshpass\s+-p\s*(?P<password>\S+)|\bcurl\b.*?\s(?:-u|--user)\s+(?P<password2>[!-~]+:[!-~]+)|\bmysql\b.*?\s-p(?P<password3>\S+)|\blogin\b.*?\s-p\s+(?P<password4>\S+)|\bossutil\b.*?\s-k\s+(?P<password5>\S+)|\becho\s+(?P<password6>\S+)\s*\|\s*sudo\s+-S", ""),
    (r"(?:密码|密钥|口令|令牌)\s*(?:是|为|:|：|=)+\s*[\"'“`]?(?P<password>[!#-&(-_a-~]{4,})|(?:密码|口令)[ \t]+(?P<password2>[!#-&(-_a-~]*[A-Za-z][!#-&(-_a-~]*[\d@#!][!#-&(-_a-~]*)", NO_VALUE),
    (r"\b[A-Z][A-Z0-9_]*_(?:KEY|PAT|PASS|PW|CREDENTIALS)=" + Q + r"(?P<key>(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+/-]{12,}=*)", "/.*"),
    (r"(?i)\b[\w.-]*(?:token|signature|auth)" + Q + r"\s*[:=]+\s*" + Q + r"(?P<token>(?=[\w+/~-]*\d)(?=[\w+/~-]*[a-z])[\w+/~-]{16,}=*)|\bkey\d?" + Q + r"\s*[:=]+\s*" + Q + r"(?P<key>[a-z0-9]{24,})\b", r"(?-i:[A-Za-z_/-]+\d{0,4}|(?:[A-Z][a-z]{2,}\d{0,2})+)"),
    (r"(?<![\w.%+-])(?P<email>[A-Za-z0-9][\w.%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+(?:com|org|net|edu|gov|info|dev|cloud|[a-z]{2}))\b", r"(?:git|hg)@.*"),
    (r"(?m)(?:^|[\s(\]])(?P<user>[a-z_][\w.-]*)@(?P<host>" + HOST + r"):\S*\s?[#$%]|\[(?P<user2>[a-z_][\w.-]*)@(?P<host2>" + HOST + r") [^\]\n]*\][#$%]|(?P<user4>\w[\w.-]*)@(?P<host4>" + HOST + r") MINGW|\b(?:ssh|scp|rsync)\b.*?\s(?P<user3>[A-Za-z_][\w.-]*)@(?P<host3>" + HOST + r")", USERS + "|" + HOSTS),
    (r"(?i)(?:\b[a-z]:|/mnt/[a-z])[\\/]+users[\\/]+(?:(?P<user>[^\\/:*?\"<>|\s][^\\/:*?\"<>|\r\n]*)[\\/]|(?P<user2>[\w.-]+))", USERS),
    (r"https?://[^\s?#]+|/(?:home|Users)/(?:(?P<user>(?:\w|[^\x00-\x7f])[^\s/:\"'<>|]*)/|(?P<user2>\w(?:[\w.-]*\w)?))", USERS),
    (r"\b(?:USER|LOGNAME|USERNAME|SUDO_USER)(?:=|[\"']\s*:\s*)" + Q + r"(?P<user>[\w.-]+)|\"username\"\s*:\s*\"(?P<user2>[\w.@+-]+)\"|(?i:logged in as):?[ \t]+(?P<user3>\w[\w.-]*\w)", USERS),
    (r"(?i)(?<![\w.])[\w.]*(?:curand|nvidia|cuda|tensorrt|cu1\d)[\w.-]*?[-=<>~! @(]*\d+(?:\.\d+)+|==\s*\d+(?:\.\d+)+|\bversions?\b[^\w\n]{0,4}v?\d+(?:\.\d+)+|[a-z_][\w-]*\.(?:[a-z]\w*\.)*\d+(?:\.\d+)+|\b\d+(?:\.\d+){4,}|\b(?P<ip>(?:10" + OCTETS + r"|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))" + OCTETS + r"{2})\b|\b(?P<ip2>(?:f[cd][0-9a-f]{2}|fe80):(?:[0-9a-f]{0,4}:)+[0-9a-f]{0,4})", ""),
    (r"\b(?P<host>ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*internal)?|(?:DESKTOP|LAPTOP)-[A-Z0-9]{5,8})\b|host\.docker\.internal|(?i:\b(?P<host2>(?:[a-z0-9-]+\.)+(?:corp|lan|intranet|intra|localdomain|home\.arpa|svc|cluster\.local)|(?:[a-z0-9-]*[a-z0-9]-[a-z0-9-]*|[a-z]+\d[a-z0-9]*)(?:\.[a-z0-9-]+)*\.(?:local|internal))\b)", HOSTS),
    (r"(?i)(?:master[_-]?addr|host_?name|node_?name|node_?list|rdzv[_-]endpoint)" + Q + r"(?:=|[ \t]+)\s*" + Q + r"(?P<host>[a-z0-9][\w.-]*[-.\d][\w.-]*(?:\[[\d,-]+\])?)|\bhost[ \t]+: (?P<host2>" + HOST + ")", HOSTS),
    (r"(?m)(?<![\w.-])(?P<host>" + HOST + r"):\d+:\d+ \[\d+\] \w|\[(?P<host2>[a-zA-Z](?:[\w.-]*\w)?)\]:\d{2,5}\b|connect to \((?P<host3>" + HOST + r"), ?\d|^[ \t]*(?P<host4>" + HOST + r")[ \t]+slots=\d|\bON (?P<host5>" + HOST + r") CANCELLED|srun: error: (?P<host6>[\w.-]*[\d-][\w.-]*): |^(?P<host7>" + HOST + r"): \[\d{4}-|^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<host8>" + HOST + r") [\w./-]+(?:\[\d+\])?:|^\d{4}-\d\d-\d\d[T ]\S+ (?P<host10>[A-Za-z](?:[\w.-]*\w)?) (?:[\w./-]+\[\d+\]|kernel):|\b(?P<host11>[A-Za-z][\w.]*(?:-\w+)*-\[\d{2,4}(?:[-,]\d{2,4})+\]|(?i:\w*(?:node|gpu|worker|host|compute)\w*)\[\d{2,4}(?:[-,]\d{2,4})+\])|(?:https?|tcp|grpc|redis|ray)://(?:<password-\d+>@)?(?P<host9>[A-Za-z][A-Za-z-]*\d[A-Za-z0-9-]*)(?::\d|/|\s|$)", HOSTS),
)  # fmt: skip
_MARK = r"-----%s [A-Z ]*PRIVATE KEY[A-Z ]*-----"
_KEY_LINES = r"(?:^[ \t>|\"'+]*[A-Za-z0-9+/]{%s,90}={0,2}[ \t\r\"',]*(?:\n|\Z)){1,200}"
PEMS = (  # whole; cut off at its end; cut off at its beginning
    re.compile("(%s)(.{1,20000}?)(?=-----END)" % _MARK % "BEGIN", re.S),
    re.compile("(%s[ \\t\\r]*\\n)(%s)" % (_MARK % "BEGIN", _KEY_LINES % 4), re.M),
    re.compile("()(%s)(?=[^\\n]*%s)" % (_KEY_LINES % 20, _MARK % "END"), re.M),
)


class Redactor:
    """Replaces secrets by numbered placeholders; the same secret has the same one throughout a report."""

    rules = tuple((re.compile(pattern, re.A), re.compile(keep, re.A | re.I)) for pattern, keep in RULES)

    def __init__(self) -> None:
        self.count = 0
        self._placeholders: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def __call__(self, text: str) -> str:
        """The text redacted, with as many lines as before."""
        for pattern in PEMS if "PRIVATE KEY" in text else ():
            text = pattern.sub(self._private_key, text)
        for pattern, keep in self.rules:
            text = pattern.sub(partial(self._replace, keep), text)
        for value, mark in list(self._placeholders.items())[:100]:  # what was found once, wherever else it stands
            user = mark.startswith("<user-") and len(value) > 3
            if value in text and (user or (len(value) > 11 and any(c.isdigit() for c in value))):
                edge = r"(?<=/)%s(?=/)" if user else r"(?<![\w<-])%s(?![\w-])"
                text = re.sub(edge % re.escape(value), mark, text)
        return text

    def placeholder(self, value: str, kind: str) -> str:
        """`<kind-n>`, the same for the same value."""
        self.count += 1
        if value not in self._placeholders:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self._placeholders[value] = "<%s-%d>" % (kind, self._numbers[kind])
        return self._placeholders[value]

    def _replace(self, keep: re.Pattern[str], match: re.Match[str]) -> str:
        pieces: list[str] = []
        done = match.start()
        for name, value in sorted(match.groupdict().items(), key=lambda item: match.start(item[0])):
            if value and not value.startswith("<") and not keep.fullmatch(value) and "\n" not in value:
                pieces += [match.string[done : match.start(name)], self.placeholder(value, name.rstrip("0123456789"))]
                done = match.end(name)
        return "".join([*pieces, match.string[done : match.end()]])

    def _private_key(self, match: re.Match[str]) -> str:
        mark = self.placeholder(match[2], "private-key")
        return str(match[1]) + re.sub(r"[!-~](?:[ -~]*[!-~])?", mark, match[2])


# --- the parts of the report ------------------------------------------------------------------------------------------


def guarded(part: Callable[..., Any], *arguments: Any) -> Any:
    """What the part returns, or a line that says why it has nothing."""
    try:
        return part(*arguments)
    except Exception as error:  # a report with a gap is better than none
        return "not available: %s: %s" % (type(error).__name__, str(error)[:300])


def run(command: list[str], seconds: float = COMMAND_SECONDS) -> str:
    """The output of a command, or why there is none.

    After the time limit the process is killed and not waited for: a tool stuck in the driver cannot be ended.
    """
    if shutil.which(command[0]) is None:
        return "not found"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return "no answer within %g s" % seconds
    return output.decode("utf-8", "replace")[:20000].strip() or "no output, exit status %d" % process.returncode


def system() -> str:
    """Operating system, Python, processors, memory in GiB."""
    memory = re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo")) if Path("/proc/meminfo").exists() else None
    return "\n".join(
        [
            "Platform: %s" % platform.platform(),
            "Python version: %s" % platform.python_version(),
            "Processors: %s" % os.cpu_count(),
            "Memory: %s GiB" % (round(int(memory[1]) / 1024**2, 1) if memory else "unknown"),
            "In a container: %s" % Path("/.dockerenv").exists(),
        ]
    )


def packages() -> str:
    """name==version of the installed packages that matter."""
    found = []
    for name in PACKAGES:
        try:
            found.append("%s==%s" % (name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return "\n".join(found) or "none of the usual packages is installed for %s" % Path(sys.executable).name


def gpus() -> str:
    """The number of accelerators and their names, from the driver's tools or device files."""
    listed = run(["nvidia-smi", "-L"])
    count = len(re.findall(r"^GPU \d+:", listed, re.M))
    devices = [path.name for path in Path("/dev").iterdir() if re.fullmatch(r"nvidia\d+|davinci\d+|kfd", path.name)]
    return "GPU count: %d\nDevice files: %s\n%s" % (count, " ".join(sorted(devices)) or "none", listed)


def environment(redactor: Redactor) -> str:
    """Environment variables of known libraries; a value whose name sounds secret is replaced whatever it looks like."""
    lines = []
    for name, value in sorted(os.environ.items()):
        if ENVIRONMENT.fullmatch(name):
            secret = SECRET_NAME.search(name) and len(value) > 1 and not PLAIN_VALUE.fullmatch(value)
            lines.append("%s=%s" % (name, redactor.placeholder(value, "key") if secret else value[:LINE_CHARS]))
    return "\n".join(lines) or "none set"


def limits() -> str:
    """ulimits that make training fail: locked memory, open files, processes, stack."""
    import resource  # not on Windows

    wanted = ("MEMLOCK", "NOFILE", "NPROC", "STACK", "CORE", "AS")
    found = [(name, resource.getrlimit(getattr(resource, "RLIMIT_" + name))) for name in wanted]
    return "\n".join("%s: soft %s, hard %s (-1 is unlimited)" % (name, soft, hard) for name, (soft, hard) in found)


def disks() -> str:
    """Free and whole size in GiB of the places that run full; a small /dev/shm breaks data loaders and NCCL."""
    lines = []
    for place in dict.fromkeys([Path.cwd(), Path(tempfile.gettempdir()), Path("/dev/shm"), Path.home() / ".cache"]):
        if place.is_dir():
            usage = shutil.disk_usage(place)
            lines.append("%s: %.1f of %.1f GiB free" % (place, usage.free / 1024**3, usage.total / 1024**3))
    return "\n".join(lines)


def read(path: str | Path, limit: int = CONFIG_BYTES) -> str:
    """The first `limit` bytes of a file as text."""
    with regular(path).open("rb") as file:
        return file.read(limit).decode("utf-8", "replace").replace("\0", "")


def regular(path: str | Path) -> Path:
    """The path, if reading it cannot block. Raises ValueError for pipes, devices and folders."""
    if Path(path).exists() and not Path(path).is_file():
        raise ValueError("%s is not a file" % path)
    return Path(path)


def configs_here() -> Iterator[Path]:
    """JSON and YAML files of the current folder and its config folders that look like training configs."""
    folders = [Path(), Path("config"), Path("configs")]
    for path in sorted(p for folder in folders if folder.is_dir() for p in folder.iterdir()):
        likely = path.suffix in (".json", ".yaml", ".yml") and path.is_file() and path.stat().st_size <= CONFIG_BYTES
        if likely and CONFIG_KEYS.search(read(path)):
            yield path


def log_parts(path: str) -> tuple[int, str, str]:
    """The number of the first error line (0: none), the lines around it, and the last lines."""
    number, lines = first_error(path)
    with regular(path).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        tail = [plain(line) for line in file.read().split(b"\n")][-TAIL_LINES:]
    return number, "\n".join(lines), "\n".join(tail)


def first_error(path: str) -> tuple[int, list[str]]:
    """The number of the first line that looks like an error, and the lines around it. At most LOG_SECONDS."""
    around: list[str] = []
    number, deadline = 0, time.monotonic() + LOG_SECONDS
    with regular(path).open("rb") as file:
        for at, raw in enumerate(iter(lambda: file.readline(1 << 20), b""), 1):
            around.append(plain(raw))
            if number and at >= number + AFTER_ERROR:
                break
            if not number and ERROR_LINE.search(around[-1]):
                number = at
            elif not number:
                around = around[-BEFORE_ERROR:]
            if time.monotonic() > deadline:
                return number, [*around, "... reading stopped after %d s" % LOG_SECONDS]
    return number, around if number else ["no line looks like an error"]


def plain(raw: bytes) -> str:
    """One line of bytes as text without its end, NULs and what is beyond LINE_CHARS."""
    return raw[:LINE_CHARS].decode("utf-8", "replace").rstrip("\r\n").replace("\0", "")


def report(logs: list[str], configs: list[str]) -> dict[str, str]:
    """The parts of the report by title, redacted, in the order to read them."""
    redactor = Redactor()
    parts: dict[str, str] = {}
    parts["system"] = guarded(system)
    parts["packages"] = guarded(packages)
    parts["torch"] = guarded(run, [sys.executable, "-c", TORCH], TORCH_SECONDS)
    parts["accelerators"] = guarded(gpus)
    for command in COMMANDS:
        parts[command] = guarded(run, command.split())
    parts["environment"] = guarded(environment, redactor)
    parts["limits"] = guarded(limits)
    parts["disks"] = guarded(disks)
    chosen = [Path(path) for path in configs] or guarded(lambda: list(configs_here())[:MAX_CONFIGS])
    for path in chosen if isinstance(chosen, list) else []:
        parts["config %s" % path] = guarded(read, path)
    for path in logs:
        found = guarded(log_parts, path)
        number, first, tail = found if isinstance(found, tuple) else (0, found, "")
        parts["log %s, from the first error%s" % (path, " at line %d" % number if number else "")] = first
        parts["log %s, end" % path] = tail
    parts = {redactor(title): redactor(text) for title, text in parts.items()}
    parts["redaction"] = "%d replaced" % redactor.count
    return parts


def main(argv: list[str] | None = None) -> int:
    """Write the report to stdout or a file.

    Returns 0 when done, 2 for bad usage, 3 when the file cannot be written, 130 when interrupted. Never raises.
    """
    parser = argparse.ArgumentParser(prog="casebook collect", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("logs", nargs="*", metavar="LOG", help="log files of the run that failed")
    parser.add_argument(
        "--config", action="append", default=[], metavar="FILE", help="config file (default: found here)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write here instead of stdout")
    parser.add_argument("--json", action="store_true", help="as JSON")
    try:
        arguments = parser.parse_args(argv)
        parts = report(arguments.logs, arguments.config)
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return 130
    text = "\n\n".join("=== %s ===\n%s" % part for part in parts.items()) + "\n"
    if arguments.json:
        text = json.dumps({"schema": "casebook/collect/1", "parts": parts}, ensure_ascii=False, indent=1) + "\n"
    return write(text, arguments.output)


def write(text: str, path: str | None) -> int:
    """Write the report as UTF-8; a closed pipe is quiet."""
    data = text.encode("utf-8", "replace")
    try:
        if path:
            Path(path).write_bytes(data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
    except OSError as error:
        print("casebook collect: cannot write %s: %s" % (path or "stdout", error), file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
