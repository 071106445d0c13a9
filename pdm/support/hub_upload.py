"""Repositories of the Hugging Face hub, each filled in one commit: it is all there, or as it was before."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pdm.support.checks import reason, shown
from pdm.support.hub import quiet_hub

GIVEN = {".gitattributes", "README.md"}  # what the hub itself puts into a new repository


@dataclass(frozen=True)
class Repo:
    """`name`: OWNER/NAME. `mark`: a file by which a repository that was filled before is told from another's.

    `owned`: folders in it that are ours: what lies there and is not written again is of an earlier version, and goes.
    """

    name: str
    kind: Literal["model", "space"]
    mark: str
    owned: tuple[str, ...]

    def __str__(self) -> str:
        return f"the {'Space' if self.kind == 'space' else 'model'} {self.name}"


def check_repo_name(field: str, name: str) -> None:
    """Raise ValueError unless the hub could have a repository of this name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
        fits = re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII) is not None
    except HFValidationError:
        fits = False
    if not fits:
        raise ValueError(f"{field}: expected OWNER/NAME of letters, digits, '-', '_' and '.', got {shown(name)}")


class Hub:
    """The hub for whoever is logged in. Raises ValueError in one line where nobody is, or where the hub says no.

    The token is huggingface_hub's own, of HF_TOKEN or `hf auth login`, and stands in no message.
    """

    def __init__(self):
        from huggingface_hub import HfApi, get_token

        with asked("a login"):
            self._token = get_token()
        if not self._token:
            raise ValueError("hub: expected a login (`hf auth login`) or a token in HF_TOKEN, got neither")
        self._api = HfApi(token=self._token)
        with asked("a login that it knows", self._token):
            self._api.whoami()

    def files(self, repo: Repo, *, private: bool) -> frozenset[str] | None:
        """What a repository holds; None where there is none.

        Raises ValueError for one that is filled with something else, and for a public one where it must be `private`.
        """
        from huggingface_hub.errors import RepositoryNotFoundError

        found = None
        with asked(f"to look at {repo}", self._token):
            try:
                found = self._api.repo_info(repo.name, repo_type=repo.kind)
            except RepositoryNotFoundError:
                return None
        if private and not found.private:
            raise ValueError(f"--private: expected a new repository or a private one, got {repo}, which is public")
        files = frozenset(file.rfilename for file in getattr(found, "siblings", None) or ())
        if files - GIVEN and repo.mark not in files:
            raise ValueError(f"--to: expected a new repository or one that `publish` filled, got {repo} with others")
        return files

    def make(self, repo: Repo, *, private: bool) -> None:
        """A new, empty repository."""
        with asked(f"to make {repo}", self._token):
            self._api.create_repo(
                repo.name,
                repo_type=repo.kind,
                private=True if private else None,
                space_sdk="gradio" if repo.kind == "space" else None,
            )

    def fill(self, repo: Repo, folder: Path, before: Collection[str] | None) -> str:
        """Put the files of a folder into a repository that held `before`, in one commit; returns its address.

        None: it was made just now.

        `upload_folder` would make several commits of many files, and an end between two would leave half a model.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        gone = [name for name in sorted(before or ()) if name not in files and name.startswith(repo.owned)]
        changes = [
            *(CommitOperationDelete(name, is_folder=False) for name in gone),
            *(CommitOperationAdd(name, str(path)) for name, path in files.items()),
        ]
        left = "is new and empty" if before is None else "is as it was before"
        with asked(f"to upload to {repo}, which {left}", self._token):
            self._api.create_commit(
                repo.name, changes, commit_message=f"Publish {repo.name.partition('/')[2]}", repo_type=repo.kind
            )
        return f"{self._api.endpoint}/{'spaces/' if repo.kind == 'space' else ''}{repo.name}"


@contextmanager
def asked(wanted: str, token: str | None = None) -> Iterator[None]:
    """What huggingface_hub, its transport or the hub raise becomes a ValueError of one line, without the token."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    hide = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if hide:
        disable_progress_bars()
    try:
        with quiet_hub(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what the hub would like better in a README
            warnings.simplefilter("ignore", DeprecationWarning)  # huggingface_hub's, of how it sends files
            yield
    except Exception as error:  # of several libraries, which change
        said = _said(error)
        raise ValueError(f"hub: expected {wanted}, got: {said.replace(token, '...') if token else said}") from error
    finally:
        if hide:
            enable_progress_bars()


def _said(error: BaseException) -> str:
    """The hub's own words and its status where it answered; else what went wrong on the way."""
    from huggingface_hub.errors import HfHubHTTPError

    cause: BaseException | None = error
    first = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError) and cause.response is not None:
            words = " ".join((getattr(cause, "server_message", None) or reason(cause)).split())
            return f"{cause.response.status_code}, {words[:300]}"
        cause, first = cause.__cause__, cause
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300] if first is error else f"{text[:300]} ({reason(first)})"
