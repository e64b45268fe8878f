"""Processes that tests start."""

import signal


def heed_ctrl_c() -> None:
    """Restore the default action of SIGINT in a new process (``preexec_fn``).

    Background jobs of a shell ignore SIGINT, and the processes that they start inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
