"""Puts the top-level folders of pages and files into the package of a wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("templates", "static")


class BuildWithPages(build_py):
    """`templates/` and `static/` stand at the top of the source tree, as Flask's
    habit is; installed, they lie inside `portal/`, where `create_app` looks first.

    An editable install leaves them where they are: `create_app` looks there next.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in FOLDERS:
            target = Path(self.build_lib, "portal", name)
            shutil.rmtree(target, ignore_errors=True)  # a file may have been removed
            shutil.copytree(name, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        pages = [p for name in FOLDERS for p in Path(name).rglob("*") if p.is_file()]
        copies = [str(Path(self.build_lib, "portal", page)) for page in pages]
        return [*super().get_outputs(include_bytecode), *copies]


setup(cmdclass={"build_py": BuildWithPages})
