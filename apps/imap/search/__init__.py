"""SEARCH, SORT and THREAD: finding, ordering, answering, keeping results up to date."""
