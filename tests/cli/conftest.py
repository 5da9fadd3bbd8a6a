"""What several tests of the command line share."""

import pytest
from tests.cli.fleet import Fleet


@pytest.fixture(scope="session")
def fleet(tmp_path_factory):
    """Write the planted story to files once."""
    story = Fleet()
    story.folder = tmp_path_factory.mktemp("fleet")
    story.arguments = story.write(story.folder)
    return story
