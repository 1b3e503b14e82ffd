torchrun --nproc_per_node 8 run_clm.py --model_name_or_path Qwen/Qwen2.5-0.5B \
  --dataset_name wikitext --per_device_train_batch_size 4 --do_train --do_eval --bf16 \
  --eval_strategy steps --eval_steps 500 --save_strategy steps --save_steps 500 --output_dir /tmp/clm
