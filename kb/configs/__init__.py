"""Configuration in pasted text: files, fragments, calls, command lines, environments and prose → settings."""

from kb.configs.model import ConfigValue
from kb.configs.reader import read_configs

__all__ = ["ConfigValue", "read_configs"]
