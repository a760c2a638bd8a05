"""The table on the terminal, the JSON, the plot."""

import json
import os

from measure import say


class Report:
    def __init__(self):
        self.rows = []

    def at_least(self, name, value, goal):
        self.rows.append({"name": name, "value": value, "goal": goal, "higher_is_better": True})

    def at_most(self, name, value, goal):
        self.rows.append({"name": name, "value": value, "goal": goal, "higher_is_better": False})

    def for_comparison(self, name, value):
        """No goal: it says what another row is worth."""
        self.rows.append({"name": name, "value": value, "goal": None})

    def print_table(self):
        say("")
        say(f"{'':52} {'measured':>9} {'goal':>9}")
        for row in self.rows:
            if row["goal"] is None:
                say(f"{row['name']:52} {row['value']:9.2f} {'-':>9}")
                continue
            higher = row["higher_is_better"]
            met = row["value"] >= row["goal"] if higher else row["value"] <= row["goal"]
            goal = (">= " if higher else "<= ") + format(row["goal"], "g")
            say(f"{row['name']:52} {row['value']:9.2f} {goal:>9}  {'' if met else 'missed'}")

    def write(self, folder, name, raw):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(
            json.dumps({"table": self.rows, "cores": os.cpu_count(), "raw": raw}, indent=1))
        self.plot(folder / f"{name}.svg")
        say(f"\nwrote {folder}/{name}.json and {name}.svg")

    def plot(self, path):
        import matplotlib
        matplotlib.use("svg")
        import matplotlib.pyplot as plt
        shown = [row for row in self.rows if row.get("higher_is_better")][::-1]
        figure, axes = plt.subplots(figsize=(9, 1 + 0.4 * len(shown)))
        axes.barh([row["name"] for row in shown], [row["value"] for row in shown],
                  color="#3b6ea5")
        axes.plot([row["goal"] for row in shown], range(len(shown)), "|", color="#c0392b",
                  markersize=22, markeredgewidth=2, label="goal")
        axes.set_xlabel("ratio to the ceiling measured in the same run (more is better)")
        axes.legend(loc="lower right")
        figure.tight_layout()
        figure.savefig(path)
        plt.close(figure)
