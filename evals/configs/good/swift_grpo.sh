CUDA_VISIBLE_DEVICES=0 \
swift rlhf \
    --model Qwen/Qwen2.5-7B-Instruct \
    --rlhf_type grpo --train_type lora --reward_funcs accuracy format --num_generations 8 --max_completion_length 1024 --use_vllm true --vllm_mode colocate --vllm_gpu_memory_utilization 0.5 --sleep_level 1 --temperature 1.0 \
    --dataset AI-MO/NuminaMath-TIR#1000 \
    --torch_dtype bfloat16 \
    --num_train_epochs 1 \
    --per_device_train_batch_size 1 \
    --learning_rate 1e-5 \
    --gradient_accumulation_steps 16 \
    --eval_steps 50 --save_steps 50 --save_total_limit 2 --logging_steps 5 \
    --max_length 2048 --output_dir output --warmup_ratio 0.05 \
    --dataloader_num_workers 4
