"""Two processes with one thread each instead of one process with two threads.

The networks are so small that threads spend their time waiting for each other. Each process computes its own half of
the batch; gradients are averaged in one message a step, which also carries the clock, so that both stop together.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.nn import Module


class Team:
    """The place of one process among `size`; alone it does nothing."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def meet(self) -> None:
        """Wait for the others."""
        if self.size > 1:
            distributed.barrier()

    def agree(self, module: Module, clock: float) -> float:
        """Average all gradients of `module` and the clock reading; returns the common clock."""
        if self.size == 1:
            return clock
        grads = [p.grad for p in module.parameters() if p.grad is not None]
        flat = torch.cat([*(grad.flatten() for grad in grads), torch.tensor([clock])])
        distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for grad in grads:
            grad.copy_(flat[at : at + grad.numel()].view_as(grad))
            at += grad.numel()
        return float(flat[-1])

    def average(self, module: Module, clock: float) -> float:
        """Average the weights of `module` and the clock reading; returns the common clock."""
        if self.size == 1:
            return clock
        with torch.no_grad():
            flat = torch.cat([*(p.flatten() for p in module.parameters()), torch.tensor([clock])])
            distributed.all_reduce(flat)
            flat /= self.size
            at = 0
            for p in module.parameters():
                p.copy_(flat[at : at + p.numel()].view_as(p))
                at += p.numel()
        return float(flat[-1])


def _member(rank: int, size: int, port: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    distributed.init_process_group("gloo", rank=rank, world_size=size)
    work(Team(rank, size), *arguments)
    distributed.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch(size: int, work: Callable[..., None], *arguments: Any) -> None:
    """Run `work(team, *arguments)` in `size` processes, or here when `size` is 1."""
    if size == 1:
        work(Team(), *arguments)
    else:
        spawn(_member, (size, _free_port(), work, arguments), nprocs=size)  # type: ignore[no-untyped-call]
