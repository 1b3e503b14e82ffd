python3 -m sglang.launch_server --model-path Qwen/Qwen3-235B-A22B --tp 8 --mem-fraction-static 0.85 --reasoning-parser qwen3 --host 0.0.0.0 --port 30000
