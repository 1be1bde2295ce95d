"""Which policy does a text of TOML describe, and what exactly is wrong with it?

Only pure reading: the caller has read the file. Every error names file, line and key; a policy with
any error in it is no policy.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn, cast

from devinprod_proxy.errors import PolicyInvalid
from devinprod_proxy.policy.masks import KINDS, Option
from devinprod_proxy.policy.masks.documents import path_tree
from devinprod_proxy.policy.masks.expression import ExpressionInvalid, qualified_expression
from devinprod_proxy.policy.model import (
    CLEAR,
    CLOSED,
    FunctionClass,
    Lookup,
    Mask,
    Policy,
    RoleRule,
    TableRule,
)
from devinprod_proxy.toml_lines import line_of, syntax_error

Path = tuple[str, ...]
_NAME = r'(?:[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|"(?:[^"]|"")+")'
_TABLE = re.compile(rf"({_NAME})\.({_NAME})")
_FUNCTION = re.compile(rf"({_NAME})\.({_NAME})\((.*)\)", re.DOTALL)


def load_policy(text: str, file: str) -> Policy:
    """The policy that *text* describes; *file* is only its name, for messages.

    Raises PolicyInvalid with file, line and key: bad TOML, a key that does not exist, a wrong type,
    a mask or option that does not exist, an expression that cannot be a mask.

    >>> load_policy('version = 1\\ndefault = "clear"', "policy.toml").default.kind
    'clear'
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = syntax_error(error, text)
        raise PolicyInvalid(message, file=file, line=line) from None
    return _Reader(text, file).policy(document)


def table_key(name: str) -> tuple[str, str] | None:
    """``public.customers`` as (schema, name), quotes understood; None if it is not of that form.

    >>> table_key('public."Odd.Name"')
    ('public', 'Odd.Name')
    """
    found = _TABLE.fullmatch(name)
    return None if found is None else (_folded(found[1]), _folded(found[2]))


def function_key(identity: str) -> str | None:
    """A function's identity as policies and facts write it: ``schema.name(type,type)``, no spaces
    around commas, names quoted only where they must be; None if it is not of that form.

    >>> function_key("public.Total( bigint , character varying )")
    'public.total(bigint,character varying)'
    """
    found = _FUNCTION.fullmatch(identity)
    if found is None:
        return None
    arguments = ",".join(" ".join(part.split()) for part in found[3].split(",")) if found[3].strip() else ""
    return f"{_quoted(_folded(found[1]))}.{_quoted(_folded(found[2]))}({arguments})"


