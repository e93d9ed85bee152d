"""Events on disk before anyone is told that they were accepted."""


class EventLog:
    """A write-ahead log of events in one file, a line of JSON each."""
