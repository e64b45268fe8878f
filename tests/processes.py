"""Processes that tests start."""

import signal


def heed_ctrl_c() -> None:
    """For a new process (``preexec_fn``): background jobs of a shell, and what they start, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
