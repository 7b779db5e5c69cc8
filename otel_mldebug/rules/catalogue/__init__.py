r"""Known errors as data: TOML files by area, the schema that checks them, and the loader.

One entry explains one family of errors::

    [[pattern]]
    id = "cuda.oom"                    # the finding's rule: lower case, dotted, unique
    category = "memory"                # docs/reference/taxonomy.md says which is which
    severity = "critical"              # debug, info, warning, error, critical; "error" when left out
    retryable = false                  # the same call, perhaps after a wait, can plausibly succeed; false when left out
    summary = "The GPU has no room[[ for {requested_bytes}]]."
    cause = "One or two sentences: why this happens."
    solutions = ["The most likely remedy first.", "At least two."]
    prevention = "How to keep it from coming back."
    docs = "https://…"
    source = "c10/cuda/CUDACachingAllocator.cpp"    # the file, or the documentation, that the pattern was taken from
    match = [                                       # one of them must hold
      { type = "torch.OutOfMemoryError" },
      { message = 'CUDA out of memory' },
    ]
    evidence.requested_bytes = { find = 'Tried to allocate ([\d.]+ [KMG]iB)', as = "bytes" }
    when = [{ if = "unused_bytes >= 512 MiB", solutions = ["…", "…"] }]

**match**: a list of alternatives, one of which must hold; the conditions inside one must all hold.

- `type`: name or list of names, one of which must be the class of the exception or one of its bases. A name with dots
  is compared in full, one without is compared with the last part; `*` stands for anything (`*Timeout*`).
- `message`: regular expression or list of them, one of which must be found. Letter case does not matter; every run of
  white space in the message is one space before it is compared. Needs a fixed piece of at least three characters, or
  one in every branch (it is looked for before the expression is even compiled), unless `type` narrows it down. Write
  `.{0,80}` and not `.*`.
- `cause`: regular expression that `TYPE: MESSAGE` of one of the causes must contain.
- `library`: top-level package that raised: of the innermost frame that is not the user's, else of the type.
- `where`: piece of the path or module of the innermost frame that is not the user's, such as `torch/utils/data`.
- `code`: table of `errno`, `status` (HTTP), `signal` (number), `exit_code` to a list of values; `"5??"` for a class
  of them. They come from the exception's attributes, else from the message.

**evidence**: what the summary and the solutions may mention as `{name}`, and what the finding keeps. Named groups of
`message` are evidence of type text; `evidence.NAME = "bytes"` gives them another type, and
`evidence.NAME = { find = 'regex with one group', as = "bytes" }` looks anywhere in the message. Types: see
`otel_mldebug.rules.catalogue.evidence.PARSERS`. A part in `[[ ]]` is left out when its evidence is missing; so is a
solution as a whole. `{type}` is always there; `{errno}`, `{status}`, `{signal}`, `{exit_code}`
are where they are known.

**when**: variants, the first that holds replaces `summary`, `cause`, `solutions`, `prevention`, `category`, `severity`
or `retryable`. `if` compares evidence: `NAME OP VALUE`, joined by ` and `; OP is one of `< <= > >= == !=`, VALUE a
number (`512 MiB`, `0.5`), a text in quotes or another NAME. A comparison with missing evidence does not hold.

**Which entry wins** does not depend on the order of files: an entry that matched by message beats one that matched by
type alone; among those, more fixed characters in the expression (and more conditions) win. `general = true` marks a
catch-all, which yields to all others. `over_cause = true`: this wrapper knows more than the exception it wraps, even
if an entry knows that one too.

**inner**: regular expression with one group: a message of its own inside the message, such as what a validator of the
user's said inside pydantic's error. What the catalogue knows of it comes first among cause and solutions; category,
severity and `retryable` stay those of the entry.

**basis** `"structure"` (our own `structure.toml`): what the form of a message or a class tells when nothing knows the
failure itself; less sure than any other entry; among those, the higher `confidence` wins. `yields = 2.0`: its category
is only the usual one, and gives way to one for which the words of the message speak with that weight
(`otel_mldebug.rules.structure`).

`make generate` writes `compiled.json`, which is what a running program loads.
"""
