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


class QualityError(LakehouseError):
    """A rule that says `on_fail: fail` failed; nothing of the batch was written to silver."""


class ConservationError(LakehouseError):
    """Rows in and rows out of a step differ; the step does not count as done."""
