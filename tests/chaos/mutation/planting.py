"""Puts a mutant into a running process, which was forked for it and ends with it.

A mistake in a function's body is put into the functions that are already there, so that nothing is imported again. One
outside of all functions is put in place while the module is imported, before anything else has seen it.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any

from mutation.targets import Target


def change_functions(target: Target, tree: ast.Module, scope: str = "") -> int:
    """Gives the loaded module's functions the code of `tree`; how many. With `scope`, that function alone."""
    codes = {code.co_qualname: code for code in _codes(compile(tree, str(target.path), "exec"))}
    changed = 0
    for function in _functions(sys.modules[target.name]):
        if scope in {"", function.__qualname__}:
            function.__code__ = codes[function.__qualname__]
            changed += 1
    if changed == 0:
        raise LookupError(f"{target.name} has no function {scope}")
    return changed


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Functions of the module and of its classes, not those inside functions: these are made anew by each call."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if const.co_flags & inspect.CO_OPTIMIZED:
                yield const
            else:
                yield from _codes(const)


def _functions(module: ModuleType) -> Iterator[Any]:
    for holder in (module, *(one for one in vars(module).values() if isinstance(one, type))):
        for one in vars(holder).values():
            function = one.fget if isinstance(one, property) else getattr(one, "__func__", one)
            if inspect.isfunction(function) and function.__code__.co_filename == module.__file__:
                yield function


class Import(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the module `tree` when it is imported for the first time."""

    def __init__(self, target: Target, tree: ast.Module) -> None:
        if target.name in sys.modules:
            raise ImportError(f"{target.name} is there already")
        self._target, self._tree = target, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, wanted: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._target.name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._target.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._target.path)
        exec(compile(self._tree, str(self._target.path), "exec"), vars(module))  # noqa: S102 - that is the mutant
