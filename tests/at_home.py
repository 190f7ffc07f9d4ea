"""A course's tests as a student runs them at home, with numpy and pytest and none of our own tests' plug-ins."""

import os
import subprocess
import sys
from pathlib import Path


def pytest_at_home(course: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """pytest in the course's folder with these words and these environment variables.

    A student has none of the plug-ins that our tests installed, and they take two seconds to load.
    """
    command = [sys.executable, "-m", "pytest", *words, "-p", "no:cacheprovider"]
    own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    env = {**os.environ, **own, **settings}
    return subprocess.run(command, cwd=course, env=env, capture_output=True, text=True, timeout=300, check=False)
