"""What can be wrong with a job that is not its query (for that, see `local.sql.asa.errors`).

JobError
+-- DefinitionError     job.json, or a setting that it names: nothing has run
+-- StoreError          the directory of its state: in use, or not to be written to
+-- HubError            a hub that does not answer; it is asked again
+-- ReferenceDataError  reference data that is not there yet, or whose store is away; it is asked for again
+-- OutputError         an output that does not take what it is given; it is given it again
"""

from __future__ import annotations


class JobError(RuntimeError):
    """The message says what is wrong, where, and what to do."""


class DefinitionError(JobError):
    """The job cannot be run as it is written."""


class StoreError(JobError):
    """The job's state cannot be kept."""


class HubError(JobError):
    """An input is away; nothing is lost by asking again."""


class ReferenceDataError(JobError):
    """Reference data cannot be had for now; nothing is read before it is there."""


class OutputError(JobError):
    """An output is away, or refuses for now; nothing is lost, and nothing doubled, by trying again."""


def reason(error: BaseException) -> str:
    """Why something failed, on one line: the first of what an SDK says, or the name of what it raised."""
    return (str(error) or type(error).__name__).splitlines()[0]
