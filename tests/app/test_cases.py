"""Cases over restarts, owners, redaction, retention; each on SQLite and on PostgreSQL."""

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import cases, database, doctor
from app.casebook import Casebook
from app.casefile import Feedback, SavedCase, SavedInput, SavedTurn
from app.cases import IN_MEMORY, CaseStore
from app.diagnosis import Diagnosis, File, GivenAnswer, Request
from app.doctor import Finding
from app.keeping import MAX_END, kept_text
from app.settings import Settings
from kb.errors import InputError, NotFound, UnavailableError
from kb.evidence import Input

KEY = "sk-proj-Zq8vT3nLw5Kd7Yb2Rc9MfXa4HsJ6GtPe"
ROWS = "\n".join(f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.0{n}}}" for n in range(1, 5))
_POSTGRES = [*(str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]


def _program(name: str) -> str | None:
    return shutil.which(name) or next((f"{folder}/{name}" for folder in _POSTGRES if Path(folder, name).exists()), None)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of one's own, run by an unprivileged user; skips where there is no PostgreSQL."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed (Debian: postgresql)")
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="casebook-pg-"))  # pytest's own folders are closed to other users
    if as_user:
        os.chown(folder, 65534, 65534)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, stdout=subprocess.DEVNULL, timeout=120, cwd=folder)

    try:
        run(initdb, "-D", str(folder / "db"), "-U", "casebook", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run(pg_ctl, "-D", str(folder / "db"), "-o", options, "-l", str(folder / "log"), "-w", "start")
        yield f"postgresql://casebook@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*as_user, pg_ctl, "-D", str(folder / "db"), "-m", "immediate", "stop"], check=False, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind, empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kept' / 'cases.db'}"
    import psycopg

    base = str(request.getfixturevalue("postgres"))
    name = f"t{abs(hash(str(tmp_path)))}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return base.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(scope="module")
def diagnosis(casebook: Casebook) -> Diagnosis:
    """A diagnosis to keep."""
    return casebook.diagnose(Request(text=ROWS))


def _turn(diagnosis: Diagnosis, number: int = 1, created: datetime | None = None) -> SavedTurn:
    return SavedTurn(
        number=number,
        created=created or datetime.now(UTC),
        question="loss 0",
        inputs=(SavedInput(name="text", text="a\0b \ud800 中文"),),
        answers=(GivenAnswer(check="trainable-labels", value="no"),),
        diagnosis=diagnosis,
    )


def test_what_is_kept_comes_back_after_a_restart(url: str, diagnosis: Diagnosis) -> None:
    store = CaseStore(url)
    first, second = _turn(diagnosis), _turn(diagnosis, 2)
    store.add_turn("c1", "alice", first)
    store.add_turn("c1", "alice", second)
    store.close()
    again = CaseStore(url)
    assert again.load("c1", "alice") == SavedCase(
        case="c1", created=first.created, language=diagnosis.language, turns=(first, second)
    )
    assert again.turns("c1", "alice") == 2
    again.close()


def test_a_case_is_unknown_to_any_other_owner(url: str, diagnosis: Diagnosis) -> None:
    store = CaseStore(url)
    store.add_turn("c1", "alice", _turn(diagnosis))
    assert store.turns("c1", "bob") is None
    with pytest.raises(NotFound):
        store.load("c1", "bob")
    with pytest.raises(NotFound):
        store.delete("c1", "bob")
    with pytest.raises(UnavailableError):  # the id is taken: nothing of alice's is touched
        store.add_turn("c1", "bob", _turn(diagnosis, 2))
    assert store.owned("alice") == ["c1"] and store.owned("bob") == []
    assert len(store.load("c1", "alice").turns) == 1
    store.close()


def test_retention_deletes_cases_and_keeps_the_bare_outcome(url: str, diagnosis: Diagnosis) -> None:
    store = CaseStore(url, retention_days=30)
    now = datetime.now(UTC)
    store.add_turn("old", "alice", _turn(diagnosis, created=now - timedelta(days=31)))
    store.add_turn("new", "alice", _turn(diagnosis, created=now - timedelta(days=29)))
    said = Feedback(created=now, outcome="fixed", incident="grpo-zero-advantage", note="the note", base_version="1")
    store.add_feedback("old", "alice", said)
    assert store.purge(now) == 1
    assert store.owned() == ["new"]
    assert store.outcomes() == {"grpo-zero-advantage": {"fixed": 1}}
    store.close()


def test_a_second_word_on_the_same_incident_replaces_the_first(url: str, diagnosis: Diagnosis) -> None:
    store = CaseStore(url)
    store.add_turn("c1", "alice", _turn(diagnosis))
    for outcome, incident in (("fixed", "a"), ("not_mine", "a"), ("fixed", "b"), ("other", None)):
        said = Feedback(created=datetime.now(UTC), outcome=outcome, incident=incident)  # type: ignore[arg-type]
        store.add_feedback("c1", "alice", said)
    assert store.outcomes() == {"a": {"not_mine": 1}, "b": {"fixed": 1}}
    with pytest.raises(NotFound):
        store.add_feedback("c1", "bob", Feedback(created=datetime.now(UTC), outcome="other"))
    store.delete("c1", "alice")
    assert store.outcomes() == {}
    store.close()


def test_tables_of_a_newer_casebook_are_left_alone(url: str) -> None:
    store = CaseStore(url)
    with store._writing.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 99")
    store.close()
    with pytest.raises(UnavailableError, match="newer casebook"):
        CaseStore(url)


def test_older_tables_are_migrated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    CaseStore(url).close()
    monkeypatch.setattr(database, "MIGRATIONS", (("ALTER TABLE cases ADD COLUMN title VARCHAR(9)",),))
    monkeypatch.setattr(database, "VERSION", 2)
    for _ in range(2):  # the second time there is nothing to do
        store = CaseStore(url)
        with store._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT title FROM cases").all() == []
            assert connection.exec_driver_sql("SELECT version FROM schema_version").all() == [(2,)]
        store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:secret@host/x", "not sqlite:// or postgresql://"),
        ("nonsense", "CASEBOOK_DATABASE"),
        ("postgresql://casebook:secret@127.0.0.1:1/x", "database postgresql"),
        ("sqlite:////proc/none/cases.db", "cases.db"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url: str, said: str) -> None:
    with pytest.raises(UnavailableError, match=said) as raised:
        CaseStore(url)
    assert "secret" not in str(raised.value)


def test_the_file_is_the_users_alone(tmp_path: Path, diagnosis: Diagnosis) -> None:
    store = CaseStore(f"sqlite:///{tmp_path / 'cases.db'}")
    store.add_turn("c1", "alice", _turn(diagnosis))
    assert {p.stat().st_mode & 0o777 for p in tmp_path.glob("cases.db*")} == {0o600}
    store.close()


def test_a_store_in_memory_stays_small(diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MAX_IN_MEMORY", 5)
    store = CaseStore(IN_MEMORY)
    for number in range(8):
        store.add_turn(f"c{number}", "alice", _turn(diagnosis))
    assert store.owned() == ["c7", "c6", "c5", "c4", "c3"] and store.turns("c0", "alice") is None


# --- the casebook over it


@pytest.fixture
def settings(data_folder: Path, casebook: Casebook, tmp_path: Path) -> Settings:
    """The built index with a database of its own."""
    return Settings(data=data_folder, database=SecretStr(f"sqlite:///{tmp_path / 'cases.db'}"))


def test_a_case_goes_on_after_a_restart(settings: Settings) -> None:
    first = Casebook(settings, keep=True)
    before = first.diagnose(Request(text=f"{ROWS}\nexport OPENAI_API_KEY={KEY}"), owner="alice")
    first.close()
    second = Casebook(settings, keep=True)
    answer = GivenAnswer(check="trainable-labels", value="yes")
    after = second.diagnose(Request(case=before.case, answers=(answer,)), owner="alice")
    saved = second.case(before.case, owner="alice")
    second.close()
    assert after.case == before.case and after.evidence.metrics == before.evidence.metrics
    assert after.evidence.redactions == before.evidence.redactions == 1
    assert [turn.number for turn in saved.turns] == [1, 2]
    assert saved.turns[1].answers == (answer,) and saved.diagnosis == after
    assert KEY not in saved.model_dump_json() and "<key-1>" in saved.turns[0].inputs[0].text


def test_nothing_unredacted_reaches_the_disk(settings: Settings, tmp_path: Path) -> None:
    casebook = Casebook(settings, keep=True)
    file = File(name=f"{KEY}.log", content=f"{ROWS}\nAuthorization: Bearer {KEY}")
    diagnosis = casebook.diagnose(Request(files=(file,), answers=(GivenAnswer(check=f"key={KEY}", value="no"),)))
    casebook.feedback(diagnosis.case, "other", note=f"still fails with api_key={KEY}")
    saved = casebook.case(diagnosis.case)
    casebook.close()
    assert KEY not in saved.model_dump_json() and "<key-" in str(saved.feedback[0].note)
    for path in tmp_path.glob("cases.db*"):
        assert KEY.encode() not in path.read_bytes()


def test_owners_are_kept_apart(settings: Settings) -> None:
    casebook = Casebook(settings, keep=True)
    mine = casebook.diagnose(Request(text=ROWS), owner="alice").case
    for refused in (
        lambda: casebook.diagnose(Request(text="more", case=mine), owner="bob"),
        lambda: casebook.case(mine, owner="bob"),
        lambda: casebook.feedback(mine, "fixed", owner="bob"),
        lambda: casebook.forget(mine, owner="bob"),
    ):
        with pytest.raises(NotFound):
            refused()
    casebook.forget(mine, owner="alice")
    with pytest.raises(NotFound):
        casebook.diagnose(Request(text="more", case=mine), owner="alice")
    casebook.close()


def test_feedback_without_incident_is_about_the_first_cause(settings: Settings) -> None:
    casebook = Casebook(settings, keep=True)
    text = "ValueError: Please specify `target_modules` in `peft_config`"
    diagnosis = casebook.diagnose(Request(text=text))
    casebook.feedback(diagnosis.case, "fixed")
    first = diagnosis.causes[0].incident if diagnosis.verdict == "diagnosed" else None
    assert casebook.case(diagnosis.case).feedback[0].incident == first
    with pytest.raises(NotFound, match="no-such"):
        casebook.feedback(diagnosis.case, "fixed", incident="no-such")
    casebook.close()


def test_retention_zero_leaves_nothing_on_disk(data_folder: Path, casebook: Casebook, tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    kept = Casebook(Settings(data=data_folder, database=SecretStr(f"sqlite:///{path}")), keep=True)
    kept.diagnose(Request(text=ROWS))
    kept.close()
    fleeting = Casebook(
        Settings(data=data_folder, database=SecretStr(f"sqlite:///{path}"), retention_days=0), keep=True
    )
    case = fleeting.diagnose(Request(text=ROWS)).case
    fleeting.feedback(case, "fixed")
    assert len(fleeting.case(case).feedback) == 1
    fleeting.close()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM cases").fetchone() == (0,)


def test_without_keeping_cases_continue_but_take_no_feedback(settings: Settings, tmp_path: Path) -> None:
    casebook = Casebook(settings)
    case = casebook.diagnose(Request(text=ROWS)).case
    assert casebook.diagnose(Request(text="Qwen2.5, fp16", case=case)).case == case
    with pytest.raises(UnavailableError, match="not kept"):
        casebook.feedback(case, "fixed")
    casebook.close()
    assert not list(tmp_path.glob("cases.db*"))


def test_a_full_case_says_so(settings: Settings) -> None:
    casebook = Casebook(settings)
    case = casebook.diagnose(Request(text="loss is 0")).case
    casebook._cases._open[case].turns = 50
    with pytest.raises(InputError, match="50 turns"):
        casebook.diagnose(Request(text="loss is 0", case=case))
    casebook.close()


@pytest.mark.parametrize("as_file", [True, False])
def test_a_long_input_keeps_both_ends_and_its_line_numbers(tmp_path: Path, as_file: bool) -> None:
    lines = [f"{n:07d} {'x' * 40}" for n in range(200_000)]
    text = "\n".join(lines)
    path = tmp_path / "long.log"
    path.write_text(text)
    kept = kept_text(Input("long.log", path if as_file else text)).split("\n")
    assert len(kept) == len(lines) and len("\n".join(kept)) < 2 * MAX_END + len(lines)
    assert all(now in ("", before) for now, before in zip(kept, lines, strict=True))
    assert kept[:20_000] == lines[:20_000] and kept[-20_000:] == lines[-20_000:]


def test_a_case_goes_from_process_to_process(url: str, data_folder: Path, casebook: Casebook) -> None:
    settings = Settings(data=data_folder, database=SecretStr(url))
    one, two = Casebook(settings, keep=True), Casebook(settings, keep=True)
    case = one.diagnose(Request(text=ROWS)).case
    two.diagnose(Request(text="transformers 4.37.0, fp16", case=case))
    last = one.diagnose(Request(text="deepspeed 0.14.0", case=case))
    assert {"transformers", "deepspeed"} <= set(last.evidence.versions) and "loss" in last.evidence.metrics
    assert [turn.number for turn in two.case(case).turns] == [1, 2, 3]
    two.forget(case)
    with pytest.raises(NotFound):
        one.diagnose(Request(text="and now?", case=case))
    one.close()
    two.close()


def test_turns_of_one_case_at_the_same_moment_are_all_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    casebook = Casebook(settings, keep=True)
    case = casebook.diagnose(Request(text=ROWS)).case
    add_turn = CaseStore.add_turn

    def slowly(*args: object) -> None:  # so that others come in the middle of a turn
        time.sleep(0.02)
        add_turn(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(CaseStore, "add_turn", slowly)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda n: casebook.diagnose(Request(text=f"note {n}", case=case)), range(16)))
    saved = casebook.case(case)
    casebook.close()
    assert {d.case for d in done} == {case}
    assert [turn.number for turn in saved.turns] == list(range(1, 18))
    assert {i.text for turn in saved.turns[1:] for i in turn.inputs} == {f"note {n}" for n in range(16)}


def test_a_database_that_goes_away_costs_the_record_and_not_the_answer(
    data_folder: Path, casebook: Casebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cases.db"
    kept = Casebook(Settings(data=data_folder, database=SecretStr(f"sqlite:///{path}")), keep=True)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE turns")
    connection.commit()
    assert kept.diagnose(Request(text=ROWS)).causes
    assert "case not kept" in caplog.text
    with pytest.raises(UnavailableError, match="CASEBOOK_DATABASE"):
        kept.questions()
    kept.close()


def test_the_doctor_looks_at_the_database(settings: Settings, data_folder: Path) -> None:
    def found(given: Settings) -> Finding:
        return doctor._guarded("cases", doctor._cases, given)

    assert found(settings).ok and "0 kept for 30 days" in found(settings).detail
    away = Settings(data=data_folder, database=SecretStr("postgresql://u:secret@127.0.0.1:1/x"))
    assert not found(away).ok and "secret" not in found(away).detail
    assert "nothing is kept" in found(Settings(data=data_folder, retention_days=0)).detail
