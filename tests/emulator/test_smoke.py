from __future__ import annotations
import httpx2
import time


async def test_smoke(fly: httpx2.AsyncClient) -> None:
    r = await fly.get("/apps", params={"org_slug": "personal"})
    print(r.status_code, r.text, r.headers)
    r = await fly.get("/apps/catvet-records/machines")
    print(r.status_code, r.text)
    r = await fly.post(
        "/apps/my-sandbox/machines",
        json={
            "config": {"image": "nginx", "mounts": [{"volume": "vol_xxx", "path": "/data"}]},
            "region": "fra",
        },
    )
    print(r.status_code, r.text, r.headers)
    i = r.json()["id"]
    t = time.monotonic()
    r = await fly.get(f"/apps/my-sandbox/machines/{i}/wait")
    print(r.status_code, r.text, time.monotonic() - t)
    r = await fly.get(f"/apps/my-sandbox/machines/{i}/wait?state=stopped&timeout=60")
    print(r.status_code, r.text, time.monotonic() - t)
    r = await fly.post(
        f"/apps/my-sandbox/machines/{i}/exec",
        json={"command": ["sh", "-c", "env; echo hi > /data/x; ls /data; sleep 2; echo ok"]},
    )
    print(r.status_code, r.text)
    r = await fly.post(f"/apps/my-sandbox/machines/{i}/exec", json={"cmd": "sleep 20", "timeout": 3})
    print(r.status_code, r.text)
    r = await fly.post(f"/apps/my-sandbox/machines/{i}/stop")
    r = await fly.get(f"/apps/my-sandbox/machines/{i}/wait?state=stopped&timeout=60")
    print(r.status_code, r.text)
    r = await fly.get(f"/apps/my-sandbox/machines/{i}")
    print(r.status_code, r.text)
    r = await fly.get("/apps/nope")
    print(r.status_code, r.text)
    r = await fly.get("/nope")
    print(r.status_code, r.text)
    r = await fly.get("http://fly.test/_emulator/requests")
    print(r.text[-300:])
    r = await fly.post(
        f"/apps/catvet-records/machines/7846e45f27e218/exec",
        json={
            "command": [
                "bash",
                "-c",
                "supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart app; ps aux; ls -la /data/workspace; tail -n 3 /var/log/opencode-err.log",
            ]
        },
    )
    print(r.status_code, r.json()["stdout"])
    r = await fly.delete(f"/apps/my-sandbox/machines/{i}")
    print(r.status_code, r.text)
    r = await fly.get(f"/apps/my-sandbox/machines/{i}/wait?state=destroyed&timeout=60")
    print(r.status_code, r.text)
    r = await fly.delete(f"/apps/my-sandbox/volumes/vol_xxx")
    print(r.status_code, r.text)
    r = await fly.get("/apps/my-sandbox/volumes/vol_xxx")
    print(r.status_code, r.text)
