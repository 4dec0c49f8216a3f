"""The plan of the house, and the reader that finds what breaks it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "portal"

FLOORS = (
    ("cli",),
    ("app",),
    ("web", "api", "engine", "sandbox"),
    ("services",),
    ("diagnosis",),
    ("delivery",),
    ("deliverability", "mail", "store", "providers"),
    ("net", "crypto"),
    ("config",),  # reads the environment into the words of the ground floor
    ("address", "secret", "errors", "tags"),
)
HEIGHT = {room: -floor for floor, rooms in enumerate(FLOORS) for room in rooms}
STRANGERS = {"delivery": {"store", "providers"}, "diagnosis": {"store", "providers"}}
FLASK = ("app", "web", "api")
# One door per outside library: where it may be imported, by room or by file.
DOORS = {
    "aiosmtplib": ("delivery",),
    "scramp": ("delivery",),
    "dns": ("net/reading.py", "net/resolving.py"),
    "h11": ("net/http.py",),
    "cryptography": ("crypto",),
    "peewee": ("store", "services"),
    "playhouse": ("store", "services"),
    "aiosmtpd": ("sandbox",),
    "granian": ("cli/http_server.py",),
    "flask": FLASK,
    "flask_wtf": FLASK,
    "wtforms": FLASK,
    "htmx_flask": FLASK,
    "werkzeug": FLASK,
    "smtplib": (),  # nothing but `delivery` speaks SMTP, and not with this
    "requests": (),
    "urllib.request": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import: the dotted file that has it, its line, and what it names."""

    by: str
    line: int
    names: tuple[str, ...]  # dotted, the longest first: `a.b.c`, `a.b`

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.names[0]}"


def files(house: Path) -> dict[str, Path]:
    """Each module of the tree by its dotted name."""
    found = {}
    for path in sorted(house.rglob("*.py")):
        parts = ("portal", *path.relative_to(house).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(module: str, path: Path) -> Iterator[Import]:
    """Every import of a file, also the ones inside functions."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(by=module, line=node.lineno, names=(alias.name,))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: 1 - node.level or None]
                base = ".".join([*above, *filter(None, [base])])
            for alias in node.names:
                names = (f"{base}.{alias.name}", base)
                yield Import(by=module, line=node.lineno, names=names)


def room(module: str) -> str:
    """`net` for `portal.net.guard`; empty for `portal` itself."""
    return module.split(".")[1] if "." in module else ""


def complaints(house: Path) -> list[str]:
    """What breaks the plan in this tree, one sentence each."""
    modules = files(house)
    found = []
    for module, path in modules.items():
        if module != "portal" and room(module) not in HEIGHT:
            found.append(f"{module} is in a room that is not on the plan")
            continue
        for each in imports(module, path):
            found += _of_floors(each, modules) + _of_doors(each, path, house)
    return found + _circles(modules)


def _of_floors(each: Import, modules: dict[str, Path]) -> list[str]:
    target = next((name for name in each.names if name in modules), None)
    if target is None or target == "portal" or each.by == "portal":
        return []
    here, there = room(each.by), room(target)
    if here == there:
        return []
    if there in STRANGERS.get(here, ()):
        return [f"{each}: {here} does not know {there}"]
    if HEIGHT.get(there, 0) > HEIGHT[here]:
        return [f"{each}: {there} is above {here}"]
    if HEIGHT.get(there, 0) == HEIGHT[here] and here not in FLOORS[-1]:
        return [f"{each}: {here} and {there} are on one floor"]
    return []


def _of_doors(each: Import, path: Path, house: Path) -> list[str]:
    where = path.relative_to(house).as_posix()
    outside = each.names[-1]
    for library, doors in DOORS.items():
        if outside != library and not outside.startswith(f"{library}."):
            continue
        if not any(where == door or _in_room(where, door) for door in doors):
            return [f"{each}: the door to {library} is {' or '.join(doors) or 'shut'}"]
    return []


def _in_room(where: str, door: str) -> bool:
    return where.startswith(f"{door}/") or where == f"{door}.py"


def _circles(modules: dict[str, Path]) -> list[str]:
    """Each circle once. `portal` itself is left out: it only hands `app` on."""
    graph: dict[str, list[str]] = {}
    for module, path in modules.items():
        found = (
            next((name for name in each.names if name in modules), module)
            for each in imports(module, path)
        )
        graph[module] = sorted(set(found) - {module, "portal"})
    done: set[str] = set()
    circles: list[str] = []

    def walk(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            circle = (*trail[trail.index(module) :], module)
            circles.append("circle: " + " -> ".join(circle))
        elif module not in done:
            for target in graph[module]:
                walk(target, (*trail, module))
            done.add(module)

    for module in graph:
        if module != "portal":
            walk(module, ())
    return circles
