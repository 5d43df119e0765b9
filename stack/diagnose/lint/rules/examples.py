"""Examples as a user would write them: a healthy location, in which a rule changes one thing."""


def location(
    *more: str,
    path: str = "/ws/",
    target: str = "http://127.0.0.1:3002",
    upgrade: str = "$http_upgrade",
    connection: str = '"upgrade"',
    version: str = "1.1",
) -> str:
    """Return a location with everything that a WebSocket needs; an empty value leaves it out."""
    lines = [f"proxy_pass {target};" if target else ""]
    lines += [f"proxy_http_version {version};" if version else ""]
    lines += [f"proxy_set_header Upgrade {upgrade};" if upgrade else ""]
    lines += [f"proxy_set_header Connection {connection};" if connection else ""]
    lines += ["proxy_set_header Host $http_host;", *more]
    return "\n".join([f"location {path} {{", *(f"    {line}" for line in lines if line), "}"])


def server(*parts: str, listen: str = "80", name: str = "") -> str:
    """Put locations and directives into a virtual host."""
    inside = [f"listen {listen};", f"server_name {name};" if name else "", *parts]
    return "\n".join(["server {", *(_indent(part) for part in inside if part), "}"])


def http(*parts: str, main: str = "", connections: int = 1024) -> str:
    """Make a whole file."""
    head = [main] if main else []
    head += ["events {", f"    worker_connections {connections};", "}"]
    return "\n".join([*head, "http {", *(_indent(part) for part in parts), "}"])


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
