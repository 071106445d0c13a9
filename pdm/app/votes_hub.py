"""Where a Space's disk forgets: a copy of the votes in a private data set repository of the hub."""

from __future__ import annotations

import tempfile
from pathlib import Path

from huggingface_hub import CommitScheduler, HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError

from pdm.app.votes import Votes
from pdm.support.files import atomic_file

FILE = "votes.sqlite"
MINUTES = 10.0  # between two copies


class VotesOnHub(CommitScheduler):
    """Copies the file to the repository every few minutes where there are new votes."""

    def __init__(self, votes: Votes, repo: str, api: HfApi, every: float = MINUTES):
        self.votes, self.copied = votes, votes.count()
        super().__init__(
            repo_id=repo, repo_type="dataset", private=True, folder_path=votes.path.parent, every=every, hf_api=api
        )

    def push_to_hub(self):
        count = self.votes.count()
        if count == self.copied:
            return None
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / FILE
            self.votes.copy_to(copy)  # as of one moment, whoever is writing
            done = self.api.upload_file(
                path_or_fileobj=copy,
                path_in_repo=FILE,
                repo_id=self.repo_id,
                repo_type="dataset",
                commit_message=f"{count} votes",
            )
        self.copied = count
        return done


def kept_on_hub(path: Path, repo: str, token: str, api: HfApi | None = None) -> tuple[Votes, VotesOnHub]:
    """The votes at `path`, fetched from the repository where there are none yet, and the scheduler that copies them.

    Raises ValueError where the repository cannot be reached.
    """
    api = api or HfApi(token=token)
    try:
        if not Path(path).exists():
            _fetch(Path(path), repo, token)
        votes = Votes(path)
        return votes, VotesOnHub(votes, repo, api)
    except (HfHubHTTPError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"votes: expected the data set {repo!r} on the hub, got: {reason}") from error


def _fetch(path: Path, repo: str, token: str) -> None:
    try:
        found = hf_hub_download(repo, FILE, repo_type="dataset", token=token)
    except (RepositoryNotFoundError, EntryNotFoundError):
        return  # nobody has voted there yet; the scheduler makes the repository
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        part.write_bytes(Path(found).read_bytes())
