"""What the checks of a domain found, in sentences. Without a store: shells tell them too."""
