"""How containers and the files of a project are called. Pure."""


def container_name(project: str, service: str, number: int) -> str:
    """Name a container as Compose does: ``shop-ws-1``."""
    return f"{project}-{service}-{number}"


def state_folder(project: str) -> str:
    """Where everything lies that stack keeps of a project, relative to stack.yaml."""
    return f"./.stack/{project}"


def secret_file(project: str, service: str, file: str) -> str:
    """Where the copy of a secret lies that one service is given."""
    return f"{state_folder(project)}/secrets/{service}.d/{file}"


def front_address(port: int, *, tls: bool) -> str:
    """Give the front door as a browser writes it."""
    return f"{'https' if tls else 'http'}://localhost:{port}"


def static_folder(service: str) -> str:
    """Give where the folder of a static service is in the container of Nginx."""
    return f"/srv/{service}"
