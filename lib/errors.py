"""The errors that a user meets. Each message names the thing, the offence and the remedy."""


class LakehouseError(Exception):
    """Something was rejected or failed; the run ends with exit status 1."""

    exit_status = 1


class ConfigError(LakehouseError):
    """Configuration or arguments are wrong; nothing was run. Exit status 2."""

    exit_status = 2


class LockedError(LakehouseError):
    """Another run holds the lake; nothing was changed. Exit status 3."""

    exit_status = 3


class CrashError(LakehouseError):
    """Something that nobody foresaw ended the run."""


class QualityError(LakehouseError):
    """A rule that says `on_fail: fail` failed; nothing of the batch was written to silver."""


class ConservationError(LakehouseError):
    """Rows in and rows out of a step differ; the step does not count as done."""


class TransientError(LakehouseError):
    """A fault that passes by itself, by its name in lib/transient.py: the same work is worth another try."""

    def __init__(self, message: str, fault: str) -> None:
        super().__init__(message)
        self.fault = fault
