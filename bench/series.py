# SPDX-License-Identifier: BSD-3-Clause
"""Figures of repeated runs."""

import json
import statistics


class Series:
    """Values of each field, one for every run, in the order of the runs."""

    def __init__(self):
        self.values = {}

    def add(self, field, value):
        self.values.setdefault(field, []).append(float(value))

    def clear(self, *fields):
        for field in fields:
            self.values.pop(field, None)

    def __contains__(self, field):
        return field in self.values

    def median(self, field):
        return statistics.median(self.values[field])

    def spread(self, field):
        """(Largest - smallest) / median of the runs, in per cent."""
        values = self.values[field]
        middle = statistics.median(values)
        return 100 * (max(values) - min(values)) / middle if middle else 0.0

    def load(self, path):
        """Take over what an earlier run has left there."""
        if path.exists():
            self.values.update(json.loads(path.read_text()))

    def save(self, path):
        path.write_text(json.dumps(self.values, indent=1) + "\n")

    def results(self):
        """Flat: name -> number; the median of each field, and its spread where there were runs."""
        flat = {}
        for field in self.values:
            flat[field] = float(f"{self.median(field):.6g}")
            if len(self.values[field]) > 1:
                flat[f"{field}_spread_percent"] = round(self.spread(field), 1)
        return flat
