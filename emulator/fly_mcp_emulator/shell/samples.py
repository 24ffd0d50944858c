"""Files and processes that pretend machines start with: enough to look around in, and a fault to find."""

from __future__ import annotations

from .machine import when
from .model import ListenSocket, Process

DEFAULT_BOOTED_AT = 1_705_305_600.0
"""2024-01-15 08:00 UTC: the day the brief's examples name."""

_OS_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""
_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_SUPERVISOR = "/usr/bin/python3 /usr/bin/supervisord -n -c /etc/supervisor/conf.d/supervisord.conf"
_APP = "node /data/workspace/server.js"
_OPENCODE = "opencode serve --hostname 0.0.0.0 --port 4096"
_SUPERVISORD_CONF = f"""\
[supervisord]
nodaemon=true
user=root
logfile=/var/log/supervisord.log
pidfile=/var/run/supervisord.pid

[unix_http_server]
file=/var/run/supervisor.sock

[supervisorctl]
serverurl=unix:///var/run/supervisor.sock

[program:app]
command={_APP}
directory=/data/workspace
autostart=true
autorestart=true
stdout_logfile=/var/log/app.log
stderr_logfile=/var/log/app-err.log

[program:opencode]
command={_OPENCODE}
directory=/data/workspace
autostart=true
autorestart=true
stdout_logfile=/var/log/opencode.log
stderr_logfile=/var/log/opencode-err.log
"""
_DATABASE = "catvet-records-db.internal:5432"
_SERVER_JS = """\
const express = require("express");
const { Pool } = require("pg");

const port = Number(process.env.PORT || 8080);
const pool = new Pool({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 5000 });
const app = express();

app.get("/health", (_req, res) => res.json({ status: "ok" }));

app.get("/patients", async (_req, res) => {
  const { rows } = await pool.query("SELECT id, name, species, owner FROM patients ORDER BY name");
  res.json(rows);
});

app.get("/patients/:id/visits", async (req, res) => {
  const { rows } = await pool.query("SELECT * FROM visits WHERE patient_id = $1", [req.params.id]);
  res.json(rows);
});

app.listen(port, "0.0.0.0", () => console.log(`catvet-records listening on ${port}`));
"""
_PACKAGE_JSON = """\
{
  "name": "catvet-records",
  "version": "1.4.2",
  "private": true,
  "main": "server.js",
  "scripts": {
    "start": "node server.js",
    "migrate": "node scripts/migrate.js",
    "test": "node --test"
  },
  "dependencies": {
    "express": "^4.18.2",
    "pg": "^8.11.3"
  }
}
"""
_README = """\
# catvet-records

Patient records of a small veterinary practice.

    npm install
    npm run migrate
    npm start

`DATABASE_URL` points to Postgres; `PORT` defaults to 8080. Logs are under /var/log.
"""
_SCHEMA = """\
CREATE TABLE patients (
  id      serial PRIMARY KEY,
  name    text NOT NULL,
  species text NOT NULL DEFAULT 'cat',
  owner   text NOT NULL
);

CREATE TABLE visits (
  id         serial PRIMARY KEY,
  patient_id integer NOT NULL REFERENCES patients (id),
  visited_on date NOT NULL,
  notes      text
);
"""
_MIGRATE_JS = """\
const fs = require("node:fs");
const { Client } = require("pg");

(async () => {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  for (const file of fs.readdirSync("migrations").sort()) {
    await client.query(fs.readFileSync(`migrations/${file}`, "utf8"));
    console.log(`applied ${file}`);
  }
  await client.end();
})();
"""


def default_files(
    booted_at: float = DEFAULT_BOOTED_AT,
    app: str = "catvet-records",
    machine_id: str = "7846e45f27e218",
    memory_mb: int = 1024,
) -> dict[str, str]:
    """Return the root file system of the default world's machine; its logs begin at `booted_at`."""
    return {
        **base_files(app, machine_id, memory_mb),
        "/etc/supervisor/conf.d/supervisord.conf": _SUPERVISORD_CONF,
        "/var/log/supervisord.log": _supervisord_log(booted_at),
        "/var/log/app.log": _app_log(booted_at),
        "/var/log/app-err.log": "",
        "/var/log/opencode.log": _opencode_log(booted_at),
        "/var/log/opencode-err.log": _opencode_error_log(booted_at),
        "/data/": "",
    }


def default_volume_files() -> dict[str, str]:
    """Return what lies on the default world's volume, under the path where it is mounted."""
    workspace = "/data/workspace"
    return {
        "/data/lost+found/": "",
        f"{workspace}/.gitignore": "node_modules\n.env\n",
        f"{workspace}/README.md": _README,
        f"{workspace}/package.json": _PACKAGE_JSON,
        f"{workspace}/server.js": _SERVER_JS,
        f"{workspace}/migrations/001_patients.sql": _SCHEMA,
        f"{workspace}/scripts/migrate.js": _MIGRATE_JS,
        f"{workspace}/uploads/": "",
    }


def default_processes(booted_at: float = DEFAULT_BOOTED_AT) -> list[Process]:
    """Return what runs on the default world's machine since `booted_at`: supervisord and its two programs."""
    workspace = "/data/workspace"
    return [
        Process(1, 0, "root", "/fly/init", 0.0, 5_120, booted_at),
        Process(314, 1, "root", "/.fly/hallpass", 0.0, 9_216, booted_at),
        Process(315, 1, "root", _SUPERVISOR, 0.1, 28_160, booted_at + 1),
        Process(
            322,
            315,
            "root",
            _APP,
            0.4,
            61_440,
            booted_at + 2,
            workspace,
            (ListenSocket("tcp", "0.0.0.0:8080"),),
        ),
        Process(
            323,
            315,
            "root",
            _OPENCODE,
            1.2,
            88_064,
            booted_at + 2,
            workspace,
            (ListenSocket("tcp", "0.0.0.0:4096"),),
        ),
    ]


