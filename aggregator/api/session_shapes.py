"""Sessions on the wire: a code asked for, a code given, and the tokens a right one brings."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import CITIZEN_TEXT, CitizenId, Sentence, When, open_words, text, whole

SessionId = Annotated[
    str,
    text(
        "The session's machine id.",
        "ses_01JCZ5QK8V9XW3T6R2M4N7P0AB",
        most=30,
        pattern="^ses_[0-9A-HJKMNP-TV-Z]{26}$",
    ),
]
Mobile = Annotated[
    str, text("A mobile number; one without a country code is Indian.", "9000000042", most=24, pattern="^[0-9+() .-]*$")
]
Email = Annotated[str, text("An e-mail address.", "citizen@mail.example", most=200)]
Username = Annotated[str, text("The user name.", "asha.das", most=40)]
Password = Annotated[
    str, text("The password, 10 to 200 characters.", "rice boats at dawn", most=200, pattern=CITIZEN_TEXT)
]
Device = Annotated[
    str,
    text(
        "What the portal knows this device by: at least 16 characters of chance, kept on the device. A code asked for "
        "on one device is worth nothing on another.",
        "5f0c7c1e9b1d4a8e8d0b6a4f2c3e1d90",
        most=100,
        pattern="^[A-Za-z0-9_.~-]{16,100}$",
    ),
]
PurposeWord = Annotated[
    str,
    open_words(
        "What the session is for. LOGIN: a code to the mobile number; a new number becomes a citizen. PASSWORD: user "
        "name and password. CONFIRM: a code to the citizen's own number, before something sensitive. NEW_MOBILE, "
        "NEW_EMAIL: a code to what is to be added. RECOVERY: a code to the e-mail address, when the number is lost.",
        "LOGIN", "PASSWORD", "CONFIRM", "NEW_MOBILE", "NEW_EMAIL", "RECOVERY",
    ),
]  # fmt: skip
StateWord = Annotated[
    str,
    open_words("Where the session is.", "WAITING", "OPEN", "VERIFIED", "CLOSED"),
]
DeliveryWord = Annotated[
    str, open_words("How far the code's message got, as the provider told us.", "QUEUED", "SENT", "DELIVERED", "FAILED")
]
ChannelWord = Annotated[str, open_words("How the code is sent.", "SMS", "EMAIL")]
Credential = Annotated[
    str, text("A credential; keep it from everybody.", "rt_Zm9v", most=4000, pattern="^[A-Za-z0-9_.~+/=-]*$")
]

ClientAddress = Annotated[
    str,
    text(
        "The address the citizen's device has, so that one device cannot spend everybody's codes.",
        "203.0.113.7",
        most=45,
        pattern="^[0-9a-fA-F.:]*$",
    ),
]


class SessionAsked(Asked, frozen=True, kw_only=True):
    """A log-in, or the confirmation of one thing."""

    purpose: PurposeWord
    device: Device
    mobile: Mobile | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    client_address: ClientAddress | UnsetType = UNSET


class SessionGiven(Given, frozen=True, kw_only=True):
    """A session as it stands."""

    session_id: SessionId
    purpose: PurposeWord
    state: StateWord
    channel: ChannelWord | UnsetType = UNSET
    delivery: DeliveryWord | UnsetType = UNSET
    code_until: When | UnsetType = UNSET
    resend_at: When | UnsetType = UNSET
    expires_at: When
    tries_left: Annotated[int, whole("How often a code can still be tried.", 5, most=5)] | UnsetType = UNSET
    citizen_id: CitizenId | UnsetType = UNSET
    access_token: Credential | UnsetType = UNSET
    refresh_token: Credential | UnsetType = UNSET
    token_type: Annotated[str, text("How to send the access token.", "Bearer", most=10)] | UnsetType = UNSET
    expires_in: Annotated[int, whole("Seconds the access token lives.", 600, most=86_400)] | UnsetType = UNSET
    scope: Annotated[str, text("The rights of the token.", "cases.read cases.write", most=600)] | UnsetType = UNSET
    missing: Annotated[str, text("What a complete registration lacks.", "name address", most=200)] | UnsetType = UNSET
    explanation: Sentence


class CodeGiven(Asked, frozen=True, kw_only=True):
    """The code as the citizen typed it, on the device that asked for it."""

    code: Annotated[str, text("The six digits.", "047193", most=12, pattern="^[0-9 -]{6,12}$")]
    device: Device


class LogoutQuery(Asked, frozen=True, kw_only=True):
    """How far a log-out reaches."""

    all: Annotated[
        bool, Meta(description="Every session of the citizen, on every device and portal.", examples=[True])
    ] = False


class NothingGiven(Given, frozen=True, kw_only=True):
    """Nothing to say."""
