"""The command `bitext-bench`, also as `python -m bitext_bench` for a clone that is not installed."""

import signal
import sys


def start() -> int:
    """Run the command line in a child process that answers Ctrl-C and SIGTERM at once; returns the exit code."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # until both processes answer
    from .cli.supervisor import supervise

    return supervise(_command)


def _command() -> int:
    from .cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
