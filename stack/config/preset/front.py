"""Nginx, the front: what a browser asks. Pure."""

from stack.config.preset.kind import Preset

PORT = 8080  # where Nginx listens inside its container

PRESET = Preset(
    image="nginx",
    user="101:101",
    port=PORT,
    probe=f"exec 3<>/dev/tcp/127.0.0.1/{PORT}",
    # The image's own entrypoint edits files, which a read-only root file system forbids.
    entrypoint=("nginx", "-c", "/etc/nginx/stack/nginx.conf"),
    # A request's body is at most 100 MB, and passed on without being kept first.
    tmpfs=("/tmp:size=128m",),  # noqa: S108 - a path inside the container
    # SIGQUIT, the image's choice, waits for open WebSockets until the engine kills it
    # (nginx/docker-nginx#377).
    stop_signal="SIGTERM",
)
