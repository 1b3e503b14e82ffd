# Casebook without torch's CUDA build: the model that words answers is served by vLLM in a container of its own.
FROM python:3.11-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 CASEBOOK_DATA=/data
WORKDIR /app
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY kb kb
COPY ingest ingest
COPY app app
COPY evals evals
RUN pip install -c constraints.txt --extra-index-url "$TORCH_INDEX" . \
    && useradd --create-home --uid 1000 casebook && mkdir /data && chown casebook /data
USER casebook
VOLUME /data
EXPOSE 7860
CMD ["sh", "-c", "casebook index && exec casebook web --host 0.0.0.0"]
