"""Settings read from configurations of every form; bad input costs little and raises nothing."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.configs import read_configs
from kb.evidence import Input


def read(text: str, name: str = "text") -> dict[tuple[str, str], Any]:
    return {(v.kind, v.key): v.value for v in read_configs([Input(name, text)])}


def test_deepspeed_json_with_comments_and_trailing_commas() -> None:
    text = """{
  // ZeRO
  "zero_optimization": {
    "stage": 2,
    "overlap_comm": true,   /* faster */
    "offload_optimizer": {"device": "cpu",},
  },
  "communication_data_type": "fp32",
}"""
    values = read_configs([Input("ds.json", text)])
    assert [(v.kind, v.key, v.value, v.line) for v in values] == [
        ("deepspeed", "zero_optimization.stage", 2, 4),
        ("deepspeed", "zero_optimization.overlap_comm", True, 5),
        ("deepspeed", "zero_optimization.offload_optimizer.device", "cpu", 6),
        ("deepspeed", "communication_data_type", "fp32", 8),
    ]


def test_a_fragment_that_begins_inside_an_object() -> None:
    text = '    "overlap_comm": true,\n    "stage": 2\n  },\n  "fp16": {"enabled": true},'
    assert read(text) == {
        ("deepspeed", "zero_optimization.overlap_comm"): True,
        ("deepspeed", "zero_optimization.stage"): 2,
        ("deepspeed", "fp16.enabled"): True,
    }


def test_llama_factory_yaml() -> None:
    text = (
        "### model\nstage: sft\nfinetuning_type: lora  # or full\nlearning_rate: 1.0e-4\nfp16: true\ndeepspeed: ds.json"
    )
    assert read(text) == {
        ("llama-factory", "stage"): "sft",
        ("llama-factory", "finetuning_type"): "lora",
        ("llama-factory", "learning_rate"): 1e-4,
        ("llama-factory", "fp16"): True,
        ("llama-factory", "deepspeed"): "ds.json",
    }


def test_axolotl_yaml_with_lists() -> None:
    text = "base_model: Qwen/Qwen2.5-7B\ndatasets:\n  - path: a.jsonl\n    type: alpaca\nsequence_len: 2048\n"
    text += "lora_target_modules:\n- q_proj\n- v_proj\nadapter: qlora"
    found = read(text)
    assert found[("axolotl", "datasets.0.type")] == "alpaca"
    assert found[("axolotl", "lora_target_modules")] == ("q_proj", "v_proj")
    assert found[("axolotl", "adapter")] == "qlora"


def test_accelerate_counts_for_deepspeed() -> None:
    text = "compute_environment: LOCAL_MACHINE\ndeepspeed_config:\n  zero_stage: 3\n  zero3_save_16bit_model: false"
    found = read(text)
    assert found[("accelerate", "deepspeed_config.zero_stage")] == 3
    assert found[("deepspeed", "zero_optimization.stage")] == 3
    assert found[("deepspeed", "zero_optimization.stage3_gather_16bit_weights_on_model_save")] is False


def test_calls_inside_calls_keep_their_own_arguments() -> None:
    text = (
        "args = GRPOConfig(\n    learning_rate=1e-6, torch_dtype=torch.bfloat16,\n    peft_config=LoraConfig(r=8),\n)"
    )
    found = read(text)
    assert found[("trl", "learning_rate")] == 1e-6
    assert found[("trl", "torch_dtype")] == "bfloat16"
    assert found[("peft", "r")] == 8


def test_command_with_variables_in_front_and_continuations() -> None:
    text = "NCCL_P2P_DISABLE=1 swift sft --model Qwen/Qwen2.5-7B \\\n  --train_type lora \\\n"
    text += "  --target_modules q_proj v_proj"
    assert read(text) == {
        ("env", "NCCL_P2P_DISABLE"): 1,
        ("ms-swift", "model"): "Qwen/Qwen2.5-7B",
        ("ms-swift", "train_type"): "lora",
        ("ms-swift", "target_modules"): ("q_proj", "v_proj"),
    }


def test_docker_run_with_the_server_inside() -> None:
    text = "docker run --gpus all --shm-size=64m -e HF_ENDPOINT=https://hf-mirror.com "
    text += "vllm/vllm-openai:v0.8 --model a/b -tp 2"
    found = read(text)
    assert found[("docker", "shm-size")] == "64m"
    assert found[("env", "HF_ENDPOINT")] == "https://hf-mirror.com"
    assert found[("vllm", "tensor-parallel-size")] == 2


def test_vllm_serve() -> None:
    text = (
        """vllm serve Qwen/Qwen3-8B --enforce-eager --no-enable-prefix-caching --rope-scaling '{"rope_type": "yarn"}'"""
    )
    found = read(text)
    assert found[("vllm", "model")] == "Qwen/Qwen3-8B"
    assert found[("vllm", "enforce-eager")] is True
    assert found[("vllm", "enable-prefix-caching")] is False
    assert found[("vllm", "rope-scaling.rope_type")] == "yarn"


def test_launcher_and_script_have_their_own_flags() -> None:
    found = read("torchrun --nproc_per_node 8 train.py --learning_rate 2e-4 --fp16 True")
    assert found[("torchrun", "nproc_per_node")] == 8
    assert found[("transformers", "learning_rate")] == 2e-4
    assert found[("transformers", "fp16")] is True


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("I set per_device_train_batch_size to 4", ("transformers", "per_device_train_batch_size"), 4),
        ("ds config里有 communication_data_type: fp32", ("deepspeed", "communication_data_type"), "fp32"),
        ("overlap_comm 开着", ("deepspeed", "zero_optimization.overlap_comm"), True),
        ("我用 ZeRO-3 训练", ("deepspeed", "zero_optimization.stage"), 3),
        ("training with LLaMA-Factory, learning_rate is 5e-5", ("llama-factory", "learning_rate"), 5e-5),
        ("I disabled gradient_checkpointing", ("transformers", "gradient_checkpointing"), False),
        ("把 gpu_memory_utilization 改成 0.95", ("vllm", "gpu-memory-utilization"), 0.95),
    ],
)
def test_prose(text: str, key: tuple[str, str], value: Any) -> None:
    assert read(text).get(key) == value


@pytest.mark.parametrize(
    "text",
    [
        "{'loss': 0.2, 'grad_norm': 1.0, 'learning_rate': 1e-05, 'epoch': 0.1}",
        "try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation",
        "You can use float16 instead by explicitly setting the `dtype` flag in CLI, for example: --dtype=half.",
        "要不要把 overlap_comm 打开?",
        "vllm: 0.6.3\ndeepspeed: 0.14.2",
        "ValueError: learning_rate must be positive",
        "",
    ],
)
def test_what_is_no_setting(text: str) -> None:
    assert read(text) == {}


HOSTILE = {
    "deep objects": '{"zero_optimization":' + '{"a":' * 60_000,
    "deep lists": '"stage":' + "[" * 250_000,
    "open braces": "x = {\n" * 40_000 + "overlap_comm",
    "aliases": "stage: sft\na: &a [x]\n" + "".join(f"k{i}: &k{i} [*a,*a]\n" for i in range(50)),
    "slashes": '{"train_batch_size": ' + "/*" * 120_000,
    "spaces": "overlap_comm" + " " * 280_000,
    "metrics": "{'loss': 0.2, 'learning_rate': 1e-05}\n" * 5000,
    "indentation": "".join(" " * i + f"k{i}:\n" for i in range(700)) + "stage: sft",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_bounded(name: str) -> None:
    read_configs([Input("a", "learning_rate: 1")])  # compiles the tables
    begin = time.perf_counter()
    read_configs([Input("ds_config.json", HOSTILE[name])])
    assert time.perf_counter() - begin < 4  # about 0.3 s on an idle machine


def test_large_bytes_are_read_in_front_only() -> None:
    data = b'{"zero_optimization": {"stage": 3},\n' + b'"steps_per_print": 1,\n' * 2_300_000
    found = read_configs([Input("ds.json", data)])
    assert found[0].value == 3


@given(
    st.binary(max_size=300),
    st.sampled_from(["overlap_comm: true\n", "vllm serve --x ", '{"train_batch_size": ', "LLM("]),
)
def test_any_bytes(data: bytes, start: str) -> None:
    read_configs([Input("a", start.encode() + data)])


@given(st.text(alphabet="{}[]():=,'\"\\\n -#ab&|$1.", max_size=80))
def test_any_structure(text: str) -> None:
    read_configs([Input("a", f"overlap_comm: true\nLLM({text}")])
    read_configs([Input("a", f"docker run --shm-size 1 {text}")])
