"""A user's mistake ends in one sentence that says what, where and what to do; a traceback is for our mistakes."""

FAILED = 1
"""The command was understood and did not succeed."""
BAD_USAGE = 2
"""The command or a file it needs has to be changed first."""


class Failure(Exception):
    """What went wrong, in a sentence for the person at the terminal. `code` is the exit code."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code
