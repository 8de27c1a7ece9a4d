"""Every public object is documented in numpydoc's form, and what a newcomer calls first has an example."""

import ast
import enum
import importlib
import inspect
import pkgutil
import typing

import pytest

import landbridge
from landbridge.catalogue import methods

validate = pytest.importorskip("numpydoc.validate", reason="numpydoc is not installed").validate

# Codes left to the writer's judgement, with the reason.
LEFT_OUT = {
    "ES01",  # an extended summary: many functions say all in one line
    "SA01",  # "See Also": where there is something to see
    "EX01",  # an example: demanded below of what a newcomer calls
    "PR04",  # a type for each parameter: a group may refer to the function that explains it
    "PR07",  # a sentence for each parameter: demanded below; elsewhere the type and shape may say it all
    "RT02",  # named return values
    "RT03",  # a sentence for the return value, likewise
    "SS05",  # takes a summary that starts with a plural noun for a verb in the third person
}


def _modules():
    for info in pkgutil.walk_packages(landbridge.__path__, "landbridge."):
        # A command's docstring is its help text, in another form.
        # Names of scikit-learn are documented there.
        if info.name.split(".")[1] not in ("cli", "_sklearn_compat"):
            yield importlib.import_module(info.name)


def _public():
    """Dotted name of every class and function of every ``__all__``, and of the public members of the classes."""
    seen = {}
    for module in _modules():
        for promised in getattr(module, "__all__", ()):
            found = getattr(module, promised)
            if not (inspect.isclass(found) or inspect.isfunction(found)):
                continue
            name = f"{found.__module__}.{found.__qualname__}"
            seen[name] = found
            if inspect.isclass(found):
                for key, member in vars(found).items():
                    if not key.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
                        if not _inherits_its_docstring(found, key):
                            seen[f"{name}.{key}"] = member
    return seen


def _inherits_its_docstring(cls, key):
    """Whether a method without a docstring overrides one with the same parameters, whose docstring holds for it."""
    member = vars(cls)[key]
    if not inspect.isfunction(member) or member.__doc__ is not None:
        return False
    overridden = next((vars(c)[key] for c in cls.__mro__[1:] if getattr(vars(c).get(key), "__doc__", None)), None)
    return overridden is not None and list(inspect.signature(member).parameters) == list(
        inspect.signature(overridden).parameters
    )


PUBLIC = _public()
FIRST = {f"{m.cls.__module__}.{m.name}" for m in methods()} | {
    f"{found.__module__}.{found.__qualname__}"
    for room in (landbridge, landbridge.discrepancy)
    for found in (getattr(room, n) for n in room.__all__)
    if inspect.isfunction(found) or (inspect.isclass(found) and room is landbridge)
}


def _faults(name, left_out):
    faults = [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in left_out]
    options = _typed_options(PUBLIC.get(name))
    unknown = "PR02: Unknown parameters "
    return [f for f in faults if not (f.startswith(unknown) and set(ast.literal_eval(f[len(unknown) :])) <= options)]


def _typed_options(function):
    """Keywords of a function that takes them as a typed dict."""
    if not inspect.isfunction(function):
        return set()
    for hint in typing.get_type_hints(function).values() if "options" in function.__annotations__ else ():
        if typing.get_origin(hint) is typing.Unpack:
            return set(typing.get_args(hint)[0].__annotations__)
    return set()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_docstring(name):
    faults = _faults(name, LEFT_OUT)
    # A property takes no parameters and returns what its name says.
    if isinstance(PUBLIC[name], property):
        faults = [f for f in faults if not f.startswith(("PR", "RT"))]
    # The parameters of an enumeration are those of Enum.
    if inspect.isclass(PUBLIC[name]) and issubclass(PUBLIC[name], enum.Enum):
        faults = [f for f in faults if not f.startswith("PR")]
    assert not faults


@pytest.mark.parametrize("name", sorted(FIRST))
def test_what_is_called_first_has_an_example_and_a_sentence_for_each_parameter(name):
    assert not _faults(name, LEFT_OUT - {"EX01", "PR07"})


def test_an_override_may_inherit_its_docstring_where_the_parameters_are_the_same():
    class Base:
        def loss(self, network):
            """Compute the loss."""

        def bare(self):
            pass

    class Same(Base):
        def loss(self, network):
            pass

        def bare(self):
            pass

    class Other(Base):
        def loss(self, model):
            pass

    assert _inherits_its_docstring(Same, "loss") and inspect.getdoc(Same().loss) == "Compute the loss."
    assert not _inherits_its_docstring(Same, "bare") and not _inherits_its_docstring(Other, "loss")
    assert not _inherits_its_docstring(Base, "loss")


def test_modules_say_what_they_are():
    for module in _modules():
        summary = (module.__doc__ or "").strip().split("\n")[0]
        assert summary and summary[-1] in ".:?", module.__name__
