"""Helpers for processes that tests start."""

import signal


def heed_ctrl_c() -> None:
    """Make a new process accept SIGINT (a ``preexec_fn``): background jobs of a shell and their children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
