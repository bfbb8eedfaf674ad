"""The doors for administrators who act from the web or a program's interface.

Each function takes the `Powers` of who acts, and keyword arguments that name all it may change. It
finds the object among those that the powers reach, so that another tenant's is not there, in the
words of what does not exist (NotFound); asks whether the act is allowed on what is in sight
(NotPermitted); and calls the service that every other door calls. An operator is free of what
organisations may hold.
"""
