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
def library_errors(what: str) -> Iterator[None]:
    """Raise a UserError that starts with `what` for an error of the libraries that load and run models.

    UserError, MemoryError, and errors that no damaged file can cause are passed on unchanged.
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
        if type(error) is not Exception and not isinstance(error, fails):
            raise
        reason = " ".join(str(error).split())
        raise UserError(f"{what}: {reason[:_LONGEST]}") from error
