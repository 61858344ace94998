"""The models: features, learning, what they foretell, and how good that is."""
