"""What somebody does by hand to a stack that runs: its files, its containers, its networks."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from docker.models.containers import Container

from tests.integration.containers import ended
from tests.integration.projects import Project, compose

Hand = Callable[[Project], None]
HANDS: list[Hand] = []  # what `up` heals


def hand(change: Hand) -> Hand:
    HANDS.append(change)
    return change


@hand
def delete_state(shop: Project) -> None:
    shutil.rmtree(shop.folder / ".stack")


@hand
def delete_secrets(shop: Project) -> None:
    shutil.rmtree(shop.state / "secrets")


@hand
def make_static_folder_anew(shop: Project) -> None:
    site = shop.folder / "site"
    text = (site / "index.html").read_text()
    shutil.rmtree(site)
    site.mkdir()
    (site / "index.html").write_text(text)


@hand
def cut_from_network(shop: Project) -> None:
    shop.client.networks.get(f"{shop.name}_data").disconnect(shop.container("redis"), force=True)


@hand
def rename(shop: Project) -> None:
    shop.container("redis").rename(f"{shop.name}-old")


@hand
def rename_the_front(shop: Project) -> None:
    shop.container("nginx").rename(f"{shop.name}-old-front")


@hand
def pause(shop: Project) -> None:
    shop.container("redis").pause()


@hand
def pause_the_front(shop: Project) -> None:
    shop.container("nginx").pause()


@hand
def stop(shop: Project) -> None:
    shop.container("redis").stop()


@hand
def kill_all(shop: Project) -> None:
    for container in shop.containers():
        container.kill()


@hand
def remove_containers(shop: Project) -> None:
    for container in shop.containers():
        container.remove(force=True)


@hand
def remove_network(shop: Project) -> None:
    network = shop.client.networks.get(f"{shop.name}_data")
    network.disconnect(shop.container("redis"), force=True)
    network.remove()


@hand
def edit_configuration(shop: Project) -> None:
    (shop.state / "nginx" / "nginx.conf").write_text("events {}\n")


@hand
def delete_configuration(shop: Project) -> None:
    (shop.state / "nginx" / "nginx.conf").unlink()


def copy_anew(path: Path) -> None:
    """Put a copy in the place of a folder, as a backup does: mounts see the old one."""
    shutil.copytree(path, path.with_name("copy"))
    shutil.rmtree(path)
    path.with_name("copy").rename(path)


@hand
def copy_state_anew(shop: Project) -> None:
    copy_anew(shop.folder / ".stack")


@hand
def copy_nginx_folder_anew(shop: Project) -> None:
    copy_anew(shop.state / "nginx")


@hand
def copy_secrets_anew(shop: Project) -> None:
    copy_anew(shop.state / "secrets")


@hand
def delete_compose_file(shop: Project) -> None:
    (shop.state / "compose.yaml").unlink()


@hand
def edit_compose_file(shop: Project) -> None:
    (shop.state / "compose.yaml").write_text("services: {}\n")


@hand
def empty_compose_file(shop: Project) -> None:
    (shop.state / "compose.yaml").write_text("")


@hand
def delete_memory(shop: Project) -> None:
    (shop.state / "memory.json").unlink()


@hand
def empty_memory(shop: Project) -> None:
    (shop.state / "memory.json").write_text("")


@hand
def memory_of_another_shape(shop: Project) -> None:
    (shop.state / "memory.json").write_text(json.dumps([{"images": 1}]))


@hand
def memory_of_bytes(shop: Project) -> None:
    (shop.state / "memory.json").write_bytes(b"\xff\xfe")


@hand
def delete_lock(shop: Project) -> None:
    (shop.state / "lock").unlink()


@hand
def delete_ignore_file(shop: Project) -> None:
    (shop.folder / ".stack" / ".gitignore").unlink()


@hand
def delete_one_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis-password").unlink()


@hand
def empty_one_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis-password").write_text("")


@hand
def edit_one_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis-password").write_text("x" * 43)


@hand
def delete_a_copy_of_a_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis.d" / "password").unlink()


@hand
def edit_a_copy_of_a_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis.d" / "password").write_text("y" * 43)


@hand
def delete_copies_of_secrets(shop: Project) -> None:
    shutil.rmtree(shop.state / "secrets" / "redis.d")


@hand
def close_the_state(shop: Project) -> None:
    shop.state.chmod(0o000)


@hand
def give_the_state_to_another(shop: Project) -> None:
    for path in (shop.state, *shop.state.rglob("*")):
        os.chown(path, 12345, 12345)


@hand
def delete_the_nginx_folder(shop: Project) -> None:
    shutil.rmtree(shop.state / "nginx")


@hand
def close_the_configuration(shop: Project) -> None:
    (shop.state / "nginx" / "nginx.conf").chmod(0o600)


@hand
def close_the_nginx_folder(shop: Project) -> None:
    (shop.state / "nginx").chmod(0o700)


@hand
def open_a_copy_of_a_secret(shop: Project) -> None:
    (shop.state / "secrets" / "redis.d" / "password").chmod(0o666)


@hand
def open_the_secrets(shop: Project) -> None:
    (shop.state / "secrets" / "redis-password").chmod(0o666)


@hand
def stop_the_front(shop: Project) -> None:
    shop.container("nginx").stop()


@hand
def stop_all(shop: Project) -> None:
    for container in shop.containers():
        container.stop()


@hand
def pause_all(shop: Project) -> None:
    for container in shop.containers():
        container.pause()


@hand
def restart_all(shop: Project) -> None:
    for container in shop.containers():
        container.restart()


@hand
def remove_the_front(shop: Project) -> None:
    shop.container("nginx").remove(force=True)


@hand
def remove_with_what_is_its_own(shop: Project) -> None:
    shop.container("redis").remove(force=True, v=True)


@hand
def swap_names(shop: Project) -> None:
    redis, nginx = shop.container("redis"), shop.container("nginx")
    redis.rename(f"{shop.name}-odd")
    nginx.rename(f"{shop.name}-redis-1")
    redis.rename(f"{shop.name}-nginx-1")


@hand
def rename_to_a_replica(shop: Project) -> None:
    shop.container("redis").rename(f"{shop.name}-redis-2")


@hand
def rename_out_of_the_project(shop: Project) -> None:
    shop.container("redis").rename(f"odd-{shop.name}")


@hand
def cut_the_front_off(shop: Project) -> None:
    shop.client.networks.get(f"{shop.name}_default").disconnect(shop.container("nginx"), force=True)


@hand
def cut_all_off(shop: Project) -> None:
    cut_from_network(shop)
    cut_the_front_off(shop)


@hand
def join_another_network(shop: Project) -> None:
    shop.client.networks.get(f"{shop.name}_default").connect(shop.container("redis"))


@hand
def remove_all_networks(shop: Project) -> None:
    for network in shop.client.networks.list(filters={"name": f"{shop.name}_"}, greedy=True):
        for container in network.containers:
            network.disconnect(container, force=True)
        network.remove()


@hand
def limit_memory(shop: Project) -> None:
    shop.container("redis").update(mem_limit="64m", memswap_limit="64m")


@hand
def restart_policy(shop: Project) -> None:
    shop.container("redis").update(restart_policy={"Name": "always"})


@hand
def quit_nginx(shop: Project) -> None:
    nginx = shop.container("nginx")
    nginx.kill("SIGQUIT")
    ended(nginx)


@hand
def kill_a_worker_of_nginx(shop: Project) -> None:
    (_, *workers) = [int(line[1]) for line in processes(shop.container("nginx"))]
    os.kill(workers[0], signal.SIGKILL)


@hand
def end_redis_by_its_own_command(shop: Project) -> None:
    redis = shop.container("redis")
    redis.exec_run(
        ["sh", "-c", 'REDISCLI_AUTH="$(cat /run/secrets/password)" redis-cli shutdown save']
    )
    ended(redis)


@hand
def load_a_configuration_of_old(shop: Project) -> None:
    config = shop.state / "nginx" / "nginx.conf"
    wanted = config.read_text()
    config.write_text(wanted.replace("X-Stack", "X-Other"))
    shop.container("nginx").kill("SIGHUP")
    time.sleep(0.5)  # what Nginx loads meanwhile is what is tested
    config.write_text(wanted)


@hand
def compose_down(shop: Project) -> None:
    by_compose(shop, "down")


@hand
def compose_up(shop: Project) -> None:
    by_compose(shop, "up", "--detach")


@hand
def compose_up_anew(shop: Project) -> None:
    by_compose(shop, "up", "--detach", "--force-recreate")


@hand
def compose_scale(shop: Project) -> None:
    by_compose(shop, "up", "--detach", "--scale", "redis=2", "redis")


@hand
def compose_stop(shop: Project) -> None:
    by_compose(shop, "stop")


@hand
def compose_restart(shop: Project) -> None:
    by_compose(shop, "restart")


@hand
def compose_remove(shop: Project) -> None:
    by_compose(shop, "rm", "--force", "--stop", "redis")


def by_compose(shop: Project, *args: str) -> None:
    """Use Compose on the rendered file of what runs."""
    compose(shop, "--file", str(shop.state / "compose.yaml"), *args)


def processes(container: Container) -> list[list[str]]:
    found = container.top()["Processes"]
    return sorted(found, key=lambda line: int(line[1]))
