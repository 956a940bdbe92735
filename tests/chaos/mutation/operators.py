"""Small mistakes of every kind, made one at a time in the syntax tree of a module.

The kinds are mutmut's (comparison, arithmetic, boolean, constant, assignment, argument, statement) and five it lacks:
an entry left out of a table, a condition turned round, a `case` left out, a decorator left out, and all of them at
module level too, where a table of legal steps lives. Docstrings, annotations, imports and `__slots__` stay as they are.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Div,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
_AROUND = 32
_GONE = (ast.Expr, ast.Raise, ast.Assert, ast.AugAssign, ast.Delete, ast.Break, ast.Continue)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CONDITIONED = (ast.If, ast.While, ast.IfExp, ast.Assert)


@dataclass(frozen=True)
class Mutant:
    """One mistake. `scope` is the function whose body holds it, "" outside of all; `id` outlives changes elsewhere."""

    id: str
    scope: str
    first_line: int
    last_line: int
    tree: ast.Module
    """The module with the mistake in it."""


@dataclass(frozen=True)
class _Spot:
    """A node, where it hangs, the function around it, and the statement's lines."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    scope: str
    first_line: int

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants_of(source: str) -> list[Mutant]:
    """Every mistake this knows, in the order of the source."""
    seen: Counter[str] = Counter()
    made: list[Mutant] = []
    count = sum(len(list(_changes(spot))) for spot in _spots(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        spot, new = _nth(tree, number)
        name = f"{spot.scope or 'module'}: {_told(_text(spot.node), _text(new))}"
        spot.put(ast.fix_missing_locations(ast.copy_location(new, spot.node)))
        seen[name] += 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        last_line = getattr(spot.node, "end_lineno", spot.first_line)
        made.append(Mutant(name + again, spot.scope, spot.first_line, last_line, tree))
    return made


def _nth(tree: ast.Module, number: int) -> tuple[_Spot, ast.AST]:
    for spot in _spots(tree):
        for new in _changes(spot):
            if number == 0:
                return spot, new
            number -= 1
    raise IndexError(number)


def _text(node: ast.AST) -> str:
    return "nothing" if isinstance(node, ast.Pass) else " ".join(ast.unparse(node).split())


def _told(before: str, after: str) -> str:
    """What changes, with a few words around it."""
    same = _alike(before, after)
    end = _alike(before[same:][::-1], after[same:][::-1])
    first, last = max(0, same - _AROUND), max(0, end - _AROUND)
    cut = (f"{'...' * (first > 0)}{text[first : len(text) - last]}{'...' * (last > 0)}" for text in (before, after))
    return " => ".join(cut)


def _alike(one: str, other: str) -> int:
    """How many letters they begin with in common."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _spots(node: ast.AST, scope: str = "", path: str = "", first_line: int = 0) -> Iterator[_Spot]:
    for field, value in ast.iter_fields(node):
        inside = scope
        if field in {"annotation", "returns", "type_params", "kwd_attrs"}:
            continue
        if field == "body" and isinstance(node, _FUNCTIONS):
            inside = scope or path
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _left_alone(child, node, field, index):
                continue
            name = getattr(child, "name", "") if isinstance(child, (*_FUNCTIONS, ast.ClassDef)) else ""
            line = child.lineno if isinstance(child, ast.stmt) else first_line
            yield _Spot(child, node, field, index, inside, line)
            yield from _spots(child, inside, f"{path}.{name}".strip(".") if name else path, line)


def _left_alone(child: ast.AST, parent: ast.AST, field: str, index: int | None) -> bool:
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True  # a docstring
    if isinstance(child, ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.Assign) and "__slots__" in {getattr(target, "id", "") for target in child.targets}:
        return True
    # An alias of a type is for readers and type checkers.
    return isinstance(child, ast.Assign) and isinstance(child.value, ast.Subscript) and isinstance(parent, ast.Module)


def _changes(spot: _Spot) -> Iterator[ast.AST]:
    node, parent = spot.node, spot.parent
    if isinstance(node, _CONDITIONED) and not _turns_by_itself(node.test):
        yield _with(node, test=_not(node.test))
    if isinstance(node, ast.match_case):
        yield from _cases(node, parent)
    elif isinstance(node, ast.stmt):
        yield from _statements(node)
    elif isinstance(node, ast.operator | ast.cmpop | ast.boolop):
        yield from ()  # by their expressions, whose text says more
    elif isinstance(node, ast.expr):
        yield from _expressions(node, spot)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield _with(node, ifs=[])


def _turns_by_itself(test: ast.expr) -> bool:
    """`not x` and `x is y` are turned round by their own operators."""
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In | ast.NotIn)
    return isinstance(test, ast.UnaryOp)


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, _GONE) or (isinstance(node, ast.Return) and node.value is None):
        yield ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield from (_with(node, op=other()) for other in _SWAPS.get(type(node.op), ()))
    elif (
        isinstance(node, ast.Assign | ast.AnnAssign | ast.Return)
        and node.value is not None
        and not _is_none(node.value)
    ):
        yield _with(node, value=ast.Constant(None))
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield from (_with(node, decorator_list=less) for less in _one_less(node.decorator_list))


def _cases(node: ast.match_case, parent: ast.AST) -> Iterator[ast.AST]:
    if node.guard is not None:
        yield _with(node, guard=None)
        yield _with(node, guard=_not(node.guard))
    yield _with(node, guard=ast.Constant(value=False))
    if isinstance(node.pattern, ast.MatchOr):
        for less in _one_less(node.pattern.patterns):
            yield _with(node, pattern=_with(node.pattern, patterns=less) if len(less) > 1 else less[0])


def _expressions(node: ast.expr, spot: _Spot) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                for other in _SWAPS[type(op)]:
                    yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])
        case ast.BinOp() | ast.BoolOp():
            yield from (_with(node, op=other()) for other in _SWAPS.get(type(node.op), ()))
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant():
            yield from _constants(node, spot)
        case ast.Call():
            yield from _calls(node)
        case ast.Lambda() if not _is_none(node.body):
            yield _with(node, body=ast.Constant(None))
        case ast.Dict() | ast.Set() | ast.List() | ast.Tuple():
            yield from _collections(node, spot)


def _collections(node: ast.Dict | ast.Set | ast.List | ast.Tuple, spot: _Spot) -> Iterator[ast.AST]:
    if isinstance(node, ast.Dict):
        entries = list(zip(node.keys, node.values, strict=True))
        for less in _one_less(entries) if len(entries) > 1 else ():
            yield _with(node, keys=[key for key, _ in less], values=[value for _, value in less])
    elif len(node.elts) > 1 and _of_values(node, spot):
        yield from (_with(node, elts=less) for less in _one_less(node.elts))


def _of_values(node: ast.Set | ast.List | ast.Tuple, spot: _Spot) -> bool:
    """A collection to look into, not several names given at once."""
    loaded = isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load)
    return loaded and not isinstance(spot.parent, ast.Assign | ast.Subscript | ast.Dict)


def _constants(node: ast.Constant, spot: _Spot) -> Iterator[ast.AST]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() | float():
            yield ast.Constant(node.value + 1)
        case str():
            yield ast.Constant(f"XX{node.value}XX")
        case bytes():
            yield ast.Constant(b"XX" + node.value)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    for place, argument in enumerate(node.args):
        if not _is_none(argument) and not isinstance(argument, ast.Starred):
            yield _with(node, args=[*node.args[:place], ast.Constant(None), *node.args[place + 1 :]])
    if len(node.args) > 1:
        yield _with(node, args=node.args[:-1])
    for place, given in enumerate(node.keywords):
        yield _with(node, keywords=[*node.keywords[:place], *node.keywords[place + 1 :]])
        if given.arg is not None and not _is_none(given.value):
            nothing = ast.keyword(given.arg, ast.Constant(None))
            yield _with(node, keywords=[*node.keywords[:place], nothing, *node.keywords[place + 1 :]])


def _one_less(parts: list[Any]) -> Iterator[list[Any]]:
    return (parts[:place] + parts[place + 1 :] for place in range(len(parts)))


def _with(node: Any, **changed: Any) -> Any:
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def _not(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