def _folded(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class _Reader:
    text: str
    file: str

    def wrong(self, path: Path, message: str, hint: str | None = None) -> NoReturn:
        line = None
        for length in range(len(path), 0, -1):
            line = line_of(self.text, path[:length])
            if line is not None:
                break
        raise PolicyInvalid(message, file=self.file, line=line, key=path[-1] if path else None, hint=hint)

    # -- shapes

    def table(self, value: object, path: Path) -> Mapping[str, object]:
        if not isinstance(value, dict):
            self.wrong(path, f"must be a table of keys, not {_kind(value)}")
        return cast(Mapping[str, object], value)

    def string(self, value: object, path: Path) -> str:
        if not isinstance(value, str):
            self.wrong(path, f"must be a text, not {_kind(value)}")
        if not value:
            self.wrong(path, "is empty")
        return value

    def known(self, found: Iterable[str], keys: Iterable[str], path: Path) -> None:
        keys = list(keys)
        for key in found:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(keys)}."
                self.wrong((*path, key), "is not a key of this table", hint)

    # -- parts of the file

    def policy(self, document: Mapping[str, object]) -> Policy:
        self.known(document, ("version", "default", "schemas", "tables", "functions", "roles"), ())
        version = document.get("version")
        if version is None:
            raise PolicyInvalid(
                "is missing", file=self.file, line=1, key="version", hint="Write: version = 1"
            )
        if version != 1 or isinstance(version, bool):
            self.wrong(("version",), "must be 1, the only version there is")
        default = self.default(document.get("default", "closed"), ("default",))
        schemas = {
            name: self.default(value, ("schemas", name))
            for name, value in self.table(document.get("schemas", {}), ("schemas",)).items()
        }
        return Policy(
            default=default,
            schemas=schemas,
            tables=self.tables(document.get("tables", {}), ("tables",), role=False),
            functions=self.functions(document.get("functions", {})),
            roles=self.roles(document.get("roles", {})),
            fingerprint=hashlib.sha256(self.text.encode()).hexdigest(),
        )

    def default(self, value: object, path: Path) -> Mask:
        if value == "closed":
            return CLOSED
        if value == "clear":
            return CLEAR
        self.wrong(path, 'must be "closed" or "clear"')

    def tables(self, value: object, path: Path, *, role: bool) -> dict[tuple[str, str], TableRule]:
        rules: dict[tuple[str, str], TableRule] = {}
        for name, rule in self.table(value, path).items():
            here = (*path, name)
            key = table_key(name)
            if key is None:
                self.wrong(here, "must name schema and table", 'Write it like "public.customers".')
            if key in rules:
                self.wrong(here, "names the same table as an earlier key")
            rules[key] = self.rule(rule, here, role=role)
        return rules

    def rule(self, value: object, path: Path, *, role: bool) -> TableRule:
        rule = self.table(value, path)
        self.known(rule, ("default", "columns") if role else ("subject", "default", "columns"), path)
        default = self.default(rule["default"], (*path, "default")) if "default" in rule else None
        subject = None
        if "subject" in rule:
            subject = self.string(rule["subject"], (*path, "subject"))
        columns = {
            name: self.mask(mask, (*path, "columns", name))
            for name, mask in self.table(rule.get("columns", {}), (*path, "columns")).items()
        }
        return TableRule(columns, default, None if subject == "none" else subject)

    def functions(self, value: object) -> dict[str, FunctionClass]:
        found: dict[str, FunctionClass] = {}
        for name, kind in self.table(value, ("functions",)).items():
            path = ("functions", name)
            key = function_key(name)
            if key is None:
                self.wrong(
                    path,
                    "must name a function with its argument types",
                    'Write it like "public.order_total(bigint)".',
                )
            if kind not in ("safe", "masked"):
                self.wrong(path, 'must be "safe" or "masked"')
            if key in found:
                self.wrong(path, "names the same function as an earlier key")
            found[key] = kind
        return found

    def roles(self, value: object) -> dict[str, RoleRule]:
        rules = {}
        for name, role in self.table(value, ("roles",)).items():
            path = ("roles", name)
            self.known(self.table(role, path), ("tables",), path)
            tables = self.table(role, path).get("tables", {})
            rules[name] = RoleRule(self.tables(tables, (*path, "tables"), role=True))
        return rules

    # -- masks

    def mask(self, value: object, path: Path, *, within: bool = False) -> Mask:
        """One rule: the name of a mask, or a table with the mask and its options."""
        if isinstance(value, str):
            value, at = {"mask": value}, path
        else:
            at = (*path, "mask")
        rule = self.table(value, path)
        if "mask" not in rule:
            self.wrong(path, "does not name a mask", 'Write for example { mask = "email" }.')
        kind = self.string(rule["mask"], at)
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(KINDS)}."
            self.wrong(at, f'there is no mask "{kind}"', hint)
        known = KINDS[kind].options
        general = (
            ("mask",) if kind == "clear" else ("mask", "domain") if within else ("mask", "domain", "lookup")
        )
        self.known(rule, (*general, *known), path)
        options: list[tuple[str, object]] = []
        for name, option in sorted(known.items()):
            if name in rule:
                options.append((name, self.option(option, rule[name], (*path, name))))
            elif option.required:
                self.wrong(path, f'mask "{kind}" needs {name}', _EXAMPLES.get(name))
        self.in_order(dict(options), path)
        domain = self.string(rule["domain"], (*path, "domain")) if "domain" in rule else None
        return Mask(kind, domain, self.lookup(rule.get("lookup", False), (*path, "lookup")), tuple(options))

    def lookup(self, value: object, path: Path) -> Lookup:
        if value is False:
            return "no"
        if value is True:
            return "counted"
        if value == "token":
            return "token"
        self.wrong(path, 'must be true, false or "token"')

    def option(self, option: Option, value: object, path: Path) -> object:
        """One option of a mask, checked, as a value that can be hashed."""
        match option.kind:
            case "whole number":
                if not isinstance(value, int) or isinstance(value, bool):
                    self.wrong(path, f"must be a whole number, not {_kind(value)}")
                if path[-1] == "keep_last" and value < 0:
                    self.wrong(path, "must not be negative")
                if abs(value) >= 2**62:
                    self.wrong(path, "is too large")
                return value
            case "value":
                if isinstance(value, bool | int | float | str):
                    return value
                if isinstance(value, datetime.date | datetime.time):
                    return value.isoformat()
                self.wrong(path, f"must be a single value, not {_kind(value)}")
            case "day":
                return self.day(value, path)
            case "paths":
                return self.paths(value, path)
            case "mask":
                return self.mask(value, path, within=True)
            case "expression":
                try:
                    return qualified_expression(self.string(value, path))
                except ExpressionInvalid as error:
                    self.wrong(path, str(error), _EXAMPLES["expression"])

    def day(self, value: object, path: Path) -> datetime.date:
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value
        if isinstance(value, str):
            try:
                return datetime.date.fromisoformat(value)
            except ValueError:
                pass
        self.wrong(path, "must be a day such as 1990-12-31")

    def paths(self, value: object, path: Path) -> tuple[tuple[str, Mask], ...]:
        rules = {
            name: self.mask(rule, (*path, name), within=True)
            for name, rule in self.table(value, path).items()
        }
        try:
            path_tree(rules)
        except ValueError as error:
            self.wrong(path, str(error), _EXAMPLES["paths"])
        return tuple(rules.items())

    def in_order(self, options: Mapping[str, object], path: Path) -> None:
        low, high = options.get("min"), options.get("max")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            self.wrong((*path, "min"), "is above max")
        if isinstance(low, datetime.date) and isinstance(high, datetime.date) and low > high:
            self.wrong((*path, "min"), "is after max")


_EXAMPLES = {
    "value": 'Write for example { mask = "constant", value = "-" }.',
    "expression": 'Write for example { mask = "sql", expression = "left(value, 0)" }.',
    "paths": 'Write for example { mask = "json", paths = { "$.theme" = "clear" } }.',
}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names: dict[type, str] = {str: "a text", int: "a number", float: "a number", list: "a list"}
    names[dict] = "a table"
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)
