"""`otel-mldebug patterns`: what is known, and whether a file is right."""

import json

GOOD = (
    '[[pattern]]\nid = "acme.full"\ncategory = "inference"\nsummary = "Full."\nsolutions = ["Wait."]\n'
    "match = [{ message = 'queue full' }]\n"
)


def test_list_shows_every_entry_and_where_it_stands(mldebug):
    lines = mldebug("patterns", "list").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("cuda.oom ")]
    assert line.split() == ["cuda.oom", "memory", "critical", "cuda.toml:", "pattern", "1"]


def test_list_as_json_holds_what_a_person_reads(mldebug):
    rows = json.loads(mldebug("patterns", "list", "--json").stdout)["patterns"]
    (row,) = [row for row in rows if row["id"] == "cuda.oom"]
    assert (row["category"], row["retryable"], row["docs"][:8]) == ("memory", False, "https://")
    assert len(row["solutions"]) >= 2


def test_list_takes_files_of_the_user(mldebug, here):
    (here / "p.toml").write_text(GOOD)
    assert "acme.full" in mldebug("patterns", "list", "p.toml").stdout


def test_check_accepts_a_good_file(mldebug, here):
    (here / "p.toml").write_text(GOOD)
    (here / "two.toml").write_text(GOOD + GOOD.replace("acme.full", "acme.two"))
    (here / "notepad.toml").write_text(GOOD, encoding="utf-8-sig")
    (here / "empty.toml").write_text("")
    run = mldebug("patterns", "check", "p.toml", "two.toml", "notepad.toml", "empty.toml")
    assert (run.returncode, run.stdout.splitlines()) == (
        0,
        [
            "p.toml: 1 pattern, all good",
            "two.toml: 2 patterns, all good",
            "notepad.toml: 1 pattern, all good",
            "empty.toml: no patterns in it: an entry begins with [[pattern]]",
        ],
    )


def test_an_option_may_stand_before_the_files(mldebug, here):
    (here / "p.toml").write_text(GOOD)
    run = mldebug("patterns", "check", "--json", "p.toml")
    assert json.loads(run.stdout) == {"files": [{"file": "p.toml", "patterns": 1}]}


def test_check_names_each_mistake_and_goes_on(mldebug, here):
    (here / "bad.toml").write_text(GOOD.replace("inference", "infrence"))
    (here / "good.toml").write_text(GOOD)
    run = mldebug("patterns", "check", "bad.toml", "good.toml", "none.toml", "--json")
    rows = json.loads(run.stdout)["files"]
    assert run.returncode == 2
    assert rows[0]["error"].startswith(
        "bad.toml: pattern 1 (acme.full): category='infrence' is not usable: expected one"
    )
    assert rows[1] == {"file": "good.toml", "patterns": 1}
    assert "a pattern file that exists" in rows[2]["error"]


def test_check_without_a_file_says_how(mldebug):
    run = mldebug("patterns", "check")
    assert (run.returncode, run.stderr) == (
        2,
        "otel-mldebug patterns: patterns check needs a file: otel-mldebug patterns check FILE.\n",
    )
