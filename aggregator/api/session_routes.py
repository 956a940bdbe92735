"""Rows of the route table: logging citizens in and out."""

from aggregator.api import sessions
from aggregator.api.route import Route
from aggregator.api.session_shapes import CodeGiven, LogoutQuery, NothingGiven, SessionAsked, SessionGiven

SESSIONS = (
    Route(
        method="POST", path="/sessions", operation_id="beginSession", handle=sessions.begin, scope="sessions.write",
        summary="Begin a log-in",
        about="Sends a one-time code, or checks a password. The same answer for known and unknown numbers.",
        body=SessionAsked, result=SessionGiven, success=(201,), conflicts=True,
    ),
    Route(
        method="POST", path="/sessions/{session_id}/verifications", operation_id="verifySession",
        handle=sessions.verify, scope="sessions.write", summary="Give the code",
        about="The right code opens the session; a number nobody had becomes a citizen here, and only here. Five "
        "tries, five minutes, one use, on the device that asked.",
        body=CodeGiven, result=SessionGiven, conflicts=True,
    ),
    Route(
        method="POST", path="/sessions/{session_id}/resends", operation_id="resendCode", handle=sessions.resend,
        scope="sessions.write", summary="Send another code",
        about="After 30, 60 and 120 seconds; the code before it is worth nothing then.",
        result=SessionGiven, success=(202,), conflicts=True,
    ),
    Route(
        method="GET", path="/sessions/{session_id}", operation_id="getSession", handle=sessions.show,
        scope="sessions.write", summary="One session", about="Where it stands, and how far the code's message got.",
        result=SessionGiven,
    ),
    Route(
        method="DELETE", path="/sessions/{session_id}", operation_id="endSession", handle=sessions.end,
        scope="sessions.write", summary="Log out",
        about="This session, or with `all=true` every one of the citizen's. Tokens end within five seconds.",
        query=LogoutQuery, result=NothingGiven, success=(204,),
    ),
)  # fmt: skip
