"""The benchmarks that a checkpoint's training rows were compared with, from its training record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContaminationAudit:
    """The benchmarks that training rows were compared with.

    Attributes:
        tasks: Task name -> compared parts: "en-ja" for the sentences of that pair, "ko-ko" for a pair within one
            language, "ja" for a language's sentences in any pair; None for the whole task.
    """

    tasks: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def from_record(cls, record: object) -> ContaminationAudit | None:
        """Read `contamination` from train_config.json; None if it is missing: the training data is unknown."""
        if not isinstance(record, Mapping):
            return None
        checked = record.get("checked")
        if not isinstance(checked, Mapping):
            return cls({})
        return cls({str(task): None if parts is None else tuple(map(str, parts)) for task, parts in checked.items()})

    def covers(self, task: str, languages: Iterable[str]) -> bool:
        """Return whether a task's sentences in a language or a language pair were compared."""
        parts = self.tasks.get(task, ())
        codes = set(languages)
        return parts is None or codes <= set(parts) or self.pair_name(codes) in parts

    @staticmethod
    def pair_name(languages: Iterable[str]) -> str:
        """Return the name of a language pair in `tasks`: "en-ja", or "ko-ko" for one language."""
        codes = sorted(set(languages))
        return "-".join(codes if len(codes) > 1 else codes * 2)

    def intersection(self, other: ContaminationAudit | None) -> ContaminationAudit:
        """Return the parts that two successive trainings both compared; None is an earlier model without a record."""
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
        """Return whether a part of a task was compared. A compared pair does not cover each of its languages."""
        parts = self.tasks.get(task) or ()
        return part in parts if "-" not in part else self.covers(task, part.split("-"))
