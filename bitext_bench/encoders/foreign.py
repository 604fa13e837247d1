"""Errors of libraries on unexpected model files, as one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from struct import error as StructError

from ..errors import UserError

_FAILS = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
    AssertionError,  # torch asserts that it was built with CUDA
    ArithmeticError,  # zero sizes and negative lengths
)
_PICKLES = (UnpicklingError, EOFError, StructError)
_LONGEST = 400  # characters of a reason


@contextmanager
def library_errors(what: str, *, of_packages: bool = False) -> Iterator[None]:
    """Raise a UserError that starts with `what` for an error of the libraries that load and run models.

    UserError, MemoryError, and errors that no damaged file can cause are passed on unchanged.

    Args:
        what: what failed.
        of_packages: also for error classes that a package defines, as the clients of services do.
    """
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    fails = (*_FAILS, *_PICKLES, StrictDataclassError, SafetensorError)
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # tokenizers raises nothing more exact than Exception.
        known = type(error) is Exception or isinstance(error, fails)
        if not known and not (of_packages and type(error).__module__ != "builtins"):
            raise
        reason = " ".join(str(error).split())
        name = "" if known else f"{type(error).__name__}: "
        raise UserError(f"{what}: {name}{reason[:_LONGEST]}") from error
