"""One line of a log: without colours and progress bars, and taken apart into its prefix and what it says."""

import re

MAX_LINE = 16 * 2**10
"""Characters of one line that count: its beginning and its end."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)|\x1b[@-_]")
_ESCAPED_ANSI = re.compile(r"\[(?:\d{1,3};){0,4}\d{1,3}m")
"""Colour codes whose escape character was lost when the text was copied."""
_TIME = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[-+]\d\d:?\d\d)?"
    r"|\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+"
)
_VARYING = re.compile(_TIME)
_LEVEL = r"(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|Error|Warning|Info)"
_PREFIX = re.compile(
    r"\s*(?:"
    rf"\[?(?:{_TIME})\]?:?"
    rf"|\[?{_LEVEL}\]?(?=[:\s|\]-])[:|]?"
    r"|\[(?:rank|default|local_rank |RANK )?\d{1,5}\]:?"
    r"|\((?:[\w.:#]+ )?(?:rank=\d+,? )?pid=\d+(?:, ip=[\w.:]+)?\)"
    r"|rank ?\d{1,5}: |\d{1,4}: (?=\S)"
    r"|\[[\w./-]+:\d+(?::[\w<>.]+)?\]|[\w./-]+\.py:\d+[:\]]"
    r"|[\w.-]+ +\| |(?:stdout|stderr) [FP] "
    r"|[-|:](?= )"
    r"|\d{3,7}(?= )"
    r"|\[[a-zA-Z_][\w. -]{0,40}\](?=[: ])"
    r")"
)
_PROGRESS = re.compile(r"\s*(?:[\w.,()/ -]{1,60}: {1,3})?\d{1,3}%\|")
_RECORD = re.compile(
    rf"\[?(?:{_TIME})|\[?{_LEVEL}\]?[ :|]|\[rank\d+\]|Process \w+|\$ |\w+: 100%"
    r"|\[\d{1,5}\]:? (?:[Ee]poch|[Ss]tep|[Ii]ter\w*|[Tt]rain\w*|[Ee]val\w*|loss)[ :=]"
    r"|Exception (?:ignored|in) |(?:wandb|srun|slurmstepd|torchrun|accelerate|Epoch|epoch|step|Step|train|eval)[ :]"
    r"|(?:Training|Validat\w+|Evaluating|Loading) "
)


def clean(line: str) -> str:
    """Return `line` without line end, colours, NUL and overwritten progress, bounded to `MAX_LINE` characters."""
    line = line.rstrip("\r\n")
    if len(line) > MAX_LINE:
        line = line[: MAX_LINE // 2] + " … " + line[-MAX_LINE // 2 :]
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    elif "[" in line and "m" in line:
        line = _ESCAPED_ANSI.sub("", line)
    return line.replace("\0", "").replace("\xa0", " ")


def is_record(line: str) -> bool:
    """Return whether `line` looks like a new record of a log, or like progress: nothing that continues a message."""
    return _RECORD.match(line) is not None or is_progress(line)


def is_progress(line: str) -> bool:
    """Return whether `line` is a progress bar: it stands for itself, also where it is indented to three digits."""
    return "%|" in line and _PROGRESS.match(line) is not None


def without_prefix(line: str) -> str:
    """Return what `line` says, without time, level, rank, process and logger in front of it."""
    for _ in range(8):
        found = _PREFIX.match(line)
        if found is None or found.end() == 0:
            break
        line = line[found.end() :]
    return line.lstrip()


def prefix_pattern(prefix: str) -> "re.Pattern[str]":
    """Return an expression for the same prefix on the following lines: times may differ, ranks and pids may not."""
    parts, last = [], 0
    for found in _VARYING.finditer(prefix):
        parts += [re.escape(prefix[last : found.start()]), f"(?:{_TIME})"]
        last = found.end()
    parts.append(re.escape(prefix[last:].rstrip()))
    blank = len(prefix) - len(prefix.rstrip())
    return re.compile("".join(parts) + f" {{0,{blank}}}")
