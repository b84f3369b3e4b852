"""What is logged names nobody."""

from server.logs import HIDDEN, redact


def test_a_row_that_the_database_quotes_is_hidden_to_its_last_line() -> None:
    said = (
        'asyncpg.exceptions.NotNullViolationError: null value in column "at"\n'
        "DETAIL:  Failing row contains (1, 王芳的备注\n\n第二行：住在静安寺, null).\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "sqlalchemy.exc.IntegrityError: null value\n"
        "DETAIL:  Failing row contains (1, 王芳的备注\n第二行：住在静安寺, null).\n"
        "[SQL: INSERT INTO note]"
    )

    shown = redact(None, "error", {"event": "operation_failed", "exception": said})["exception"]

    assert "静安寺" not in shown
    assert shown.count(HIDDEN) == 2
    assert "The above exception" in shown
    assert "[SQL: INSERT INTO note]" in shown
