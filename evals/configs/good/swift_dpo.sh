CUDA_VISIBLE_DEVICES=0 \
swift rlhf \
    --model Qwen/Qwen2.5-7B-Instruct \
    --rlhf_type dpo --train_type lora --dataset hjh0119/shareAI-Llama3-DPO-zh-en-emoji --rpo_alpha 0.1 \
    --torch_dtype bfloat16 \
    --num_train_epochs 1 \
    --per_device_train_batch_size 1 \
    --learning_rate 1e-4 \
    --gradient_accumulation_steps 16 \
    --eval_steps 50 --save_steps 50 --save_total_limit 2 --logging_steps 5 \
    --max_length 2048 --output_dir output --warmup_ratio 0.05 \
    --dataloader_num_workers 4
