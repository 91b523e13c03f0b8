"""Release specs as YAML that people go on editing."""

from typing import Any, Final

from shared.wire.yaml_source import resolve

_WIDTH: Final = 120


def write_spec(document: dict[str, Any]) -> str:
    """Return the YAML of a spec, in the order of its members. It reads the same by YAML 1.1 and 1.2."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Puts texts that look like something else in quotes, and indents the entries of lists."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
            super().increase_indent(flow, False)  # noqa: FBT003

    Dumper.add_representer(str, _represent_text)
    text: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return text


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _misreads(text) else None)


def _misreads(text: str) -> bool:
    try:
        return resolve(text) is not text
    except ValueError:
        return True
