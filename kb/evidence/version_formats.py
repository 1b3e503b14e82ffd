r"""How versions are written in pastes: names of components, and ordered formats, each with its reason.

Patterns are RE2 syntax over UTF-8 bytes (kb.patterns), case ignored. `{NAME}` is any known name, `{V}` a version.
Groups: `name` (a known name; without it the format says which component it is), `version`, `old`. A match without a
version is benign text, put first in an alternation so that nothing else takes it.
"""

from typing import NamedTuple

# Component of kb/vocabulary/components.yaml: names that carry its version. Not the vocabulary's spellings: tiktoken is
# a spelling of tokenizers there, but its version is its own.
NAMES: dict[str, tuple[str, ...]] = {
    "torch": ("torch", "pytorch"),
    "transformers": ("transformers", "hf transformers", "huggingface transformers"),
    "trl": ("trl",),
    "peft": ("peft",),
    "accelerate": ("accelerate",),
    "deepspeed": ("deepspeed", "deep speed"),
    "megatron": ("megatron-core", "megatron_core", "megatron-lm", "mcore", "megatron"),
    "torchtitan": ("torchtitan",),
    "axolotl": ("axolotl",),
    "llama-factory": ("llamafactory", "llama-factory", "llama factory"),
    "ms-swift": ("ms-swift", "ms_swift", "swift"),
    "unsloth": ("unsloth",),
    "verl": ("verl",),
    "openrlhf": ("openrlhf",),
    "fastchat": ("fastchat", "fschat"),
    "bitsandbytes": ("bitsandbytes", "bnb"),
    "flash-attention": ("flash-attn", "flash_attn", "flash-attention", "flash attention", "flashattention"),
    "flashinfer": ("flashinfer-python", "flashinfer_python", "flashinfer"),
    "xformers": ("xformers",),
    "liger-kernel": ("liger-kernel", "liger_kernel"),
    "apex": ("apex",),
    "transformer-engine": ("transformer-engine", "transformer_engine", "transformer engine", "transformerengine", "te"),
    "causal-conv1d": ("causal-conv1d", "causal_conv1d"),
    "flash-linear-attention": ("flash-linear-attention", "fla-core"),
    "triton": ("triton", "torchtriton", "pytorch-triton", "pytorch-triton-rocm"),
    "torchao": ("torchao",),
    "cuda": ("cuda toolkit", "cuda-toolkit", "cudatoolkit", "cuda runtime", "cuda"),
    "nccl": ("nvidia-nccl-cu12", "nvidia-nccl-cu11", "nvidia-nccl-cu13", "nccl"),
    "cublas": ("nvidia-cublas-cu12", "nvidia-cublas-cu11", "nvidia-cublas", "cublas"),
    "nvidia-driver": ("nvidia driver", "nvidia-driver", "gpu driver", "显卡驱动", "英伟达驱动", "驱动", "driver"),
    "vllm": ("vllm", "vllm-openai"),
    "sglang": ("sglang",),
    "llama-cpp-python": ("llama-cpp-python", "llama_cpp_python"),
    "ollama": ("ollama",),
    "lmdeploy": ("lmdeploy",),
    "tgi": ("text-generation-inference", "tgi"),
    "tensorrt-llm": ("tensorrt-llm", "tensorrt_llm", "trtllm"),
    "ktransformers": ("ktransformers",),
    "mlx": ("mlx-lm", "mlx_lm", "mlx"),
    "xinference": ("xinference",),
    "open-webui": ("open-webui", "open webui", "openwebui"),
    "lm-studio": ("lm studio", "lm-studio", "lmstudio"),
    "autogptq": ("auto-gptq", "auto_gptq", "autogptq"),
    "gptqmodel": ("gptqmodel",),
    "autoawq": ("autoawq",),
    "llm-compressor": ("llmcompressor", "llm-compressor"),
    "mergekit": ("mergekit",),
    "datasets": ("datasets",),
    "tokenizers": ("tokenizers",),
    "sentence-transformers": ("sentence-transformers", "sentence_transformers"),
    "safetensors": ("safetensors",),
    "huggingface-hub": ("huggingface-hub", "huggingface_hub"),
    "modelscope": ("modelscope",),
    "qwen-agent": ("qwen-agent", "qwen_agent"),
    "qwen-vl-utils": ("qwen-vl-utils", "qwen_vl_utils"),
    "lm-eval": ("lm-eval", "lm_eval"),
    "langchain": ("langchain",),
    "litellm": ("litellm",),
    "openai-client": ("openai",),
    "ray": ("ray",),
    "docker": ("docker",),
    "python": ("python", "cpython"),
    "pip": ("pip",),
    "gcc": ("gcc",),
    "numpy": ("numpy",),
    "wandb": ("wandb",),
    "tensorboard": ("tensorboard",),
    "torch-npu": ("torch-npu", "torch_npu"),
    "cann": ("cann", "ascend-toolkit", "cann-toolkit"),
    "ascend": ("ascend driver", "npu driver", "ascend hdk", "npu-smi"),
    "vllm-ascend": ("vllm-ascend", "vllm_ascend"),
    "rocm": ("rocm",),
}

