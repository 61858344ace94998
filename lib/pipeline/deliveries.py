"""Deliveries that announce themselves: the files of one control file are loaded together or not at all."""

from lib import control, landing
from lib.contract import Contract, Control
from lib.control import Totals
from lib.errors import LakehouseError
from lib.landing import Inspection, LandedFile
from lib.ops import FileFate
from lib.pipeline.context import Run
from lib.pipeline.reading import read_files
from lib.quality import totals


def checked(
    run: Run, contract: Contract, new: list[LandedFile], batch_id: int
) -> tuple[list[LandedFile], list[FileFate]]:
    """The files that may be loaded, and the fates of those that may not and of the control files.

    A delivery of which a file is not there yet waits in landing, control file and all.
    """
    if contract.control is None:
        return new, []
    controls = [file for file in new if landing.is_control(file, contract)]
    data = {file.path: file for file in new if not landing.is_control(file, contract)}
    fates: list[FileFate] = []
    loadable: list[LandedFile] = []
    announced_anywhere: set[str] = set()
    for announcing in controls:
        try:
            text = landing.read_text(run.settings.landing, announcing)
            announced = control.parse(announcing.path, text, contract.control)
        except LakehouseError as error:
            reason = str(error).removeprefix(f"{announcing.path}: ")
            fates.append(FileFate(contract.table, announcing, batch_id, "rejected", reason))
            continue
        announced_anywhere |= announced.keys()
        absent = [path for path in announced if path not in data]
        if absent:
            run.warn(f"{announcing.path}: waits for {', '.join(absent)}, which it announces; nothing of it is loaded")
            continue
        files = [data[path] for path in announced]
        offences = control.offences(announced, _found(run, contract, files), contract.control)
        fates += _fates(contract, announcing, files, offences, batch_id)
        loadable += [] if offences else files
    rest = [file for path, file in data.items() if path not in announced_anywhere]
    return sorted(loadable + _unannounced(run, contract.control, rest)), fates


def _unannounced(run: Run, rule: Control, files: list[LandedFile]) -> list[LandedFile]:
    if not rule.required:
        return files
    for file in files:
        run.warn(f"{file.path}: waits for a control file ({rule.files}) that announces it")
    return []


def _fates(
    contract: Contract, announcing: LandedFile, files: list[LandedFile], offences: dict[str, str], batch_id: int
) -> list[FileFate]:
    if not offences:
        return [FileFate(contract.table, announcing, batch_id, "control")]
    guilty = ", ".join(offences)
    together = f"its delivery ({announcing.path}) is rejected for {guilty}"
    rejected = [(file, offences.get(file.path, together)) for file in files]
    said = "; ".join(f"{path}: {offence}" for path, offence in offences.items())
    return [
        FileFate(contract.table, file, batch_id, "rejected", reason) for file, reason in [*rejected, (announcing, said)]
    ]


def _found(run: Run, contract: Contract, files: list[LandedFile]) -> dict[str, Totals]:
    """What the files of a delivery hold, by path; nothing for a file that cannot be read."""
    looks: list[Inspection] = [landing.inspect(run.settings.landing, file, contract) for file in files]
    rows = read_files(run, contract, looks)
    if rows is None or contract.control is None:
        return {}
    found = totals(rows, contract, contract.control.sum_of).collect()
    return {row["_source_file"]: Totals(row["rows"], row["total"]) for row in found}
