"""How the model of flags is stored.

The form is that of the model itself and no document that people write: a rule that becomes stricter must not keep a
flag from being read that was saved before, and a cold start reads every flag of an environment. What is as the model
has it by default is left out.
"""

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from shared.domain.flags.model import Condition, Json, Metadatum, Serve, Split, Variant
from shared.domain.names import VariantName
from shared.wire.stored_form import plain_converter


def model_converter(*unions: Any) -> Any:
    """Return a new converter for values that hold parts of the model, and members of these unions."""
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

    converter = plain_converter(says_where=False)
    # Resolved where a field has it, by its name where it is in a tuple.
    json_values = (get_type_hints(Variant)["value"], Json, Metadatum)
    converter.register_structure_hook_func(lambda kind: kind in json_values, lambda value, _: value)
    converter.register_unstructure_hook_func(lambda kind: kind in json_values, lambda value: value)
    converter.register_structure_hook_func(
        lambda kind: kind == Serve,
        lambda value, _: VariantName(value) if isinstance(value, str) else converter.structure(value, Split),
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == Serve, lambda value: value if isinstance(value, str) else converter.unstructure(value)
    )
    for union in (Condition, *unions):
        _register_union(converter, union)
    converter.register_unstructure_hook_factory(
        is_dataclass, lambda kind: make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)
    )
    converter.register_structure_hook_factory(
        is_dataclass, lambda kind: make_dict_structure_fn(kind, converter, _cattrs_detailed_validation=False)
    )
    converter.register_structure_hook_factory(_is_row, lambda kind: _row_hook(kind, converter))
    return converter


def _is_row(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _row_hook(kind: Any, converter: Any) -> Callable[[Any, Any], Any]:
    """Look up once, and not before there is any, how each of many of a kind is read: a cold start reads thousands."""
    [each, _] = get_args(kind)
    reader = cache(lambda: converter.get_structure_hook(each))

    def read(values: Any, _: Any) -> Any:
        if not values:
            return ()
        of_each = reader()
        return tuple([of_each(value, each) for value in values])

    return read


def _register_union(converter: Any, union: Any) -> None:
    """Tag the members of a union with their class's name: conditions hold conditions, so hooks are looked up late."""
    members = {member.__name__: member for member in get_args(union)}
    is_it: Callable[[Any], bool] = lambda kind: kind == union  # noqa: E731 - a predicate of two hooks
    converter.register_structure_hook_func(is_it, lambda value, _: converter.structure(value, members[value["type"]]))
    converter.register_unstructure_hook_func(
        is_it, lambda value: {"type": type(value).__name__, **converter.unstructure(value)}
    )