# +cu121 belongs to the version; in "transformers 4.36+deepspeed 0.12" the plus joins two components.
_LOCAL = (
    r"(?:\+(?:cu\d|cpu|rocm|g[0-9a-f]{6}|git|[0-9a-f]{7}|[xnd]pu|das|dtk|maca|musa|cxx|cuda\d|pt\d|torch|"
    r"precompiled)\w*(?:\.\w+)*)"
)
V = r"v?(?:\d+(?:\.\d+)+(?:[.-]?(?:rc|alpha|beta|dev|post|a|b)[.-]?\d*)*" + _LOCAL + r"?)"
_WORDS = (
    "version|versions|ver|release|is|was|at|using|to|"
    "版本号|版本|版|的|用|使用|是|为|装|到|升级到|升级至|升到|更新到|目前|当前|：|（|“"
)
BETWEEN = r"(?:[ \t`\"'=:(@|-]|[-=]>|\(GPU\??\)|\.__version__\)?|" + _WORDS + r"){0,9}"
EDGE = r"(?:^|[^\w./@-])"


class Format(NamedTuple):
    """One way of writing a version.

    rank: how sure it is that this is what runs (0 a hint, 1 said in words, 2 asked for, 3 reported, 4 just installed).
    where: the line must hold one of these, lower case. component: for formats that name it otherwise.
    """

    name: str
    rank: int
    pattern: str
    why: str
    component: str = ""
    where: tuple[str, ...] = ()


