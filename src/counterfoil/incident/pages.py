"""Pages and texts from templates: nothing from outside is loaded, nothing runs, everything is escaped. Pure."""

from datetime import datetime

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from counterfoil.evidence.report import visible
from counterfoil.model.instant import from_rfc3339
from counterfoil.model.number import counted

HERE = "counterfoil.incident"


def page(template: str, **values: object) -> str:
    """Fill an HTML template."""
    return page_of(HERE, template, **values)


def page_of(package: str, template: str, /, **values: object) -> str:
    """Fill an HTML template of another package; what it is built on is ours."""
    return _environment(package, escape=True).get_template(template).render(**values)


def text(template: str, **values: object) -> str:
    """Fill a text template; control characters from outside are made visible."""
    return _environment(HERE, escape=False).get_template(template).render(**values)


def _environment(package: str, *, escape: bool) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, HERE))]),
        autoescape=escape,  # noqa: S701 - off for plain text alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    environment.filters["when"] = when
    environment.filters["counted"] = counted
    return environment


def when(moment: datetime | str | None) -> str:
    """Spell a time for people, in UTC; ``""`` for none."""
    if moment is None:
        return ""
    read = from_rfc3339(moment) if isinstance(moment, str) else moment
    return f"{read.day} {read:%B %Y, %H:%M} UTC"
