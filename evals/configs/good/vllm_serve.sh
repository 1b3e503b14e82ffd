vllm serve Qwen/Qwen3-8B --tensor-parallel-size 2 --max-model-len 32768 --gpu-memory-utilization 0.9 --enable-prefix-caching --reasoning-parser qwen3
