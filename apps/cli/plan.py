"""A plan as people write it: YAML, read so that it means what it looks like.

Only what is plain is a plan: the scalars of YAML 1.2's core schema (`no` is a word, `0644` a
number), no name twice, no aliases, so a small file cannot become a large one.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

import yaml

from apps.cli.failures import WrongCall

LARGEST: Final = 32 * 1024 * 1024  # octets
ENSURE: Final = "ensure"
PRESENT, ABSENT = "present", "absent"
MAP: Final = "tag:yaml.org,2002:map"

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Things by noun, in the order of the file."""

    name: str
    things: Mapping[str, tuple[Item, ...]]


def read(source: IO[bytes], name: str) -> Plan:
    """A plan.

    Raises:
        WrongCall: it cannot be understood; says where.
    """
    octets = source.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise WrongCall(f"{name} is larger than {LARGEST} octets: make several of it")
    try:
        found = yaml.load(octets, Loader=_Loader)  # noqa: S506  (it is a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise WrongCall(f"{name}{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongCall(f"{name} cannot be read as YAML: {error}"[:300]) from None
    return Plan(name, dict(_sections(found, name)))


def _sections(found: Any, name: str) -> Any:
    if not isinstance(found, dict):
        raise WrongCall(f"{name} is no plan: it has names of things, such as `domains:`")
    for noun, items in found.items():
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise WrongCall(f"{name}: under {noun} stands a list of things, each with its fields")
        yield str(noun), tuple(items)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe one, narrowed."""

    # Its own table has YAML 1.1: `no`, `on`, 1:30 and days.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: Any, index: Any) -> Any:
        """PyYAML's, without aliases."""
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "an alias: write it out", event.start_mark
            )
        return super().compose_node(parent, index)

    def mapping(self, node: yaml.MappingNode) -> dict[Hashable, Any]:
        """PyYAML's, without the same name twice."""
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise _wrong(f"{name!r} is no name: put it into quotes", key)
            if name in seen:
                raise _wrong(f"{name} stands here twice", key)
            seen.add(name)
        return self.construct_mapping(node, deep=True)


def _wrong(words: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, words, node.start_mark)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


# YAML 1.2 section 10.3.2.
for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", list("-+0123456789.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})$"), first)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor(MAP, _Loader.mapping)
