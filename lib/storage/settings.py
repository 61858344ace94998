"""The model of `storage` in conf/lakehouse.yml. Credentials are references: nothing here holds one."""

from pydantic import Field, model_validator

from lib.contract import ConfigModel, Span
from lib.secrets import Referring, Secret, looked_up

_PLACE = "lakehouse.yml: storage"


class Storage(ConfigModel):
    """How an object store is spoken to. Without keys those count that its own clients find on the machine."""

    endpoint: Referring | None = Field(None, description="the URL of a store that speaks S3 and is not Amazon's")
    region: str | None = Field(None, min_length=1, description="of the bucket, in S3")
    path_style: bool = Field(False, description="is the bucket in the URL's path, not in the host's name? (S3)")
    access_key: Secret | None = Field(None, description="of S3, a reference")
    secret_key: Secret | None = Field(None, description="of S3, a reference; with access_key")
    session_token: Secret | None = Field(None, description="of S3, a reference; of keys that expire")
    lease: Span = Field("60s", description="how long a run may be silent until another one takes it for dead")

    @model_validator(mode="after")
    def _keys_go_together(self) -> "Storage":
        if (self.access_key is None) != (self.secret_key is None):
            given, other = ("access_key", "secret_key") if self.access_key else ("secret_key", "access_key")
            raise ValueError(f"{given}: is given without {other}")
        if self.session_token and not self.access_key:
            raise ValueError("session_token: is given without access_key")
        return self

    def of_python(self, scheme: str) -> dict[str, object]:
        """What fsspec is to know, of which credentials are looked up now."""
        # a listing that is remembered would hide what lands, and what another machine does
        common: dict[str, object] = {"use_listings_cache": False}
        if scheme == "abfss":
            return {**common, "anon": False}
        if scheme != "s3a":
            return common
        said = {
            "endpoint_url": self._found("endpoint"),
            "key": self._found("access_key"),
            "secret": self._found("secret_key"),
            "token": self._found("session_token"),
            "client_kwargs": {"region_name": self.region} if self.region else None,
            "config_kwargs": {"s3": {"addressing_style": "path"}} if self.path_style else None,
        }
        return {**common, **{name: value for name, value in said.items() if value}}

    def of_hadoop(self) -> dict[str, str]:
        """The same for Hadoop, where there is something to say."""
        said = {
            "endpoint": self._found("endpoint"),
            "endpoint.region": self.region or "",
            "path.style.access": "true" if self.path_style else "",
            "access.key": self._found("access_key"),
            "secret.key": self._found("secret_key"),
            "session.token": self._found("session_token"),
        }
        return {f"fs.s3a.{name}": value for name, value in said.items() if value}

    def _found(self, name: str) -> str:
        return looked_up(getattr(self, name), f"{_PLACE}.{name}")
