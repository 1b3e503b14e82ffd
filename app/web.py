"""The chat page: Gradio's chat over the same cases. The one seam to gradio."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from app.casebook import Casebook, file_inputs
from app.cli import as_answer, note
from app.diagnosis import Diagnosis, Request
from kb.errors import CasebookError, InputError, UnavailableError
from kb.evidence import Input
from kb.types import Lang

MAX_FILES = 10
_LABELS: Mapping[str, Mapping[Lang, str]] = {
    "title": {"en": "Casebook", "zh": "Casebook 故障案例库"},
    "description": {
        "en": "Describe a failure of a training or serving run, or paste its log. Logs and configs can be dropped "
        "as text files; screenshots are not read. Nothing you send is stored or leaves this machine.",
        "zh": "描述训练或推理服务的故障，或直接贴日志。日志和配置可以作为文本文件拖入；不识别截图。"
        "你发送的内容不会被保存，也不会离开这台机器。",
    },
    "placeholder": {"en": "A sentence, or a whole log …", "zh": "一句话，或整段日志……"},
}
_EXAMPLES: Mapping[Lang, list[str]] = {
    "en": [
        "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}\n"
        "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 8e-07, 'epoch': 0.02}",
        "Full fine-tune of Qwen-7B: gradients spike to thousands, then loss is 0 within ten steps",
    ],
    "zh": [
        "GRPO 训练时 loss 一直是 0,reward_std 也是 0",
        "Qwen-7B 全量微调，梯度先飙到几千，十步之内 loss 就归零了",
    ],
}


def page(casebook: Casebook, lang: Lang) -> gr.Blocks:
    """The page in one interface language."""

    def respond(message: Mapping[str, Any], history: list[Any], state: Mapping[str, Any] | None) -> tuple[str, Any]:
        state = dict(state or {}) if history else {}
        try:
            diagnosis = _ask(casebook, message, state, lang)
        except CasebookError as error:
            return f"**{error}**", state
        return diagnosis.answer, {"case": diagnosis.case, "last": diagnosis.model_dump_json()}

    state = gr.State(None)
    textbox = gr.MultimodalTextbox(
        placeholder=_LABELS["placeholder"][lang],
        file_count="multiple",
        file_types=["text", ".log", ".json", ".yaml", ".yml"],
        max_lines=20,
        lines=1,
        max_plain_text_length=200_000,
    )
    return gr.ChatInterface(
        respond,
        multimodal=True,
        chatbot=gr.Chatbot(show_label=False, height="65vh", sanitize_html=True, autoscroll=False, buttons=["copy"]),
        textbox=textbox,
        title=_LABELS["title"][lang],
        description=_LABELS["description"][lang],
        examples=[[{"text": text, "files": []}, None] for text in _EXAMPLES[lang]],
        additional_inputs=[state],
        additional_inputs_accordion=gr.Accordion(visible=False),
        additional_outputs=[state],
        analytics_enabled=False,
        api_name="chat",
        run_examples_on_click=True,
    )


def _ask(casebook: Casebook, message: Mapping[str, Any], state: Mapping[str, Any], lang: Lang) -> Diagnosis:
    text = str(message.get("text") or "")
    last = Diagnosis.model_validate_json(state["last"]) if "last" in state else None
    answers = as_answer(text, last)
    files = message.get("files") or []
    if len(files) > MAX_FILES:
        raise InputError(f"{len(files)} files: at most {MAX_FILES} at once")
    inputs = file_inputs([Path(f if isinstance(f, str) else f["path"]) for f in files])
    if text.strip() and not answers:
        inputs.insert(0, Input("text", text))
    return casebook.diagnose_inputs(inputs, Request(case=state.get("case"), answers=answers), default_language=lang)


def serve(casebook: Casebook, lang: Lang, host: str, port: int) -> None:
    """Serve the page until interrupted. Raises UnavailableError where the port cannot be bound."""
    try:
        note(f"Casebook: http://{host}:{port} (Ctrl-C ends)")
        page(casebook, lang).launch(
            server_name=host, server_port=port, share=False, show_error=False, footer_links=[], quiet=True
        )
    except OSError as error:
        raise UnavailableError(f"{host}:{port}: cannot be bound ({error}); choose another with --port") from error
