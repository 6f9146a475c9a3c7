"""Commands run by a command: signals that stop the outer one reach the inner one."""

import signal
import subprocess
from collections.abc import Sequence
from types import FrameType

from trainer.preemption import handling


def run_and_pass_on(command: Sequence[str]) -> tuple[int, int | None]:
    """Run a command that saves before it stops, and pass on the signals that stop this process.

    Returns:
        Its exit code, and the last signal passed on.
    """
    passed: list[int] = []
    # In a group of its own, or a terminal's Ctrl-C would reach it twice, which is an order.
    with subprocess.Popen(command, process_group=0) as process:

        def pass_on(number: int, frame: FrameType | None) -> None:
            passed.append(number)
            process.send_signal(number)

        with handling([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], pass_on):
            code = process.wait()
    return code, passed[-1] if passed else None
