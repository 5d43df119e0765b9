"""The realtime service that ships with stack: JWT, channels, events. Pure."""

from stack.config.preset.kind import Preset

_BY_ITSELF = "is made by stack, for those that need the service"
_HEALTH_SCRIPT = "/opt/ws/app/ws_server/healthcheck.py"

PRESET = Preset(
    image="realtime",
    user="10001:10001",
    port=3002,
    ready_path="/readyz",
    health=("CMD", "/opt/ws/bin/python", "-I", "-S", _HEALTH_SCRIPT),
    tmpfs=("/tmp:size=16m",),  # noqa: S108 - a path inside the container
    usual="WS",
    has_api=True,
    secret_variables=("NEXTAUTH_SECRET", "AUTH_SECRET"),  # of Auth.js 4 and 5
    signs=True,
    uses_stores=True,
    keys=("namespaces",),
    fixed_variables={
        "WS_PORT": ("is what port: says", "write port: instead"),
        "WS_API_HOST": (_BY_ITSELF, "remove it"),
        "WS_API_PORT": (_BY_ITSELF, "remove it"),
        "WS_API_KEY": (_BY_ITSELF, "remove it"),
        "WS_API_KEY_FILE": (_BY_ITSELF, "remove it"),
        "NEXTAUTH_SECRET_FILE": (
            "is set by stack, which hands the secret over as a file",
            "give the secret itself, as NEXTAUTH_SECRET",
        ),
    },
)
