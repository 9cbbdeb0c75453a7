"""Somebody who is measured: how its worker is made, in which environment it runs, what brings it."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PROTOCOL = Path(__file__).resolve().parent.parent / "cpu/worker"  # worker.c and worker.h, which all share


def reason(errors):
    """The line that says most of what a compiler had to say."""
    lines = errors.strip().splitlines() or ["no reason"]
    return next((line for line in lines if "error" in line), lines[0])


@dataclass
class Peer:
    name: str
    package: str                                   # what brings it
    build: tuple = ()                              # compiler and flags; source comes last
    source: str = ""                               # in `folder`; several with blanks between
    libraries: tuple = ()
    environment: dict = field(default_factory=dict)  # {threads} stands for their number
    threads: tuple = (1, 2)                        # the numbers that it can work with
    weights: str = ""                              # `constant`: brought into a form of its own beforehand
    note: str = ""
    absent: str = ""                               # why it cannot be had here, where that is known
    program: str = ""                              # what its program is called, if it is several peers'
    computes: bool = True                          # or is there for its speed alone
    folder: Path = PROTOCOL                        # where its source is

    def make(self, folder):
        """The worker's command line, or why there is none."""
        if self.absent:
            return None, self.absent
        if self.source.endswith(".py"):
            return self.make_script("python3", "/usr/bin/python3")
        if self.source.endswith(".js"):
            return self.make_script("node")
        compiler = shutil.which(self.build[0])
        if compiler is None:
            return None, f"no {self.build[0]}"
        program = folder / (self.program or self.name).replace(" ", "_").replace(",", "")
        if program.exists():
            return [str(program)], ""
        common = folder / "worker.o"
        steps = [[shutil.which("cc"), "-O2", "-c", PROTOCOL / "worker.c", "-o", common],
                 [*self.build, f"-I{PROTOCOL}", *(self.folder / s for s in self.source.split()), common,
                  *self.libraries, "-lm", "-o", program]]
        for step in steps:
            done = subprocess.run([str(word) for word in step], capture_output=True, text=True)
            if done.returncode != 0:
                return None, reason(done.stderr)
        return [str(program)], ""

    def make_script(self, *interpreters):
        script = self.folder / self.source
        for interpreter in interpreters:
            if shutil.which(interpreter) is None:
                continue
            done = subprocess.run([interpreter, script, "--probe"], env=self.environment_for(self.threads[0]),
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return [interpreter, str(script)], ""
        return None, "its module cannot be imported"

    def environment_for(self, threads):
        added = {name: value.format(threads=threads) for name, value in self.environment.items()}
        return {**os.environ, **added, "WORKER_THREADS": str(threads)}