FORMATS: tuple[Format, ...] = (
    Format("pip-installed", 4, r"[ \t]{NAME}-(?P<version>{V})(?:[ \t]|$)", "pip and uv name what is there now",
           where=("successfully installed",)),
    Format("uv-installed", 4, r"^[ \t]*\+ {NAME}==(?P<version>{V})", "uv lists changes as + and -"),
    Format("pip-conflict", 4, r"but you have {NAME} (?P<version>{V})", "the resolver: a requires b, but you have c"),
    Format("satisfied", 3, r"already satisfied: {NAME}[^(]*(?:\(from [^)]*\)[^(]*)?\((?P<version>{V})\)",
           "the installed version stands in the last bracket"),
    Format("freeze", 3, r"(?:^|[\s\"'\](,;]){NAME}(?:\[[\w, -]+\])?===?(?P<version>{V})", "pip freeze, requirements"),
    Format("row", 3, r"^[ \t]*(?:\[(?:pip3|conda)\][ \t]+)?{NAME}[ \t]+(?P<version>{V})(?:[ \t]|$)",
           "pip list, conda list"),
    Format("pip-show", 3, r"^Name: {NAME}\x00Version: (?P<version>{V})", "pip show gives two lines"),
    Format("pip-show-filter", 3, r"pip3? show {NAME}\b[^\x00]*\x00Version: (?P<version>{V})", "pip show, filtered"),
    Format("heading", 3, r"{NAME}[ \t]+version[ \t:?*`]*\x00[ \t`'\"]*(?P<version>{V})[ \t`'\"]*$",
           "issue templates ask for it in a heading"),
    Format("prompt", 3, r"{NAME}\.__version__[^\x00\n]{0,160}\x00[ \t(]*['\"]?(?P<version>{V})(?:[ \t,'\")]|$)",
           "a Python prompt and the first of its answers"),
    Format("report", 3, r"^[ \t-]*[`\"']?{NAME}[`\"']? version(?: \([^)]*\))? *: *(?P<version>{V})",
           "transformers env, LLaMA-Factory env, torch.utils.collect_env"),
    Format("ds-report", 3, r"(?:^|[ \t]){NAME} (?:version|info) \.{2,} *(?P<version>{V})", "ds_report pads with dots"),
    Format("ds-log", 3, r"{NAME} info: version=(?P<version>{V})", "DeepSpeed's first log line"),
    Format("driver-smi", 3, r"driver version: *(?P<version>\d{3}\.\d+(?:\.\d+)?)", "nvidia-smi", "nvidia-driver"),
    Format("driver-query", 3, r"(?:^|, *)(?P<version>\d{3}\.\d+(?:\.\d+)?)(?:,|$)",
           "nvidia-smi --query-gpu=name,driver_version --format=csv", "nvidia-driver", ("nvidia ", "tesla ")),
    Format("driver-nvrm", 3, r"kernel module +(?P<version>\d{3}\.\d+(?:\.\d+)?)", "the kernel's driver banner",
           "nvidia-driver", ("nvrm",)),
    Format("cuda-unsloth", 3, r"cuda toolkit: (?P<version>{V})",
           "Unsloth's `CUDA: 8.0` is the compute capability", "cuda"),
    Format("cuda-smi", 1, r"cuda version: *(?P<version>\d+\.\d+)", "the newest CUDA the driver can do", "cuda",
           ("driver version",)),
    Format("cuda-nvcc", 3, r"release (?P<version>\d+\.\d+)", "nvcc --version", "cuda", ("cuda compilation tools",)),
    Format("cuda-runtime", 3, r"cuda runtime version *: (?P<version>{V})", "collect_env", "cuda"),
    Format("cuda-build", 2, r"cuda used to build pytorch *: (?P<version>{V})", "collect_env", "cuda"),
    Format("cuda-folder", 1, r"/cuda-(?P<version>\d+\.\d+)(?:/|\b)", "the toolkit's folder", "cuda"),
    Format("gcc", 3, r"\bgcc(?: version *:)? \([^)]*\) (?P<version>{V})", "gcc --version, collect_env", "gcc"),
    Format("npu-smi", 3, r"npu-smi {V} +version: (?P<version>{V})", "npu-smi info", "ascend"),
    Format("vllm-banner", 3, r"(?:vllm api server version|llm engine \() ?(?P<version>{V})", "vLLM's start", "vllm"),
    Format("llama-build", 3, r"\b(?:build|version) ?[:=] ?b?(?P<version>\d{3,6}) \([0-9a-f]{7,}\)",
           "llama.cpp's start",
           "llama-cpp"),
    Format("llama-bench", 3, r"\bbuild: [0-9a-f]{7,9} \((?P<version>\d{3,6})\)", "llama-bench", "llama-cpp"),
    Format("llama-tag", 1, r"\bb(?P<version>\d{4,5})\b", "llama.cpp's releases and images",
           "llama-cpp", ("llama", "ggml")),
    Format("llama-words", 1, r"llama\.?cpp[ \t]*(?:build|version|版本|build number)[ \t是:：]*(?P<version>\d{4,5})\b",
           "a build number in words", "llama-cpp"),
    Format("ollama", 3, r"(?:ollama|client) version is (?P<version>{V})", "ollama --version", "ollama"),
    Format("ollama-serve", 3, r"listening on [^\s]+ \(version (?P<version>{V})\)", "ollama serve's log", "ollama"),
    Format("image", 2, r"(?:^|[/ \t=\"']){NAME}:(?P<version>{V})", "Docker images: vllm/vllm-openai:v0.8.4"),
    Format("image-row", 2, r"^[ \t]*(?:[\w.:-]+/){1,3}{NAME}[ \t]+(?P<version>{V})", "docker images"),
    Format("image-part", 2, r"[:-]{NAME}(?P<version>{V})", "parts of an image's tag: …-torch2.6.0-vllm0.8.5",
           where=("/",)),
    Format("cuda-image", 2, r"nvidia/cuda:(?P<version>\d+\.\d+(?:\.\d+)?)", "CUDA base images", "cuda"),
    Format("git-tag", 2, r"/{NAME}(?:\.git)?@(?P<version>{V})", "pip install git+…@v4.51.0"),
    Format("from-to", 1, r"{EDGE}{NAME}[^\d\n]{0,20}?(?:from|从|由)[ \t]*(?P<old>{V})[ \t]*(?:版本)?(?:to|"
           r"升级到|升级至|升级|升到|"
           r"更新到|更新为|改为|换到|换成|降到|降级到|->|→|=>)[ \t]*(?P<version>{V})",
           "an upgrade in words: the new one runs"),
    Format("from-name-to", 1, r"(?:from|从|由|:)[ \t]*{NAME}[ \t]*(?P<old>{V})[ \t]*(?:版本)?(?:to|升级到|"
           r"升级至|升级|升到|更新到|"
           r"降到|降级到|->|→|=>)[ \t]*(?P<version>{V})", "the same with the name after from"),
    Format("wheel", 1, r"(?:^|[/ \t]){NAME}-(?P<version>{V})(?:-cp\d|-py\d|\.dist-info|\.tar|\.egg|/)",
           "wheels and folders"),
    Format("words", 1, r"\[gcc [^\]]*\]|used to build pytorch[ :]*{V}|{EDGE}{NAME}{BETWEEN}(?P<version>{V})",
           "prose, YAML, JSON, log banners; [GCC 11.2.0] is what Python was compiled with"),
    Format("python-folder", 0, r"/python(?P<version>3\.\d+)/", "paths in a traceback", "python"),
)  # fmt: skip

