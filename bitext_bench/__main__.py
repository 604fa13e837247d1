"""Entry point of `bitext-bench`, also run as `python -m bitext_bench` from a clone that is not installed."""

import gc
import signal
import sys


def start() -> int:
    """Run the command line in a child process that responds to Ctrl-C and SIGTERM at once; return the exit code."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # until both processes handle them
    from .cli.supervisor import supervise

    return supervise(_command)


def _command() -> int:
    # Libraries and results are a million objects that stay. Python would search them for garbage a thousand times,
    # which takes a fifth of the time until a command begins.
    gc.set_threshold(10_000, 10, 10)
    from .cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
