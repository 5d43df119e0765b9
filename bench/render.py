"""Prints how many seconds one rendering takes, in a process that has loaded the program already."""

import sys
import time
from pathlib import Path

from stack.project.project import open_project, rendered


def main() -> None:
    """Load and render the stack.yaml that is named on the command line, once."""
    begun = time.perf_counter()
    project = open_project(Path(sys.argv[1]), {})
    rendered(project, "dev", project.folder)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
