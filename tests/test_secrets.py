"""The secrets that an installation makes for itself at its first start."""

import os
import subprocess
import sys
from pathlib import Path

from mailhost.env import ROOT

ASK = "from mailhost import settings; print(settings.SECRET_KEY, settings.ENCRYPTION_KEY)"


def test_it_has_one_key_however_many_processes_start_first(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "MAILHOST_DATA": str(tmp_path)}
    command = [sys.executable, "-c", ASK]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = {process.communicate(timeout=60)[0].strip() for process in running}
    assert len(said) == 1
    assert len(said.pop()) > 60
    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("*_key")} == {0o600}
    assert list(tmp_path.glob(".*_key.*")) == []
