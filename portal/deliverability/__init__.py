"""Will mail from a domain reach the inbox: what its DNS says, judged for one sender."""
