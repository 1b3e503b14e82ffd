docker run --runtime nvidia --gpus all -v ~/.cache/huggingface:/root/.cache/huggingface \
    --env "HF_TOKEN=$HF_TOKEN" -p 8000:8000 --ipc=host \
    vllm/vllm-openai:latest --model Qwen/Qwen3-32B --tensor-parallel-size 4
