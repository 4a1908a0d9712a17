"""A hub on one machine; `make hub` prepares what it needs and starts it.

Every choice is a HUB_… variable: see settings.py. Started in another way, it refuses
the same things.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from limits import IsolatedSpawner, SharedSpawner
from release import pull_path
from settings import CLONE, Settings

s = Settings()
if s.refusals():
    sys.exit("\n".join(f"FAIL  {reason}" for reason in s.refusals()))
c = get_config()  # noqa: F821, given by JupyterHub

# --- where ---------------------------------------------------------------------------
c.JupyterHub.bind_url = s.address
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = s.tls_cert, s.tls_key
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{s.port + 2}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{s.port + 1}"
c.ConfigurableHTTPProxy.pid_file = str(s.secrets / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{s.secrets / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(s.secrets / "cookie_secret")

# --- who -----------------------------------------------------------------------------
# Nobody is an administrator: there is no page that opens another's work.
c.Authenticator.username_pattern = r"^[a-z][a-z0-9_-]{0,31}$"
if s.isolated:
    c.JupyterHub.authenticator_class = "pam"
    c.PAMAuthenticator.allowed_groups = {s.group}
    c.JupyterHub.spawner_class = IsolatedSpawner
else:
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = s.secret("password")
    c.SharedPasswordAuthenticator.allow_all = True
    c.JupyterHub.spawner_class = SharedSpawner
    c.SimpleLocalProcessSpawner.home_dir_template = f"{s.homes}/{{username}}"
# `make hub-stop` may end the hub with all servers, and nothing else.
c.JupyterHub.services = [{"name": "end-of-day", "api_token": s.secret("token")}]
c.JupyterHub.load_roles = [
    {"name": "end-of-day", "services": ["end-of-day"], "scopes": ["shutdown"]}
]

# --- what they get -------------------------------------------------------------------
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = pull_path(s)
c.Spawner.mem_limit = s.memory
c.Spawner.cpu_limit = s.cpus
threaded = "OMP MKL OPENBLAS NUMEXPR VECLIB_MAXIMUM".split()
c.Spawner.environment = {
    **{f"{library}_NUM_THREADS": str(s.threads) for library in threaded},
    # Git pulls from a repository of another account only where it is told to.
    "GIT_CONFIG_SYSTEM": str(s.state / "gitconfig"),
}
# A kernel nobody uses ends, then its server; what was saved stays.
every = max(1, min(300, s.idle // 2))
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={s.idle}",
    f"--MappingKernelManager.cull_interval={every}",
    "--MappingKernelManager.cull_connected=True",
    f"--ServerApp.shutdown_no_activity_timeout={s.idle}",
    *(["--allow-root"] if s.allow_root == "yes" else []),
]

# --- how many, and how long they may take --------------------------------------------
c.JupyterHub.active_server_limit = s.participants
c.JupyterHub.concurrent_spawn_limit = s.spawns
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
# The memory of each participant is looked at as often.
c.Spawner.poll_interval = 2

# --- a hub that ends leaves the servers running, and finds them when it starts again
c.JupyterHub.cleanup_servers = False

proxy = CLONE / "build" / "hub-proxy" / "node_modules" / ".bin"
c.ConfigurableHTTPProxy.command = [str(proxy / "configurable-http-proxy")]
