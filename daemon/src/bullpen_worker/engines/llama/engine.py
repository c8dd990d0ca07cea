"""The llama.cpp engine: one worker, language models of GGUF files, answers in place of pictures.

It stands in the same loop, under the same rules of memory and with the same commands as the engines that draw. What a
model takes is its weights and the memory of its window, which llama.cpp takes at once when it loads; work takes nothing
beside them. On a GPU a model that does not fit is placed in parts (half of its layers there) or pieces (none).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import EngineInfo, JobSpec, ModelSpec, PreparedJob, Weights
from bullpen_worker.engines.language import Asked, LoadCanceledError, Reading, Said
from bullpen_worker.engines.llama import library
from bullpen_worker.engines.llama.loaded import LoadedText, LoadStopped, Placing, facts
from bullpen_worker.engines.llama.template import Template
from bullpen_worker.engines.llama.writing import write
from bullpen_worker.failures import WorkerError
from bullpen_worker.machine import available_memory, give_back_memory, process_memory, processor_title, total_memory
from bullpen_worker.memory_rules import Placement

# Tokens of a window where nobody says, if the model was trained for so many.
WINDOW = 8192
LEAST_WINDOW = 512
_ALL_LAYERS = 0x7FFFFFFF
# Bytes of a number in the memory of a window (half precision), and what computing takes beside it.
_NUMBER = 2
_BUFFERS = 64 * 1024 * 1024


class LlamaModel:
    """A language model in memory, with its template."""

    def __init__(self, text: LoadedText, size_bytes: int) -> None:
        self.text = text
        self.size_bytes = size_bytes
        self.template = Template(text)


class LlamaEngine:
    """Runs language models on the processor, or with their layers on a GPU."""

    announces_decoding = False

    def __init__(self, device: str, threads: int, gpu_layers: int = -1, context_tokens: int = 0) -> None:
        """`gpu_layers` negative means as many as fit; `context_tokens` 0 leaves the window to the model."""
        library.prepare()
        self._threads = max(1, threads)
        self._context = context_tokens
        self._gpu = device != "cpu" and library.has_gpu()
        self._layers = 0 if not self._gpu else _ALL_LAYERS if gpu_layers < 0 else gpu_layers
        self.placements = frozenset(Placement if self._gpu and gpu_layers < 0 else {Placement.WHOLE})
        # What the file of the last model said, which is asked more than once on its way into memory.
        self._seen: tuple[ModelSpec, dict[str, str]] | None = None
        # Told how far a model is, 0–1; says whether to go on.
        self.loading: Callable[[ModelSpec, float], bool] = lambda model, share: True

    def info(self) -> EngineInfo:
        """Names the library and where it computes."""
        memory = library.gpu_memory() if self._gpu else None
        title = "GPU" if memory else processor_title()
        total = memory[1] if memory else total_memory()
        return EngineInfo("llama", f"llama.cpp on {title}", total, {"llama-cpp-python": library.version()})

    def memory_used(self) -> int:
        """Resident memory of the process in bytes."""
        return process_memory()

    def free_memory(self) -> int:
        """What the GPU, else the machine, has left."""
        memory = library.gpu_memory() if self._gpu else None
        return memory[0] if memory else available_memory()

    def weigh(self, model: ModelSpec) -> Weights:
        """The files' size and the memory of the window. Raises WorkerError."""
        said = self._facts(model)
        files = sum(file.mark.size for file in model.files) or _file(model).stat().st_size
        whole = files + _window_bytes(said, self._window(said)) + _BUFFERS
        return Weights(whole, whole // 2, _BUFFERS)

    def watch(self) -> None:
        """Work takes nothing beside what loading took."""

    def taken(self) -> int:
        """Nothing, see `watch`."""
        return 0

    def load(self, model: ModelSpec, placement: Placement = Placement.WHOLE) -> LlamaModel:
        """Loads a file that is still the one that was checked. Raises WorkerError, LoadCanceledError."""
        files = CheckedFiles(model, alone=False)
        path = _file(model)
        said, weights = self._facts(model), self.weigh(model)
        layers = self._layers
        if placement is not Placement.WHOLE:
            count = int(said.get(f"{said.get('general.architecture', '')}.block_count", "0") or 0)
            layers = count // 2 if placement is Placement.PARTS else 0
        placing = Placing(layers, self._window(said), self._threads)
        try:
            text = LoadedText(str(path), placing, lambda share: self.loading(model, share))
        except LoadStopped:
            raise LoadCanceledError from None
        except WorkerError as error:
            raise WorkerError(error.reason, error.message.replace(str(path), path.name), error.remedy) from error
        try:
            files.still_sound()
            sizes = {Placement.WHOLE: weights.whole, Placement.PARTS: weights.parts, Placement.PIECES: weights.pieces}
            return LlamaModel(text, sizes[placement])
        except WorkerError:
            text.close()
            raise

    def unload(self, model: LlamaModel) -> None:
        """Gives everything back."""
        model.text.close()

    def rest(self, model: LlamaModel) -> None:
        """Stays where it is."""

    def recover(self) -> None:
        """Returns freed memory to the system."""
        give_back_memory()

    def prepare(self, model: LlamaModel, job: JobSpec) -> PreparedJob:
        """Language models draw nothing. Raises WorkerError."""
        raise WorkerError("MODEL_UNSUPPORTED", "A language model makes no pictures.")

    def write(self, model: LlamaModel, asked: Asked) -> Generator[Reading | Said, None, None]:
        """The answer to a conversation. Raises WorkerError."""
        prompt = model.template.tokens(asked.messages)
        asked.prompt_tokens, asked.window = len(prompt), model.text.window
        return write(model.text, prompt, asked, model.template.stops)

    def _facts(self, model: ModelSpec) -> dict[str, str]:
        if self._seen is None or self._seen[0] != model or not model.digest:
            self._seen = (model, facts(str(_file(model))))
        return self._seen[1]

    def _window(self, said: dict[str, str]) -> int:
        trained = int(said.get(f"{said.get('general.architecture', '')}.context_length", "0") or 0)
        wanted = self._context or min(trained or WINDOW, WINDOW)
        return max(LEAST_WINDOW, min(wanted, trained) if trained else wanted)


def _file(model: ModelSpec) -> Path:
    """The file that is named to the library; it finds the others beside it."""
    return Path(model.path, model.files[0].path) if model.files else Path(model.path)


def _window_bytes(said: dict[str, str], window: int) -> int:
    """Bytes of keys and values for every token of a window; 0 where the file does not say enough."""
    name = said.get("general.architecture", "")

    def number(key: str, otherwise: int = 0) -> int:
        text = said.get(f"{name}.{key}", "")
        return int(text) if text.isdigit() else otherwise

    layers, width, heads = number("block_count"), number("embedding_length"), number("attention.head_count", 1)
    keys = number("attention.head_count_kv", heads)
    each = number("attention.key_length", width // max(1, heads)) + number(
        "attention.value_length", width // max(1, heads)
    )
    return layers * keys * each * _NUMBER * window
