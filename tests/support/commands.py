"""Commands as processes of their own on a test's database."""

import contextlib
import os
import subprocess
import sys


@contextlib.contextmanager
def process(database_url, *arguments, **environment):
    """A command as a process of its own, on the test's database; it is gone at the end."""
    variables = {**os.environ, "DATABASE_URL": database_url, **environment}
    command = [sys.executable, "-m", "alexandria", *arguments]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
