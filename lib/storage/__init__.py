"""Object storage: a lake, or what lands, below s3a://, abfss:// or gs://."""