def base_files(app: str, machine_id: str, memory_mb: int = 256) -> dict[str, str]:
    """Return the root file system of any machine. `free` tells `memory_mb`, in MiB."""
    total = memory_mb * 1024
    return {
        "/etc/hostname": f"{machine_id}\n",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost\nfdaa:0:1::3\t{machine_id}.vm.{app}.internal\n",
        "/etc/os-release": _OS_RELEASE,
        "/etc/passwd": _ACCOUNTS,
        "/etc/resolv.conf": "nameserver fdaa::3\n",
        "/fly/": "",
        "/home/": "",
        "/opt/": "",
        "/proc/meminfo": f"MemTotal:       {total:>9} kB\nMemFree:        {total // 3:>9} kB\n",
        "/root/.bashrc": "# ~/.bashrc: executed by bash(1) for non-login shells.\n",
        "/srv/": "",
        "/tmp/": "",  # noqa: S108 - a name in the pretend machine, not the host's /tmp
        "/usr/local/bin/": "",
        "/var/log/": "",
        "/var/run/": "",
    }


def _lines(booted_at: float, entries: list[tuple[float, str]], level: str = "") -> str:
    """Return log lines: each entry says how many seconds after the boot it was written."""
    return "".join(
        f"{when(booted_at + after):%Y-%m-%dT%H:%M:%S}.{int(after * 1000) % 1000:03}Z {level}{text}\n"
        for after, text in entries
    )


def _supervisord_log(booted_at: float) -> str:
    entries = [
        (1, "INFO supervisord started with pid 315"),
        (2, "INFO spawned: 'app' with pid 322"),
        (2, "INFO spawned: 'opencode' with pid 323"),
        (3, "INFO success: app entered RUNNING state, process has stayed up for > than 1 seconds"),
        (3, "INFO success: opencode entered RUNNING state, process has stayed up for > than 1 seconds"),
    ]
    return "".join(
        f"{when(booted_at + after):%Y-%m-%d %H:%M:%S},{417 + int(after)} {text}\n" for after, text in entries
    )


def _app_log(booted_at: float) -> str:
    requests = [
        "/health",
        "/health",
        "/patients",
        "/health",
        "/patients/7/visits",
        "/health",
        "/patients",
        "/health",
    ]
    entries = [(2.9, "catvet-records listening on 8080")]
    entries += [(15.0 * at + 20.25, f"GET {path} 200") for at, path in enumerate(requests)]
    return _lines(booted_at, entries)


def _opencode_log(booted_at: float) -> str:
    entries = [
        (2.4, "service=server opencode server listening on http://0.0.0.0:4096"),
        (2.6, "service=provider providerID=anthropic found credentials in ANTHROPIC_API_KEY"),
        (2.7, "service=storage directory=/data/workspace opened"),
        (41.3, "service=session id=ses_4f1c created"),
        (42.0, "service=session id=ses_4f1c prompt received, 61 characters"),
        (47.8, "service=tool tool=read path=/data/workspace/server.js"),
        (52.1, "service=tool tool=bash command='npm run migrate'"),
        (118.9, "service=tool tool=bash exit=1"),
        (121.5, "service=session id=ses_4f1c idle"),
    ]
    return _lines(booted_at, entries, "INFO  ")


def _opencode_error_log(booted_at: float) -> str:
    """Return the story of one fault: the database does not answer, retries wait longer, then give up."""
    entries: list[tuple[float, str]] = [
        (2.3, "WARN  service=config no opencode.json in /data/workspace, using defaults"),
        (2.5, "WARN  service=lsp typescript-language-server not found, diagnostics are off"),
        (3.1, "WARN  service=db DATABASE_URL uses sslmode=disable"),
    ]
    at = 52.4
    for attempt in range(1, 11):
        pause = min(2 ** (attempt - 1), 30)
        entries += [
            (at, f"ERROR service=db connect ECONNREFUSED {_DATABASE} (attempt {attempt}/10)"),
            (at, "ERROR service=db     at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1605:16)"),
            (at, "ERROR service=db     errno: -111, code: 'ECONNREFUSED', syscall: 'connect'"),
        ]
        if attempt < 10:
            entries.append((at + 0.01, f"WARN  service=db retrying in {pause} s"))
        at += pause + 0.1
    entries += [
        (
            at,
            f"ERROR service=db giving up on {_DATABASE} after 10 attempts: is its machine started?",
        ),
        (at + 0.1, "ERROR service=tool tool=bash command='npm run migrate' exited with 1"),
        (at + 0.2, "ERROR service=tool npm ERR! code ELIFECYCLE"),
        (at + 0.2, "ERROR service=tool npm ERR! errno 1"),
        (at + 0.2, "ERROR service=tool npm ERR! catvet-records@1.4.2 migrate: `node scripts/migrate.js`"),
        (at + 0.2, "ERROR service=tool npm ERR! Exit status 1"),
    ]
    for number in range(18):
        after = at + 15 + number * 15
        health = f"WARN  service=health check=database status=down reason=ECONNREFUSED target={_DATABASE}"
        entries.append((after, health if number % 3 else f"{health} failing_for={int(after - 52)}s"))
    return _lines(booted_at, entries)