# Lines on which no number is what runs.
NOT_HERE = (
    r"nvcr\.io/nvidia/pytorch|requires-dist|requires-python|wheel compiled|transformers_version|"
    r"compute capability \d"
)
# In the same clause before the name: not what runs, but what should, could, or did well.
NOT_BEFORE = (
    r"(?:requires?\b|required|needs?\b|at least|minimum|min\.|downgrad\w*|roll(?:ed|ing)? back|revert\w*|"
    r"work(?:s|ed|ing)? (?:fine |well |ok )?(?:with|on|in|under|for)|fine (?:with|on|in|under)|fixed (?:in|by)|"
    r"compiled (?:with|against|for)|built (?:with|against|for)|please|should|请|把|"
    r"recommend\w*|suggest\w*|\btry\b|tested (?:with|on)|需要|要求|至少|最低|不低于|降级|降到|回退|退回|推荐|建议|"
    r"修复于)[^,.;，。；]{0,30}$|"
    r"(?:since|before|until|prior to|than|if|supported (?:in|by|from))[ \t]*$"
)
# Right after the version.
NOT_AFTER = (
    r"^(?:\+(?:\W|$)|[ \t]*(?:以上|及以上|以后|或更高|或以上|or (?:later|newer|above|higher|greater)|"
    r"and (?:later|above|newer|up)|"
    r"正常|没问题|没有问题|是好的|就好|可以正常|不会|works|worked|is fine|was fine|is ok\b|fixes|fixed it|"
    r"is required|requires a))"
)
UNITS = (
    r"^(?:[A-Za-z_%]|\.\d|[ \t]?(?:gb|gib|mb|mib|kb|ms|s|sec|seconds?|minutes?|min|hours?|h|x|it/s|tok|tokens?|"
    r"tflops|times|"
    r"steps?|epochs?|%|秒|小时|分钟|倍|亿)(?:[^a-z]|$))"
)
DOWNGRADE = (  # and it helped: the old version is the one with the problem
    r"(?:downgrad|roll(?:ed|ing)? back|revert|降级|降到|回退|退回).*"
    r"(?:fix|solve|work|help|解决|好了|就好|正常|没问题|恢复)"
)
