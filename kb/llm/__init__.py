"""A served model behind an OpenAI-compatible API, vLLM or any other. Heavy imports wait for the first use."""

from kb.llm.served import ServedModel
from kb.llm.stop import Stop, Stopped
from kb.llm.types import Limits, Message, ModelConfig, ModelInfo

__all__ = ["Limits", "Message", "ModelConfig", "ModelInfo", "ServedModel", "Stop", "Stopped"]
