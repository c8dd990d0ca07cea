"""A conversation as a model's input, by the template that its file brings.

The template is a program of whoever made the file: it runs in a sandbox, in the worker, and sees no more than the
conversation. What people and tools say is data: where it holds marks of turns (`<|im_start|>system`), these stay the
letters that they are. So each content is a mark of its own while the template runs, and is cut into tokens by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from bullpen_worker.engines.language import Message
from bullpen_worker.engines.llama.loaded import LoadedText
from bullpen_worker.failures import WorkerError

# Where the file has none. Source: https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
CHATML_END = "<|im_end|>"
_KEY = "tokenizer.chat_template"
_MOST = 200_000
# Private use: no text of people has them.
_OPEN, _SHUT = "\ue0b0", "\ue0b1"
_MARK = re.compile(f"{_OPEN}(\\d+){_SHUT}")


class Template:
    """The template of one model."""

    def __init__(self, model: LoadedText) -> None:
        """Raises WorkerError for a template that is none."""
        self._model = model
        said = model.metadata.get(_KEY, "")
        self.stops: tuple[str, ...] = () if said else (CHATML_END,)
        self._render = self._compile(said or CHATML)

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of a conversation, up to where the answer begins. Raises WorkerError."""
        turns = list(_in_turns(messages))
        marked = [{"role": turn.role, "content": f"{_OPEN}{number}{_SHUT}"} for number, turn in enumerate(turns)]
        text = self._rendered(marked)
        if sorted(int(number) for number in _MARK.findall(text)) != list(range(len(turns))):
            # No word of a person is left out in silence.
            raise self._unusable("it leaves out parts of the conversation, or repeats them")
        made: list[int] = []
        begins, word = self._model.begins(), ""
        if begins >= 0:
            word = self._model.word(begins)
            made.append(begins)
        parts = _MARK.split(text.removeprefix(word) if word else text)
        for number, part in enumerate(parts):
            content = number % 2 == 1
            made += self._model.tokens(turns[int(part)].content if content else part, special=not content)
        return made

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        try:
            return self._render(messages)
        except Exception as first:
            if messages[0]["role"] != "system" or len(messages) < 2:
                raise self._unusable(str(first)) from first
        # Some models know no system; what it says goes before the first words of the person.
        system, person, *rest = messages
        together = {"role": person["role"], "content": f"{system['content']}\n\n{person['content']}"}
        try:
            return self._render([together, *rest])
        except Exception as error:
            raise self._unusable(str(error)) from error

    def _compile(self, template: str) -> Callable[[list[dict[str, str]]], str]:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        if len(template) > _MOST:
            raise self._unusable("it is larger than any template is")
        model = self._model
        end = next((token for token in range(model.size - 1, -1, -1) if model.is_end(token)), -1)
        try:
            made = Jinja2ChatFormatter(
                template=template, eos_token=model.word(end), bos_token=model.word(max(model.begins(), -1))
            )
        except Exception as error:
            raise self._unusable(str(error)) from error
        return lambda messages: str(made(messages=messages).prompt)

    def _unusable(self, why: str) -> WorkerError:
        short = " ".join(why.split())[:200]
        return WorkerError("MODEL_UNSUPPORTED", f"The chat template in the model's file cannot be used: {short}.")


def _in_turns(messages: Sequence[Message]) -> Iterator[Message]:
    """Messages so that nobody speaks twice in a row, as most templates want it."""
    held: Message | None = None
    for message in messages:
        if held is not None and held.role == message.role:
            held = Message(held.role, f"{held.content}\n\n{message.content}")
            continue
        if held is not None:
            yield held
        held = message
    if held is not None:
        yield held
