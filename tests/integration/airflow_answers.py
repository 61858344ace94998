"""Run by Airflow's Python: what operators of a DAG's file make of jobs, as a line of JSON. Arguments: file, cases.

A case names the operator, its arguments, and values of its templated fields.
"""

import json
import runpy
import sys


def main(file: str, cases: str) -> None:
    """Ask each operator; an error answers by its name."""
    found = runpy.run_path(file)
    answers = []
    for case in json.loads(cases):
        operator = found[case["operator"]](task_id="asked", **case["arguments"])
        for name, value in case["fields"].items():
            setattr(operator, name, value)
        ask = getattr(operator, "poke", operator.execute)
        try:
            answers.append(ask({}))
        except Exception as error:
            answers.append(type(error).__name__)
    sys.stdout.write(f"\n{json.dumps(answers)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
