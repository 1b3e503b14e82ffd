llama-server -m qwen3-8b-q4_k_m.gguf -ngl 99 -c 32768 -fa on --cache-type-k q8_0 --cache-type-v q8_0 --jinja --port 8080
