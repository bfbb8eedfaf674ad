"""Whether this installation works: what an operator is told of it, in words, and what to do.

- `checks`: what a check says; pure.
- `parts`: database, blob store and broker, asked so that they fail loudly; `/readyz` asks them too.
- `storage`, `flow`, `mailtrace`, `names`, `doors`, `certificate`, `scanners`, `risks`: the checks,
  by what they are about. Each takes what it measures with from the settings, and answers within a
  deadline.
- `signs`: that a worker lives.
- `report`: all of them at once, beside each other, and the answer of a moment ago.
"""
