"""llama-cpp-python in a loop: what answers of a language model are compared with. Reads a seed, writes seconds."""

from __future__ import annotations

import json
import sys
import time

from llama_cpp import Llama


def main() -> None:
    """Arguments: file, tokens of the window, threads, tokens of an answer; the messages as JSON in the first line."""
    path, window, threads, count = sys.argv[1:]
    model = Llama(
        path, n_ctx=int(window), n_threads=int(threads), n_threads_batch=int(threads), n_batch=128, verbose=False
    )
    messages = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        began = time.perf_counter()
        first, finish = 0.0, None
        for chunk in model.create_chat_completion(
            messages, stream=True, max_tokens=int(count), temperature=0.0, seed=int(line)
        ):
            choice = chunk["choices"][0]
            finish = choice["finish_reason"]
            if choice["delta"].get("content"):
                first = first or time.perf_counter()
        ended = time.perf_counter()
        sys.stdout.write(json.dumps([first - began, ended - first, finish == "length"]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
