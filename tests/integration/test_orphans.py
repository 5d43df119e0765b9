"""What a question to a database leaves behind when it is cut off does the database no harm."""

import time

from tests.integration.projects import SITE, Project

# A child that outlives its parent, as after a health check that timed out, and ends by a signal.
ORPHAN = "sh -c 'sleep 0.3; kill -13 $$' & exit 0"


def test_an_orphan_that_a_signal_ends_is_no_crash_of_postgres(project: Project) -> None:
    project.write({**SITE, "db": {"preset": "postgres"}}, {"/": "site"})
    project.stack("up")
    database = project.container("db")
    for _ in range(3):
        assert database.exec_run(["sh", "-c", ORPHAN]).exit_code == 0
    time.sleep(2)  # what must not happen gives no sign
    said = database.logs().decode()
    assert "terminated by signal" not in said
    assert "recovery mode" not in said
