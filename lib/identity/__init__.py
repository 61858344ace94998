"""Which records of the sources are one person: rules, links, clusters, and ids that stay."""
