"""Where there can be a session."""

import pytest

from lib.errors import ConfigError
from lib.session import build_session


def test_spark_connect_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    with pytest.raises(ConfigError, match="sessions here are Spark Connect's, as on serverless compute"):
        build_session("refused")
