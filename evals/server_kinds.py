"""Over forty kinds of bad server beside some good ones: how they send, and the table of all kinds."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

from evals.server_words import BAD_WORDS, INVENTED, lines, thought
from evals.servers import CHUNK, MODEL, Exchange, Kind, chunk, good_words, stream

HANG_S = 30.0  # longer than any limit in the tests


def _endless(exchange: Exchange, text: str) -> None:
    exchange.open()
    rows = exchange.asked.good()
    for number in count():
        row = {**rows[number % len(rows)], "text": f"{INVENTED['flag'][0]} ({number})"}
        exchange.delta(content=json.dumps(row, ensure_ascii=False) + "\n")


def _bytes_at_a_time(size: int, exchange: Exchange, text: str) -> None:
    """The whole stream in pieces that mind no character and no event."""
    deltas = [chunk({"content": text[start : start + CHUNK]}) for start in range(0, len(text), CHUNK)]
    events = [json.dumps(delta, ensure_ascii=False) for delta in [*deltas, chunk({}, "stop")]]
    data = "".join(f"data: {event}\n\n" for event in [*events]).encode() + b"data: [DONE]\n\n"
    exchange.open()
    for start in range(0, len(data), size):
        exchange.raw(data[start : start + size])


def _status(status: int, message: str, exchange: Exchange, text: str, **headers: str) -> None:
    exchange.refuse(status, message, **headers)


def _once(first: Callable[[Exchange, str], None], exchange: Exchange, text: str) -> None:
    (first if exchange.number == 1 else stream)(exchange, text)


def _no_schema(exchange: Exchange, text: str) -> None:
    if exchange.asked.wants_schema:
        exchange.refuse(400, "response_format json_schema is not supported")
    else:
        stream(exchange, text)


def _plain_only(exchange: Exchange, text: str) -> None:
    if exchange.asked.wants_schema or "chat_template_kwargs" in exchange.asked.body:
        exchange.refuse(422, "extra fields are not permitted")
    else:
        stream(exchange, text)


def _page(status: int, exchange: Exchange, text: str) -> None:
    exchange.answer(status, "<html><body><h1>Bad gateway</h1><script>HACKED</script></body></html>", "text/html")


def _hang(exchange: Exchange, text: str = "") -> None:
    exchange.wait(HANG_S)
    exchange.hang_up()


def _hang_within(exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content=text[: len(text) // 2])
    _hang(exchange)


def _drip(exchange: Exchange, text: str) -> None:
    exchange.open()
    for sign in text:
        exchange.delta(content=sign)
        if not exchange.wait(0.25):
            return


def _pings(exchange: Exchange, text: str) -> None:
    exchange.open()
    while exchange.wait(0.1):
        exchange.raw(b": ping\n\n")


def _cut(exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content=text[: len(text) * 2 // 3])
    exchange.hang_up()


def _garbage_lines(exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content=text[: len(text) // 2])
    exchange.raw(b'data: {"choices": [{"del\n\nevent: what\ndata: \xff\xfe\x00 nonsense\n\n')
    exchange.delta(content=text[len(text) // 2 :])
    exchange.done()


def _nulls(exchange: Exchange, text: str) -> None:
    exchange.open()
    for _ in range(3):
        exchange.delta(role="assistant", content=None)
        exchange.event({"id": None, "choices": [], "usage": None})
    exchange.done()


def _tools(exchange: Exchange, text: str) -> None:
    exchange.open()
    call = {"index": 0, "id": "1", "type": "function", "function": {"name": "run", "arguments": '{"cmd": "rm -rf /"}'}}
    exchange.delta(role="assistant", content=None, tool_calls=[call])
    exchange.done("tool_calls")


def _reasoning(key: str, exchange: Exchange, text: str) -> None:
    exchange.open()
    for part in ("Okay, the user ", INVENTED["flag"][0]):
        exchange.delta(**{key: part, "content": None})
    for start in range(0, len(text), CHUNK):
        exchange.delta(content=text[start : start + CHUNK])
    exchange.done()


def _only_reasoning(exchange: Exchange, text: str) -> None:
    exchange.open()
    for _ in range(20):
        exchange.delta(reasoning_content="Hmm, wait. ", content=None)
    exchange.done("length")


def _finish(reason: str | None, share: float, exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content=text[: int(len(text) * share)])
    exchange.done(reason)


def _error_within(exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content=text[: len(text) // 2])
    exchange.event({"error": {"message": "EngineDeadError", "type": "InternalServerError", "code": 500}})


def _nothing(exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.raw(b"data: [DONE]\n\n")


def _shapeless(exchange: Exchange, text: str) -> None:
    exchange.open()
    for data in ([1, 2], {"choices": {"delta": "x"}}, {"choices": [{"delta": None}]}, "text", None):
        exchange.event(data)
    exchange.done()


def _one_token(size: int, exchange: Exchange, text: str) -> None:
    exchange.open()
    exchange.delta(content='{"text": "' + "rescue " * (size // 7) + '"}' + text)
    exchange.done()


def _not_http(exchange: Exchange, text: str) -> None:
    exchange.raw(b"\x16\x03\x01\x02\x00\x01 SSH-2.0-what\r\n")
    exchange.hang_up()


def _wrong_length(exchange: Exchange, text: str) -> None:
    exchange.answer(200, "data: {}\n\n", "text/event-stream", Content_Encoding="gzip")


def _all_at_once(exchange: Exchange, text: str) -> None:
    """A server that knows no streaming."""
    message = {"role": "assistant", "content": text}
    whole = {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [{"index": 0, "message": message}]}
    exchange.answer(200, json.dumps(whole))


def _bom(exchange: Exchange, text: str) -> None:
    stream(exchange, "\ufeff" + text)


def _models(data: object, exchange: Exchange) -> None:
    exchange.answer(200, json.dumps(data))


_GOOD = (
    Kind("good", good=True),
    Kind("good-lines", lines, good=True),
    Kind("good-fenced", lambda asked: f"Sure!\n```json\n{good_words(asked)}\n```\nHope it {{helps}}.", good=True),
    Kind("good-thinking-field", send=partial(_reasoning, "reasoning_content"), good=True),
    Kind("good-thinking-new-field", send=partial(_reasoning, "reasoning"), good=True),
    Kind("good-thinking-text", thought, good=True),
    Kind("good-half-characters", send=partial(_bytes_at_a_time, 5), good=True),
    Kind("good-byte-by-byte", send=partial(_bytes_at_a_time, 1), good=True),
    Kind("good-bom", send=_bom, good=True),
    Kind("good-refuses-schema", send=_no_schema, good=True),
    Kind("good-refuses-extras", send=_plain_only, good=True),
    Kind("good-after-503", send=partial(_once, partial(_status, 503, "loading")), good=True),
    Kind("good-after-429", send=partial(_once, partial(_status, 429, "slow down", Retry_After="0.2")), good=True),
    Kind("good-without-models", models=lambda exchange: exchange.refuse(404, "not found"), good=True),
)

_BAD_WIRES = (
    Kind("endless", send=_endless),
    Kind("429", send=partial(_status, 429, "too many requests", Retry_After="3600")),
    Kind("500", send=partial(_status, 500, "internal error")),
    Kind("503", send=partial(_status, 503, "overloaded")),
    Kind("401", send=partial(_status, 401, "invalid key")),
    Kind("404", send=partial(_status, 404, f"The model `{MODEL}` does not exist.")),
    Kind("400", send=partial(_status, 400, "no")),
    Kind("context-overflow", send=partial(_status, 400, "This model's maximum context length is 512 tokens.")),
    Kind("redirect", send=partial(_status, 307, "elsewhere", Location="http://127.0.0.1:1/v1/chat/completions")),
    Kind("html-page", send=partial(_page, 200)),
    Kind("html-502", send=partial(_page, 502)),
    Kind("hangs-before", send=_hang),
    Kind("hangs-within", send=_hang_within),
    Kind("slow-drip", send=_drip),
    Kind("only-pings", send=_pings),
    Kind("closed-before", send=lambda exchange, text: exchange.hang_up()),
    Kind("closed-within", send=_cut),
    Kind("not-http", send=_not_http),
    Kind("garbage-lines", send=_garbage_lines),
    Kind("null-content", send=_nulls),
    Kind("tool-calls", send=_tools),
    Kind("only-thinking", send=_only_reasoning),
    Kind("finish-length", send=partial(_finish, "length", 0.6)),
    Kind("finish-missing", send=partial(_finish, None, 0.6)),
    Kind("content-filter", send=partial(_finish, "content_filter", 0.3)),
    Kind("error-within", send=_error_within),
    Kind("no-events", send=_nothing),
    Kind("shapeless-events", send=_shapeless),
    Kind("huge-token", send=partial(_one_token, 1 << 20)),
    Kind("huge-response", send=partial(_one_token, 16 << 20)),
    Kind("wrong-encoding", send=_wrong_length),
    Kind("no-streaming", send=_all_at_once),
    Kind("models-html", models=lambda exchange: _page(200, exchange, "")),
    Kind("models-empty", models=partial(_models, {"data": []})),
    Kind("models-shapeless", models=partial(_models, {"data": {"id": 3}})),
    Kind("models-hangs", models=_hang),
    Kind("models-401", models=lambda exchange: exchange.refuse(401, "invalid key")),
    Kind("tiny-context", models=partial(_models, {"data": [{"id": MODEL, "max_model_len": 300}]})),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*_GOOD, *BAD_WORDS, *_BAD_WIRES)}
GOOD: tuple[str, ...] = tuple(kind.name for kind in _GOOD)
BAD: tuple[str, ...] = tuple(kind.name for kind in (*BAD_WORDS, *_BAD_WIRES))
