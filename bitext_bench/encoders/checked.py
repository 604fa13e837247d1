"""With which benchmarks a checkpoint's training rows were compared, as its record says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContaminationAudit:
    """The benchmarks that training rows were compared with.

    Attributes:
        tasks: task name to what was compared: "en-ja" for the sentences of that pair, "ko-ko" for one within a
            language, "ja" for a language's sentences in any pair; None for all that the task has.
    """

    tasks: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def from_record(cls, record: object) -> ContaminationAudit | None:
        """Read `contamination` of a train_config.json; None without one: nobody knows what the model has seen."""
        if not isinstance(record, Mapping):
            return None
        checked = record.get("checked")
        if not isinstance(checked, Mapping):
            return cls({})
        return cls({str(task): None if parts is None else tuple(map(str, parts)) for task, parts in checked.items()})

    def covers(self, task: str, languages: Iterable[str]) -> bool:
        """Say whether a task's sentences in one language, or in a pair, were compared."""
        parts = self.tasks.get(task, ())
        codes = set(languages)
        return parts is None or codes <= set(parts) or self.pair_name(codes) in parts

    @staticmethod
    def pair_name(languages: Iterable[str]) -> str:
        """Return what a pair of languages, or one language with itself, is called in `tasks`: "en-ja", "ko-ko"."""
        codes = sorted(set(languages))
        return "-".join(codes if len(codes) > 1 else codes * 2)

    def intersection(self, other: ContaminationAudit | None) -> ContaminationAudit:
        """Return what two successive trainings both compared; None: bitext-bench did not train the earlier model."""
        if other is None:
            return self
        tasks: dict[str, tuple[str, ...] | None] = {}
        for task in self.tasks.keys() & other.tasks.keys():
            own, others = self.tasks[task], other.tasks[task]
            if own is None or others is None:
                tasks[task] = others if own is None else own
            else:
                common = {x for x in own if other._has(task, x)} | {x for x in others if self._has(task, x)}
                tasks[task] = tuple(sorted(common))
        return ContaminationAudit({task: parts for task, parts in sorted(tasks.items()) if parts != ()})

    def _has(self, task: str, part: str) -> bool:
        """Say whether a part of a task was compared; a pair does not count for one of its languages alone."""
        parts = self.tasks.get(task) or ()
        return part in parts if "-" not in part else self.covers(task, part.split("-"))
